"""The hall, the plaza and levels of detail, as far as they need no renderer, and a few tiny frames."""

import numpy as np
import pytest

from foveate.world import crowd, hall, plaza, scenarios
from foveate.world.camera import Camera
from foveate.world.clearance import least_gaps
from foveate.world.detail import LEVELS, level_at, simplified
from foveate.world.mesh import box
from foveate.world.people import person, random_look
from foveate.world.renderer import Renderer, Stage
from foveate.world.rig import Model, skinned
from foveate.world.scene import Scene
from foveate.world.shoot import Shoot, stream
from foveate.world.truth import observe
from foveate.world.vehicles import vehicle


@pytest.fixture(scope="module")
def arcade() -> Shoot:
    return scenarios.build("walk-indoor", seed=3)


@pytest.fixture(scope="module")
def square() -> Shoot:
    return scenarios.build("plaza-crowd", seed=3)


def _bones(model: Model) -> np.ndarray:
    return np.tile(np.eye(3, 4, dtype=np.float32), (model.bones, 1, 1))


def _models() -> list[Model]:
    rng = np.random.default_rng(4)
    people = [person(random_look(rng), rng) for _ in range(4)]
    return [*people, vehicle("sedan", rng), vehicle("bus", rng)]


@pytest.mark.parametrize("number", range(len(LEVELS)))
def test_a_coarser_level_keeps_the_extent_within_a_pixel(number: int) -> None:
    level = LEVELS[number]
    for model in _models():
        skin, one = skinned([model]), np.zeros(1, np.int32)
        full, _ = skin.posed(_bones(model), one)
        coarse, _ = skin.posed(_bones(model), one, one + number + 1)
        for bound in (np.min, np.max):
            gap = np.abs(bound(full.points, axis=0) - bound(coarse.points, axis=0))
            assert gap.max() <= level.pixel, model.category


def test_levels_have_ever_fewer_vertices_and_the_last_a_third_of_a_body() -> None:
    rng = np.random.default_rng(4)
    skin = skinned([person(random_look(rng), rng)])
    sizes = np.diff(skin.vertex_start)
    assert np.all(np.diff(sizes) < 0)
    assert sizes[-1] < sizes[0] / 3


def test_levels_follow_from_the_metres_under_a_pixel() -> None:
    first = LEVELS[0].pixel
    assert level_at(np.array([0.5 * first, first, 1.0])).tolist() == [0, 1, len(LEVELS)]


def test_a_box_is_as_it_was_however_coarse_as_long_as_its_cells_are_smaller() -> None:
    cube = box((2, 2, 2), (0.5, 0.5, 0.5))
    same, part = simplified(cube, np.zeros(24, np.int32), 0.3)
    assert len(same.points) == 24
    assert len(same.triangles) == 12
    assert part.tolist() == [0] * 24
    assert set(map(tuple, same.points)) == set(map(tuple, cube.points))


def test_a_skin_counts_objects_not_shapes() -> None:
    models = [vehicle("hatch", np.random.default_rng(1))] * 3
    skin = skinned(models)
    assert skin.count == 3
    mesh, owner = skin.posed(np.tile(_bones(models[0]), (3, 1, 1)), np.array([2], np.int32), np.array([1], np.int32))
    assert set(owner.tolist()) == {2}
    assert mesh.triangles.max() < len(mesh.points)


def test_only_people_are_in_the_hall_and_none_leaves_its_walls(arcade: Shoot) -> None:
    assert set(arcade.scene.categories) == {"person"}
    half = hall.random_hall(stream(3, 0)).half
    for time in (0.0, 40.0, 200.0):
        at, _ = arcade.scene.tracks.places(time)
        assert np.abs(at[:, 1]).max() < half


def test_the_camera_of_the_hall_meets_nobody_and_stays_inside(arcade: Shoot) -> None:
    gaps = least_gaps(arcade.scene.actors, arcade.path, seconds=120.0, step=0.5)
    assert gaps.min() > 0.1
    way = np.array([arcade.path.at(float(t), size=(32, 32)).position for t in np.arange(0, 400, 2.0)])
    assert np.ptp(way[:, 0]) > 80
    assert np.abs(way[:, 0]).max() < 100
    assert np.abs(way[:, 1]).max() < 1


def test_people_of_the_hall_walk_both_ways_stand_and_sit(arcade: Shoot) -> None:
    actors = arcade.scene.actors
    walking = [a for a in actors if a.speed > 0]
    assert {round(float(np.cos(a.heading))) for a in walking} == {-1, 1}
    assert sum(a.speed == 0 for a in actors) > 10
    assert any(a.bearing is not None and a.bearing.saddle > 0 for a in actors)


def test_the_plaza_holds_hundreds_of_people_and_some_of_all_else(square: Shoot) -> None:
    categories = square.scene.categories
    assert 300 <= categories.count("person") <= 620
    assert categories.count("bicycle") >= 5
    assert categories.count("car") >= 5


