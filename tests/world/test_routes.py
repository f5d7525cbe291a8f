"""Rings, flows and the cameras on them: nobody leaves the world, and nobody is driven through."""

import numpy as np
import pytest

from foveate.world import WorldError, circuit, houses, scenarios
from foveate.world.camera import Fixed, Walk
from foveate.world.clearance import least_gaps
from foveate.world.drive import Drive, random_drive
from foveate.world.exposure import Exposure
from foveate.world.flow import Flow
from foveate.world.ring import Ring
from foveate.world.shoot import stream
from foveate.world.traffic import random_density

SQUARE = Ring(corners=((0, 0), (100, 0), (100, 100), (0, 100)), radius=20)
BENT = Ring(corners=((0, 0), (200, 0), (200, 100), (100, 100), (100, 200), (0, 200)), radius=20)
SIZE = (36, 64)


def test_a_ring_is_as_long_as_its_straights_and_bends() -> None:
    assert SQUARE.length == pytest.approx(4 * 60 + 2 * np.pi * 20)
    assert SQUARE.length_at(5) == pytest.approx(4 * 60 + 2 * np.pi * 15)
    assert BENT.length_at(-5) == pytest.approx(BENT.length + 2 * np.pi * 5)


@pytest.mark.parametrize("side", [-6.0, 0.0, 8.0])
def test_a_ring_is_closed_and_has_no_gaps(side: float) -> None:
    along = np.linspace(0, BENT.length, 4001)
    at, heading = BENT.place(along, side)
    steps = np.linalg.norm(np.diff(at, axis=0), axis=1)
    assert steps.max() < 1.5 * BENT.length / 4000
    assert steps.sum() == pytest.approx(BENT.length_at(side), rel=1e-3)
    np.testing.assert_allclose(at[0], at[-1], atol=1e-6)
    bearing = np.arctan2(*np.diff(at, axis=0).T[::-1])
    assert np.abs(np.angle(np.exp(1j * (bearing - heading[:-1])))).max() < 0.03


def test_metres_of_ones_own_way_lead_to_the_same_place() -> None:
    side = np.full(200, -7.0)
    own = np.linspace(0, BENT.length_at(-7.0), 201)[:-1]
    at, _ = BENT.place(BENT.middle(own, side), side)
    steps = np.linalg.norm(np.diff(at, axis=0), axis=1)
    np.testing.assert_allclose(steps, own[1], rtol=0.02)


def test_a_ring_with_sides_shorter_than_its_bends_is_an_error() -> None:
    with pytest.raises(WorldError, match="longer than its bends"):
        Ring(corners=((0, 0), (30, 0), (30, 30), (0, 30)), radius=20)


def test_a_flow_keeps_its_speeds_and_comes_back_after_a_lap() -> None:
    flow = Flow(ring=SQUARE, side=0.0, forward=True, speeds=(10.0,) * 300)
    assert flow.lap_s == pytest.approx(SQUARE.length / 10)
    assert flow.along(3.0) == pytest.approx(30, abs=0.01)
    assert flow.along(flow.lap_s + 3.0) == pytest.approx(SQUARE.length + 30, abs=0.01)
    with pytest.raises(WorldError, match="positive"):
        Flow(ring=SQUARE, side=0.0, forward=True, speeds=(1.0, 0.0))


def test_against_the_ring_a_flow_runs_backwards_and_faces_its_way() -> None:
    flow = Flow(ring=SQUARE, side=3.0, forward=False, speeds=(8.0,) * 300)
    (before, now), heading = flow.place(np.array([5.0, 5.1]), 3.0)
    travel = (now - before) / np.linalg.norm(now - before)
    np.testing.assert_allclose(travel, [np.cos(heading[0]), np.sin(heading[0])], atol=0.02)


def _block(seed: int) -> tuple[circuit.Circuit, Drive]:
    block = circuit.random_circuit(stream(seed, 0))
    return block, random_drive(block, stream(seed, 4))


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_a_drive_meets_nobody_within_five_minutes(seed: int) -> None:
    block, drive = _block(seed)
    actors = circuit.populate(block, random_density(stream(seed, 2)), stream(seed, 3), flow=drive.flow)
    assert sum(actor.flow is drive.flow for actor in actors) > 5
    assert least_gaps(actors, drive, seconds=300, step=0.2).min() > 0.25


@pytest.mark.parametrize(("scenario", "seed"), [("cycle-sunny", 0), ("cycle-sunny", 6), ("walk-sunny", 4)])
def test_a_camera_meets_nobody_within_five_minutes(scenario: str, seed: int) -> None:
    shoot = scenarios.build(scenario, seed=seed)
    assert least_gaps(shoot.scene.actors, shoot.path, seconds=300, step=0.2).min() > 0


def test_vehicles_of_one_lane_never_touch() -> None:
    block, drive = _block(3)
    actors = circuit.populate(block, random_density(stream(3, 2)), stream(3, 3), flow=drive.flow)
    lane = [actor for actor in actors if actor.flow is drive.flow]
    from foveate.world.motion import Tracks, footprint

    tracks, lengths = Tracks(lane), np.array([2 * footprint(actor)[0] for actor in lane])
    for time in np.arange(0, 90, 5.0):
        at, _ = tracks.places(float(time))
        gaps = np.linalg.norm(at[1:] - at[:-1], axis=1) - (lengths[1:] + lengths[:-1]) / 2
        assert gaps.min() > 0


