"""Light without a sun, rain and wet ground, lamps and lit windows."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from foveate.world import WorldError, scenarios
from foveate.world.camera import Camera
from foveate.world.depth import rays, thinned
from foveate.world.furniture import lamp_post
from foveate.world.lamplight import pooled
from foveate.world.lamps import Beams, fitted, heads_of
from foveate.world.light import dark, facing, overcast, shade, sunny
from foveate.world.mesh import box, merged
from foveate.world.motion import Actor
from foveate.world.rain import random_rain, streaks
from foveate.world.renderer import Frame, Renderer, Stage
from foveate.world.scene import Scene
from foveate.world.sensor import meter
from foveate.world.surfaces import flat, wall
from foveate.world.textures import facade, shops
from foveate.world.truth import Seen, observe
from foveate.world.vehicles import vehicle
from foveate.world.wet import Wet, below, soaked
from foveate.world.windows import lit_windows, random_palette, window_of

SIZE = (144, 256)


def _rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def _camera(**changes) -> Camera:
    given = {"position": (3.0, -2.0, 1.6), "yaw": 0.4, "pitch": -0.1, "roll": 0.05, "field_of_view": 0.9}
    return Camera(**{**given, "height": 90, "width": 160, **changes})


@pytest.mark.parametrize("light", [overcast(_rng()), dark(_rng())])
def test_a_light_without_a_sun_faces_nothing_and_glints_nowhere(light) -> None:
    normals = np.eye(3, dtype=np.float32)
    assert np.all(facing(light, normals) == 0)
    lit = shade(light, colours=np.full((3, 3), 0.5), normals=normals, gloss=np.ones(3), towards_eye=normals)
    assert np.all(np.isfinite(lit))
    assert lit[2].mean() > lit[0].mean()


def test_a_sun_below_the_horizon_is_an_error() -> None:
    with pytest.raises(WorldError, match="above the horizon"):
        replace(sunny(_rng()), sun=(0.0, 0.6, -0.8))


def test_rays_lead_back_to_the_pixels_they_come_from() -> None:
    camera = _camera()
    at = rays(camera, (90, 160)) * 7.0 + np.asarray(camera.position, np.float32)
    seen = camera.project(at.reshape(-1, 3)).reshape(90, 160, 3)
    np.testing.assert_allclose(seen[..., 0], np.broadcast_to(np.arange(160) + 0.5, (90, 160)), atol=0.01)
    np.testing.assert_allclose(seen[..., 1], np.broadcast_to(np.arange(90)[:, None] + 0.5, (90, 160)), atol=0.01)
    np.testing.assert_allclose(seen[..., 2], 7.0, atol=1e-3)


def test_thinning_takes_pixels_as_they_are() -> None:
    picture = np.arange(24.0).reshape(4, 6)
    np.testing.assert_array_equal(thinned(picture, (2, 3)), picture[1::2, 1::2])


def test_the_camera_below_sees_the_mirrored_world_upside_down() -> None:
    camera = _camera()
    above = np.array([[12, 3, 2.5], [20, 4, 0.3], [9, 1, 6]], np.float32)
    mirrored = camera.project(above * (1, 1, -1))
    seen = below(camera).project(above)
    np.testing.assert_allclose(seen[:, 0], mirrored[:, 0], atol=0.01)
    np.testing.assert_allclose(camera.height - seen[:, 1], mirrored[:, 1], atol=0.01)


def test_wet_ground_is_darker_near_by_and_mirrors_far_away() -> None:
    camera = _camera(pitch=0.0, roll=0.0)
    wet = Wet(depth=_rng().normal(0, 1, (64, 64)).astype(np.float32), cover=0.2, darkening=0.6)
    down = -rays(camera, (90, 160))[..., 2]
    ground = down > 1e-3
    distance = np.where(ground, 1.6 / np.maximum(down, 1e-3), 500).astype(np.float32)
    dry, bright = np.full((90, 160, 3), 80, np.float32), np.full((45, 80, 3), 250, np.uint8)
    got = soaked(dry.copy(), wet=wet, mirror=bright, ground=ground, distance=distance, camera=camera, time=0.0)
    np.testing.assert_array_equal(got[~ground], dry[~ground])
    assert got[-1].mean() < 70
    assert got[48].mean() > 120


@pytest.mark.parametrize("changes", [{"cover": 1.2}, {"darkening": -0.1}])
def test_impossible_water_is_an_error(changes) -> None:
    with pytest.raises(WorldError, match=r"0\.\.1"):
        Wet(**{"depth": np.zeros((4, 4)), "cover": 0.1, "darkening": 0.5, **changes})


def test_drops_fall_and_near_ones_are_wider() -> None:
    rain, camera = random_rain(_rng()), _camera(roll=0.0, pitch=0.0)
    ends, wide, far = streaks(rain, camera, 1.5)
    assert len(ends) > 100
    assert np.mean(ends[:, 1, 1] > ends[:, 0, 1]) > 0.99
    assert wide[far < 2].mean() > 2 * wide[far > 6].mean()


def test_the_moment_alone_decides_where_drops_are() -> None:
    rain, camera = random_rain(_rng()), _camera()
    one, same, other = (streaks(rain, camera, t)[0] for t in (3600.5, 3600.5, 3600.6))
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape or not np.allclose(one, other)
    length = np.linalg.norm(one[:, 1] - one[:, 0], axis=1)
    assert length.min() > 0


def test_rain_that_does_not_fall_is_an_error() -> None:
    with pytest.raises(WorldError, match="falling"):
        replace(random_rain(_rng()), exposure_s=0.0)


def test_a_lamp_lights_the_ground_below_it_and_nothing_beyond_its_reach() -> None:
    camera = _camera(position=(0.0, 0.0, 10.0), pitch=-1.5, yaw=0.0, roll=0.0)
    down = -rays(camera, (45, 80))[..., 2]
    far = (10 / down).astype(np.float32)
    lamp = Beams(
        at=np.array([[0.7, 0, 6.0]]),
        aim=np.array([[0, 0, -1.0]]),
        spread=np.array([0.1]),
        power=np.ones((1, 3)),
        reach=np.array([7.0]),
    )
    lit = pooled(far, camera, lamp)
    assert np.all(lit >= 0)
    row, column = np.unravel_index(np.argmax(lit[..., 0]), far.shape)
    assert abs(row - 22) <= 2
    assert abs(column - 40) <= 2
    assert lit[0, 0, 0] == 0


def test_beams_that_disagree_are_an_error() -> None:
    with pytest.raises(WorldError, match="as many"):
        Beams(at=np.zeros((2, 3)), aim=np.zeros((1, 3)), spread=np.zeros(2), power=np.zeros((2, 3)), reach=np.zeros(2))


def test_only_vehicles_that_drive_have_their_lamps_on() -> None:
    model = vehicle("sedan", _rng())
    parked = Actor(model=model, at=(0, 0, 0), heading=0.0)
    lamps = fitted([parked, replace(parked, speed=5.0)])
    assert lamps.actor.tolist() == [1, 1, 1, 1]
    assert lamps.front.tolist() == [True, True, False, False]
    assert np.all(lamps.at[lamps.front, 0] > 2)
    assert np.all(lamps.at[~lamps.front, 0] < -2)
    np.testing.assert_allclose(lamps.at[0, 1], -lamps.at[1, 1], atol=1e-3)


def test_the_heads_of_lamp_posts_are_found_among_other_things() -> None:
    post = lamp_post(_rng())
    street = merged([box((1, 1, 1), (0.5, 0.5, 0.5)), post.moved(by=(10, 5, 0)), post.moved(by=(30, -5, 0), yaw=np.pi)])
    heads = heads_of([street])
    np.testing.assert_allclose(heads[:, :2], [(10, 3.7), (30, -3.7)], atol=1e-3)


def test_windows_are_found_in_the_texture_of_a_facade() -> None:
    for seed in range(6):
        texture = facade(_rng(seed))
        wide, tall = window_of(texture)
        assert 0.34 <= wide <= 0.8
        assert 0.45 <= tall <= 0.85
    assert window_of(np.full((512, 512, 3), 90, np.uint8)) == (0.34, 0.45)


def test_lit_windows_hang_just_before_the_walls_and_never_on_the_ground() -> None:
    rng = _rng()
    front = wall((0, 0), (12, 0), z=(4, 16), texture=facade(rng), repeats=(1, 1))
    shop = wall((0, 0), (12, 0), z=(0, 4), texture=shops(rng), repeats=(1, 1))
    ground = flat((0, 12), (0, 12), 0.0, facade(rng), 4)
    sheets, codes = lit_windows([front, shop, ground], rng)
    lit = sheets.points[codes > 0]
    assert len(lit) > 8
    np.testing.assert_allclose(lit[:, 1], -0.02, atol=1e-5)
    assert lit[:, 0].min() > 0
    assert lit[:, 0].max() < 12
    palette = random_palette(rng)
    assert np.all(palette[np.unique(codes[codes > 0])].max(axis=1) > 0)
    assert np.all(palette[0] == 0)


def _shot(scene: Scene, stage: Stage, camera: Camera) -> tuple[Frame, list[Seen]]:
    drawn = Renderer(scene, stage)
    moment = drawn.moment(camera, 0.5)
    frame = drawn.frame(moment)
    return frame, observe(moment, frame, lambda groups: drawn.alone(moment, groups))


@pytest.fixture(scope="module", params=["walk-rain", "drive-night"])
def shot(request, renderer: None) -> Iterator[tuple[str, Scene, Stage, Camera, Frame, list[Seen]]]:
    stage, shoot = Stage(size=SIZE, samples=0), scenarios.build(request.param, seed=13)
    camera = shoot.path.at(0.5, size=SIZE)
    yield request.param, shoot.scene, stage, camera, *_shot(shoot.scene, stage, camera)
    stage.close()


@pytest.mark.egl
def test_neither_rain_nor_lamps_change_the_truth(shot) -> None:
    _, scene, stage, camera, frame, seen = shot
    bare, same = _shot(replace(scene, rain=None, lamps=None), stage, camera)
    assert len(seen) > 5
    assert same == seen
    np.testing.assert_array_equal(bare.ids, frame.ids)
    assert np.abs(bare.picture - frame.picture).mean() > 1.5


@pytest.mark.egl
def test_the_same_moment_gives_the_same_picture(shot) -> None:
    _, scene, stage, camera, frame, _ = shot
    again, _ = _shot(scene, stage, camera)
    np.testing.assert_allclose(again.picture, frame.picture, atol=0.01)


@pytest.mark.egl
def test_where_no_sun_shines_no_sun_is_drawn(shot) -> None:
    stage = shot[2]
    assert "sun" not in vars(stage)
    assert len(stage.canvases) == len({id(canvas) for canvas in stage.canvases}) >= 2


@pytest.mark.egl
def test_rain_is_pale_and_night_is_dark_with_bright_lamps(shot) -> None:
    name, *_, frame, _ = shot
    assert np.all(np.isfinite(frame.picture))
    assert frame.picture.min() >= 0
    if name == "drive-night":
        assert np.median(frame.picture) < 70
        assert np.percentile(frame.picture, 99.9) > 200
    else:
        assert 60 < frame.picture.mean() < 190


@pytest.mark.egl
def test_the_meter_leaves_the_night_darker_than_the_rain(renderer: None) -> None:
    sensors = {name: scenarios.build(name, seed=13).sensor for name in ("walk-rain", "drive-night")}
    grey = np.full((64, 64, 3), 70, np.float32)
    assert meter(grey, sensors["drive-night"]) < meter(grey, sensors["walk-rain"])