def test_nobody_on_the_plaza_walks_through_what_stands_there(square: Shoot) -> None:
    _, discs = plaza.scenery_of(plaza.random_plaza(stream(3, 0)), stream(3, 5))
    people = [k for k, a in enumerate(square.scene.actors) if a.bearing is not None and a.bearing.saddle == 0]
    for time in (0.0, 17.0):
        at = square.scene.tracks.places(time)[0][people, :2]
        gaps = np.linalg.norm(at[:, None] - discs[None, :, :2], axis=2) - discs[:, 2]
        # Members of a group walk beside the line that was looked at.
        assert np.mean(gaps.min(axis=1) < 0) < 0.04


def test_most_on_the_plaza_are_small_and_some_are_not(square: Shoot) -> None:
    camera = square.path.at(0.0, size=(2160, 3840))
    at, _ = square.scene.tracks.places(0.0)
    people = np.array([a.bearing is not None for a in square.scene.actors])
    feet = camera.project(at[people])
    heads = camera.project(at[people] + np.array([0, 0, 1.7], np.float32))
    inside = (feet[:, 2] > 1) & (feet[:, 0] > 0) & (feet[:, 0] < 3840) & (feet[:, 1] < 2160)
    heights = (feet[:, 1] - heads[:, 1])[inside]
    assert inside.sum() > 250
    assert np.mean(heights < 64) > 0.5
    assert heights.max() > 100


def test_a_line_is_clear_of_what_lies_beside_it_only() -> None:
    discs = np.array([[5.0, 0.0, 1.0]])
    assert not crowd.is_clear((0.0, 0.0), 0.0, 10.0, discs, 0.5)
    assert crowd.is_clear((0.0, 2.0), 0.0, 10.0, discs, 0.5)
    assert crowd.is_clear((0.0, 0.0), np.pi / 2, 10.0, discs, 0.5)
    assert crowd.is_clear((0.0, 0.0), 0.0, 6.0, discs, 0.5)


@pytest.mark.parametrize("scenario", ["walk-indoor", "plaza-crowd"])
def test_the_same_seed_builds_the_same_place(scenario: str) -> None:
    one, same, other = (scenarios.build(scenario, seed=seed) for seed in (8, 8, 9))
    np.testing.assert_array_equal(one.scene.tracks.bones(1.5), same.scene.tracks.bones(1.5))
    for a, b in zip(one.scene.scenery.surfaces, same.scene.scenery.surfaces, strict=True):
        np.testing.assert_array_equal(a.texture, b.texture)
    assert one.path == same.path
    assert one.path != other.path


def _drawn(scene: Scene, camera: Camera, *, full: bool) -> dict[int, tuple[float, float, float, float]]:
    size = (camera.height, camera.width)
    stage = Stage(size=size, samples=0)
    drawn = Renderer(scene, stage)
    moment = drawn.moment(camera, 1.0)
    if full:
        mesh, owner = scene.skin.posed(moment.bones, moment.kept)
        replaced = {"mesh": mesh, "owner": owner, "levels": np.zeros_like(moment.levels)}
        moment = type(moment)(**{**vars(moment), **replaced})
    frame = drawn.frame(moment)
    seen = observe(moment, frame, lambda groups: drawn.alone(moment, groups))
    stage.close()
    return {item.track_id: item.box for item in seen}


@pytest.mark.egl
@pytest.mark.usefixtures("renderer")
def test_truth_boxes_hardly_change_with_the_level_of_detail(arcade: Shoot) -> None:
    camera = arcade.path.at(1.0, size=(360, 640))
    levelled, full = (_drawn(arcade.scene, camera, full=full) for full in (False, True))
    both = sorted(set(levelled) & set(full))
    assert len(both) > 0.95 * len(full)
    gaps = np.abs(np.array([levelled[k] for k in both]) - np.array([full[k] for k in both])).max(axis=1)
    assert gaps.max() <= 1


@pytest.mark.egl
@pytest.mark.usefixtures("renderer")
def test_the_floor_mirrors_and_the_ceiling_shades_nobody(arcade: Shoot) -> None:
    camera = arcade.path.at(1.0, size=(180, 320))
    pictures = []
    for polish in (0.0, 0.6):
        scene = Scene(**{**{n: getattr(arcade.scene, n) for n in arcade.scene.__dataclass_fields__}, "polish": polish})
        stage = Stage(size=(180, 320), samples=0)
        drawn = Renderer(scene, stage)
        pictures.append(drawn.frame(drawn.moment(camera, 1.0)).picture)
        stage.close()
    change = np.abs(pictures[1] - pictures[0]).mean(axis=2)
    assert change[110:].mean() > 2
    assert change[:60].max() == 0
    assert pictures[0][120:].mean() > 40