def test_a_drive_is_fast_turns_smoothly_and_keeps_to_the_road() -> None:
    block, drive = _block(1)
    times = np.arange(0, 300, 1 / 30)
    cameras = [drive.at(float(time), size=SIZE) for time in times]
    at = np.array([camera.position for camera in cameras])
    speed = np.linalg.norm(np.diff(at[:, :2], axis=0), axis=1) * 30
    yaw = np.unwrap([camera.yaw for camera in cameras])
    rate = np.diff(yaw) * 30
    assert 6 < speed.min() < 8.5
    assert 10 < speed.max() < 14.5
    assert np.abs(rate).max() < 0.9
    assert np.abs(np.diff(rate)).max() * 30 < 2.0
    assert max(abs(camera.roll) for camera in cameras) < 0.06
    assert np.ptp(yaw) > 4 * np.pi
    near, _ = block.ring.place(np.linspace(0, block.ring.length, 3000), 0.0)
    assert max(np.linalg.norm(near - p, axis=1).min() for p in at[::90, :2]) < block.plan.kerb


def test_a_ride_goes_at_the_speed_of_a_bicycle() -> None:
    ride = scenarios.build("cycle-sunny", seed=2).path
    at = np.array([ride.at(k / 10, size=SIZE).position for k in range(900)])
    speed = np.linalg.norm(np.diff(at[:, :2], axis=0), axis=1) * 10
    assert speed.min() > 3.5
    assert speed.max() < 7.6
    assert np.std(np.diff(at[:, 2])) > 1e-4


def _walk() -> Walk:
    return Walk(
        start=(-50, 5, 1.7),
        heading=0.0,
        speed=1.4,
        gaze=-0.2,
        wander=0.0,
        wander_period=9,
        pitch=0.0,
        bob=0.0,
        field_of_view=0.8,
        limit=100,
    )


def test_a_walk_turns_round_before_the_street_ends_and_looks_to_the_road_on_its_way_back() -> None:
    walk = _walk()
    x = np.array([walk.at(t, size=SIZE).position[0] for t in np.arange(0, 600, 0.1)])
    assert x.max() < 100
    assert x.min() > -100
    assert np.abs(np.diff(x)).max() < 0.15
    assert walk.at(30, size=SIZE).position[0] == pytest.approx(-50 + 42)
    back = walk.at(130, size=SIZE)
    assert back.position[0] < 100
    # Out it looks 0.2 to the right, back 0.2 to the left: the road is on the same side of the world.
    assert np.angle(np.exp(1j * (back.yaw - np.pi))) == pytest.approx(0.2, abs=0.01)
    yaw = np.array([walk.at(t, size=SIZE).yaw for t in np.arange(100, 115, 1 / 30)])
    assert np.abs(np.diff(yaw)).max() * 30 < 2.5


def test_a_fixed_camera_stays_and_trembles_no_more_than_told() -> None:
    fixed = Fixed(position=(0, 0, 9), yaw=0.3, pitch=-0.2, field_of_view=0.9, tremor=0.001)
    cameras = [fixed.at(k / 7, size=SIZE) for k in range(200)]
    assert {camera.position for camera in cameras} == {(0, 0, 9)}
    assert max(abs(camera.yaw - 0.3) for camera in cameras) <= 0.001 + 1e-12


def test_a_circuit_is_built_the_same_from_the_same_seed() -> None:
    one, same = (scenarios.build("cycle-sunny", seed=4) for _ in range(2))
    assert one.path == same.path
    np.testing.assert_array_equal(one.scene.tracks.bones(7.5), same.scene.tracks.bones(7.5))
    np.testing.assert_array_equal(one.scene.scenery.lying.points, same.scene.scenery.lying.points)


def test_houses_of_a_circuit_leave_the_road_free() -> None:
    block = circuit.random_circuit(stream(8, 0))
    scenery = circuit.build(block, stream(8, 5))
    middle, _ = block.ring.place(np.linspace(0, block.ring.length, 2000), 0.0)
    walls = np.concatenate([s.mesh.points for s in scenery.surfaces if not s.ground])[:, :2]
    nearest = min(np.linalg.norm(middle - point, axis=1).min() for point in walls)
    assert nearest > block.plan.wall - 0.1


def test_the_exposure_of_a_frame_is_the_same_wherever_a_rendering_begins() -> None:
    def light(number: int) -> float:
        return 1 + 0.3 * np.sin(number / 40)

    whole = Exposure(light, fps=30)
    values = [whole.at(k) for k in range(200)]
    late = Exposure(light, fps=30)
    assert [late.at(k) for k in range(120, 200)] == values[120:]
    assert values[0] == light(0)
    assert np.abs(np.diff(values)).max() < 0.02


@pytest.mark.parametrize("width", [0.3, 2.0, 3.9])
def test_the_last_house_of_a_row_may_be_as_narrow_as_what_is_left(width: float) -> None:
    stock = houses.stock_of(np.random.default_rng(0))
    for seed in range(12):
        surfaces, _ = houses.some_house(0.0, width, side=1, front=5.0, stock=stock, rng=np.random.default_rng(seed))
        along = np.concatenate([surface.mesh.points[:, 0] for surface in surfaces])
        assert (along.min(), along.max()) == pytest.approx((0, width))
        assert all(np.ptp(surface.uv[:, 0]) > 0 for surface in surfaces)
