"""What needs no renderer: meshes, gait, tracks, layout, camera, light, truth on paper, files, orders."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from foveate.core.errors import FoveateError, InputError
from foveate.world import (
    SCENARIOS,
    OrderError,
    RendererError,
    WorldError,
    coco,
    gait,
    motion,
    render_stills,
    scenarios,
    street,
    traffic,
    truth,
)
from foveate.world.camera import Camera
from foveate.world.clip import ClipOrder
from foveate.world.files import appearing, write_text
from foveate.world.light import GAMMA, shade, shadow_table, sunny
from foveate.world.mesh import ball, box, limb, merged, panels, rings_of
from foveate.world.rig import skinned
from foveate.world.splits import STILLS_SEED
from foveate.world.stills import Order
from foveate.world.vehicles import SHAPES, vehicle


def test_importing_the_room_loads_neither_vtk_nor_av() -> None:
    code = (
        "import sys, foveate.world; print([m for m in sys.modules if m.split('.')[0] in ('vtkmodules', 'vtk', 'av')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_errors_are_foveate_errors_and_value_errors() -> None:
    assert issubclass(WorldError, FoveateError)
    assert issubclass(WorldError, ValueError)
    assert issubclass(RendererError, WorldError)
    assert issubclass(OrderError, WorldError)


def test_only_what_was_asked_wrongly_is_an_input_error() -> None:
    assert issubclass(OrderError, InputError)
    assert not issubclass(RendererError, InputError)
    assert not issubclass(WorldError, InputError)


def test_an_unknown_scenario_lists_the_known_ones() -> None:
    with pytest.raises(WorldError, match=r"'walk-hail'.*walk-sunny"):
        scenarios.build("walk-hail", seed=0)
    names = ["cycle-sunny", "drive-night", "plaza-crowd", "walk-indoor", "walk-rain", "walk-sunny"]
    assert list(SCENARIOS) == names


def test_a_machine_without_egl_gets_one_line_and_the_packages_to_install() -> None:
    code = (
        "from foveate.world.canvas import Canvas\ntry: Canvas(size=(32, 32))\nexcept ValueError as error: print(error)"
    )
    blind = {**os.environ, "__EGL_VENDOR_LIBRARY_FILENAMES": "/nonexistent", "DISPLAY": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=blind)
    assert "libegl1 libgl1-mesa-dri" in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("solid", [ball((1, 2, 3), (1, 1, 1)), limb(1, 0.2, 0.1, (1, 1, 1)), box((1, 2, 3), (1, 1, 1))])
def test_normals_of_a_convex_solid_point_outwards(solid) -> None:
    centre = solid.points.mean(axis=0)
    outwards = np.sum((solid.points - centre) * solid.normals, axis=1)
    assert np.all(outwards > -1e-3)


def test_panels_share_no_vertex_so_that_colours_stay_sharp() -> None:
    grid = rings_of([(0, 1, 1), (1, 1, 1)], segments=6)
    mesh = panels(grid, np.random.default_rng(0).random((3, 6, 3)), np.zeros((3, 6)))
    assert len(mesh.points) == 4 * 3 * 6
    assert np.ptp(mesh.colours[mesh.triangles], axis=1).max() == 0


def test_merging_nothing_is_an_error() -> None:
    with pytest.raises(WorldError, match="at least one"):
        merged([])


def _habit(swing: float, seated: float = 0.0) -> gait.Habit:
    one = np.ones(1)
    return gait.Habit(
        swing=swing * one, elbow=0 * one, raise_arm=0 * one, lean=0 * one, seated=seated * one, reach=0.8 * one
    )


@pytest.mark.parametrize("phase", np.linspace(0, 2 * np.pi, 7))
def test_the_lower_foot_of_a_walker_touches_the_ground(phase: float) -> None:
    bones = gait.skeleton(gait.joints(_habit(0.4), np.array([phase])), np.array([1.8]), np.zeros(1))
    ankles = [bones[0, gait.BONES.index(f"foot_{side}"), 2, 3] for side in "lr"]
    assert min(ankles) == pytest.approx(gait.FOOT_DEPTH * 1.8 / gait.REFERENCE_HEIGHT, abs=1e-5)


def test_bones_do_not_stretch() -> None:
    bones = gait.skeleton(gait.joints(_habit(0.5), np.array([1.0])), np.array([1.75]), np.zeros(1))[0]
    at = {name: bones[k, :, 3] for k, name in enumerate(gait.BONES)}
    assert np.linalg.norm(at["thigh_l"] - at["shin_l"]) == pytest.approx(gait.THIGH, abs=1e-5)
    assert np.linalg.norm(at["arm_r"] - at["forearm_r"]) == pytest.approx(gait.ARM, abs=1e-5)


def test_the_left_leg_swings_against_the_left_arm() -> None:
    angles = gait.joints(_habit(0.4), np.array([np.pi / 2]))
    assert angles.thigh[0] > 0 > angles.arm[0]
    assert angles.thigh[1] < 0 < angles.arm[1]


def test_a_rider_sits_at_the_height_of_the_saddle() -> None:
    bones = gait.skeleton(gait.joints(_habit(0.0, seated=1.0), np.zeros(1)), np.array([1.75]), np.array([0.98]))
    assert bones[0, gait.BONES.index("pelvis"), 2, 3] == pytest.approx(0.98)


def _car() -> motion.Actor:
    return motion.Actor(model=vehicle("sedan", np.random.default_rng(0)), at=(0, 2, 0), heading=0.0)


def test_a_track_is_entered_again_at_its_other_end() -> None:
    car = motion.Actor(model=_car().model, at=(0, 2, 0), heading=0.0, speed=10, start=45, span=100)
    places, _ = motion.Tracks([car]).places(1.0)
    np.testing.assert_allclose(places[0], (-45, 2, 0), atol=1e-4)


def test_who_paces_turns_round_at_the_end() -> None:
    actor = motion.Actor(model=_car().model, at=(0, 0, 0), heading=0.0, speed=1, start=4, span=10, paces=True)
    places, headings = motion.Tracks([actor]).places(3.0)
    np.testing.assert_allclose(places[0], (3, 0, 0), atol=1e-5)
    assert headings[0] == pytest.approx(np.pi)


def test_a_track_without_length_is_an_error() -> None:
    with pytest.raises(WorldError, match="length"):
        motion.Actor(model=_car().model, at=(0, 0, 0), heading=0.0, span=0)


def test_posing_a_choice_of_objects_gives_their_rows_of_the_whole() -> None:
    models = [vehicle(kind, np.random.default_rng(1)) for kind in ("hatch", "bus", "truck")]
    skin = skinned(models)
    bones = np.tile(np.eye(3, 4, dtype=np.float32), (3, 1, 1))
    whole, owners = skin.posed(bones, np.arange(3, dtype=np.int32))
    some, some_owners = skin.posed(bones, np.array([0, 2], np.int32))
    np.testing.assert_array_equal(some.points, whole.points[owners != 1])
    assert set(some_owners.tolist()) == {0, 2}
    assert some.triangles.max() == len(some.points) - 1


def test_a_street_without_anybody_has_a_skin_of_nothing() -> None:
    skin = skinned([])
    mesh, owner = skin.posed(np.zeros((0, 3, 4), np.float32), np.zeros(0, np.int32))
    assert (skin.count, len(mesh.points), len(mesh.triangles), len(owner)) == (0, 0, 0, 0)


@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_vehicles_stand_on_the_ground_about_their_middle(kind: str) -> None:
    points = np.concatenate([part.mesh.points for part in vehicle(kind, np.random.default_rng(2)).parts])
    assert points[:, 2].min() == pytest.approx(0, abs=0.03)
    assert abs(points[:, 0].max() + points[:, 0].min()) < 0.3
    assert abs(points[:, 1].max() + points[:, 1].min()) < 0.05


def test_the_same_seed_builds_the_same_street_and_another_seed_another() -> None:
    one, same, other = (scenarios.build("walk-sunny", seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.scene.skin.rest.points, same.scene.skin.rest.points)
    np.testing.assert_array_equal(one.scene.tracks.bones(2.5), same.scene.tracks.bones(2.5))
    np.testing.assert_array_equal(one.scene.dome, same.scene.dome)
    assert one.path == same.path
    assert one.scene.plan != other.scene.plan


def test_parked_cars_leave_the_zebra_free() -> None:
    rng = np.random.default_rng(5)
    plan = street.Plan(lanes=2, lane=3.2, parking=2.2, pavement=4, crossing=0, stopped=True)
    density = traffic.Density(walkers=0, standing=0, crossing=0, gap_m=8, parked=1, cycles=0)
    cars = traffic.parked(plan, density, traffic.Cast(rng, people=1, vehicles=2), rng)
    assert cars
    assert min(abs(car.at[0]) for car in cars) > 3


def test_nobody_but_cars_stands_in_the_way_of_the_camera() -> None:
    shoot = scenarios.build("walk-sunny", seed=13)
    slim = [a for a in shoot.scene.actors if a.model.category == "person" and not a.paces]
    assert all(abs(a.at[1] - shoot.path.start[1]) > 0.55 for a in slim)


def test_negative_densities_are_errors() -> None:
    with pytest.raises(WorldError, match="negative"):
        traffic.Density(walkers=-1, standing=0, crossing=0, gap_m=8, parked=1, cycles=0)


def _camera(**changes) -> Camera:
    given = {
        "position": (0, 0, 1.5),
        "yaw": 0.0,
        "pitch": 0.0,
        "roll": 0.0,
        "field_of_view": 1.0,
        "height": 100,
        "width": 200,
    }
    return Camera(**{**given, **changes})


def test_what_is_straight_ahead_falls_on_the_middle_and_left_is_left() -> None:
    seen = _camera().project(np.array([[10, 0, 1.5], [10, 2, 1.5], [10, 0, 3]], np.float32))
    np.testing.assert_allclose(seen[0], (100, 50, 10), atol=1e-4)
    assert seen[1, 0] < 100
    assert seen[2, 1] < 50


def test_a_camera_without_a_picture_is_an_error() -> None:
    with pytest.raises(WorldError, match="0x200"):
        _camera(height=0)


@pytest.mark.parametrize("changes", [{"yaw": np.nan}, {"position": (0.0, 0.0, np.inf)}])
def test_a_camera_that_is_nowhere_is_an_error(changes) -> None:
    with pytest.raises(WorldError, match="finite numbers of place and view"):
        _camera(**changes)


def test_a_surface_that_faces_the_sun_is_brighter_and_shadow_takes_that_away() -> None:
    light = sunny(np.random.default_rng(0))
    sun = np.asarray(light.sun)
    normals = np.stack([sun, -sun])
    grey, dull = np.full((2, 3), 0.4), np.zeros(2)
    lit = shade(light, colours=grey, normals=normals, gloss=dull, towards_eye=normals)
    assert np.all(lit[0] > lit[1])
    table = shadow_table(light)
    np.testing.assert_allclose(table[0], 1, atol=1e-6)
    assert np.all(np.diff(table, axis=0) < 0)
    assert pytest.approx(2.2) == GAMMA


def _outline(number: int, box_: tuple[float, float, float, float]) -> truth.Outline:
    return truth.Outline(number=number, box=box_, farthest=10.0, cut=False)


def test_outlines_that_overlap_are_drawn_apart() -> None:
    outlines = [_outline(0, (0, 0, 20, 20)), _outline(1, (10, 10, 30, 30)), _outline(2, (50, 0, 60, 20))]
    groups = truth.apart(outlines, (64, 64))
    assert sorted(sorted(o.number for o in group) for group in groups) == [[0, 2], [1]]


def test_only_what_is_nearer_and_not_ground_can_hide() -> None:
    ids, far = np.full((32, 32), truth.GROUND, np.int32), np.full((32, 32), 5.0, np.float32)
    outline = _outline(0, (8, 8, 16, 16))
    assert not truth.may_be_hidden(outline, ids, far)
    ids[10, 10] = 7
    assert truth.may_be_hidden(outline, ids, far)
    far[10, 10] = 20
    assert not truth.may_be_hidden(outline, ids, far)


@pytest.mark.parametrize(
    ("box_", "visible", "ignored"),
    [
        ((0, 0, 5, 20), 1.0, False),
        ((0, 0, 5, 7.9), 1.0, True),
        ((0, 0, 5, 20), 0.24, True),
        ((0, 0, 5, 20), 0.25, False),
    ],
)
def test_small_or_hidden_objects_are_ignored(box_, visible: float, ignored: bool) -> None:
    assert truth.Seen(track_id=1, box=box_, visible=visible).ignore is ignored


def test_an_annotation_is_coco() -> None:
    seen = truth.Seen(track_id=9, box=(1.5, 2, 11.5, 42), visible=0.5)
    entry = coco.annotation(seen, image_id=3, category="person")
    assert entry["bbox"] == [1.5, 2, 10, 40]
    assert (entry["area"], entry["category_id"], entry["iscrowd"], entry["track_id"]) == (400, 1, 0, 9)
    with pytest.raises(WorldError, match="tram"):
        coco.annotation(seen, image_id=3, category="tram")


def _fill(path: Path) -> None:
    path.write_text("half")
    raise OSError(28, "No space left on device")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "a.json", json.dumps([1]))
    assert (tmp_path / "deep" / "a.json").read_text() == "[1]"
    with pytest.raises(WorldError, match=r"b\.json: No space left"), appearing(tmp_path / "b.json") as draft:
        _fill(draft)
    assert [p.name for p in tmp_path.iterdir()] == ["deep"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": (721, 1280)}, "even"),
        ({"size": (0, 1280)}, "even"),
        ({"seconds": 0.0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"fps": 0}, "fps"),
        ({"crf": 52}, "crf"),
        ({"seed": STILLS_SEED}, "seed"),
        ({"seed": -1}, "seed"),
    ],
)
def test_impossible_clips_are_refused_in_one_line(changes, message: str) -> None:
    good = {"scenario": "walk-sunny", "seconds": 1.0, "size": (64, 96), "seed": 0, "fps": 30, "crf": 18}
    with pytest.raises(WorldError, match=message) as caught:
        ClipOrder(**{**good, **changes})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 0},
        {"frames_per_scene": 0},
        {"quality": 0},
        {"seed": -1},
        {"sizes": ((8, 8),)},
        {"sizes": ((64, 9000),)},
        {"scenarios": ()},
    ],
)
def test_impossible_stills_are_refused(changes) -> None:
    good = {
        "scenarios": ("walk-sunny",),
        "count": 1,
        "sizes": ((64, 96),),
        "seed": 0,
        "frames_per_scene": 2,
        "quality": 90,
    }
    with pytest.raises(WorldError):
        Order(**{**good, "out": Path("x"), **changes})


@pytest.mark.parametrize("version", [None, coco.VERSION - 1])
def test_stills_of_another_world_version_are_another_set(tmp_path, version) -> None:
    wish = {"size": (64, 96), "count": 1, "seed": 0, "frames_per_scene": 2, "quality": 90, "out": tmp_path}
    order = Order(
        scenarios=("walk-sunny",), count=1, sizes=((64, 96),), seed=0, frames_per_scene=2, quality=90, out=tmp_path
    )
    mark = {name: value for name, value in order.describe().items() if name != "world_version"}
    mark |= {} if version is None else {"world_version": version}
    (tmp_path / "order.json").write_text(json.dumps(mark, sort_keys=True) + "\n")
    with pytest.raises(OrderError, match=f'another set of stills: .*; wanted .*"world_version": {coco.VERSION}'):
        render_stills("walk-sunny", **wish)


def test_scene_seeds_of_neighbouring_sets_and_of_clips_are_disjoint() -> None:
    sets = [
        Order(
            scenarios=("walk-sunny",),
            count=10_000,
            sizes=((64, 96),),
            seed=seed,
            frames_per_scene=1,
            out=Path("x"),
            quality=90,
        )
        for seed in (0, 1)
    ]
    seeds = [{order.scene(scene)[1] for scene in range(order.scenes)} for order in sets]
    assert not seeds[0] & seeds[1]
    assert min(seeds[0]) >= STILLS_SEED
