"""How long this machine takes for a device's own work on a frame."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from foveate.core import Detections, DeviceProfile, FrameContent, LastOffload, LinkState, Pixels, Profile, RegionGrid
from foveate.estimators import PerformanceEstimator
from foveate.policies import DeviceState, VitMAlis
from foveate.profiling.repeat import median_s
from foveate.tracking import GreyPair, MotionAnalyser, Tracker, reduce

_T = TypeVar("_T")
OBJECTS = (5, 40)
"""Numbers of objects at which tracking is timed; the line through both gives the time per object."""


def measure_device(frames: Sequence[Pixels], grid: RegionGrid, *, cores: int) -> DeviceProfile:
    """Medians over consecutive `frames` (at least 3) of the grid's size; `decide_s` stays 0, see `measure_decision`."""
    greys = [reduce(pixels) for pixels in frames]
    analyser = MotionAnalyser(grid)
    reducing, _ = median_s(_in_turn(frames, reduce), repeats=len(frames))
    moving, _ = median_s(_in_turn(greys, analyser.update), repeats=len(frames))
    few, many = (_tracking_s(greys, grid, count) for count in OBJECTS)
    per_object = max(many - few, 0.0) / (OBJECTS[1] - OBJECTS[0])
    return DeviceProfile(
        cores=cores,
        motion_s=reducing + moving,
        tracker_frame_s=max(few - OBJECTS[0] * per_object, 0.0),
        tracker_object_s=per_object,
        decide_s=0.0,
    )


def measure_decision(profile: Profile, grid: RegionGrid, *, repeats: int = 50) -> float:
    """Seconds to estimate all configurations of a frame and to choose one."""
    state, policy = decision_state(profile, grid, objects=30), VitMAlis()
    return median_s(lambda: policy.decide(state), repeats=repeats)[0]


def decision_state(profile: Profile, grid: RegionGrid, *, objects: int) -> DeviceState:
    """What a device knows in the middle of a run: a frame with so many objects in which regions of all types occur."""
    rng = np.random.default_rng(0)
    motion = rng.random(grid.shape).astype(np.float32)
    found = some_objects(grid, objects)
    content = FrameContent(
        region_motion=motion / motion.sum(),
        frame_motion=0.2,
        task_relevance=(rng.random(grid.shape) < 0.3).astype(np.float32),
        region_detail=rng.uniform(1, 9, grid.shape).astype(np.float32),
        objects=found,
        last=LastOffload(
            bytes_per_pixel=0.2,
            jpeg_quality=90,
            downsampled_share=0.5,
            detail=5.0,
            downsampled_detail=0.4,
            frames_ago=8,
        ),
    )
    link = LinkState(throughput_bps=20e6, rtt_s=0.04)
    return DeviceState(
        grid=grid,
        restoration_points=range(len(profile.server.inference)),
        frame_index=10,
        offloaded_frame=5,
        result=found,
        result_frame=5,
        content=content,
        estimate=PerformanceEstimator(profile).bind(grid=grid, content=content, link=link),
    )


def _in_turn(items: Sequence[_T], call: Callable[[_T], object]) -> Callable[[], object]:
    """A call that takes the next item each time."""
    turn = iter([*items, *items])
    return lambda: call(next(turn))


def _tracking_s(greys: Sequence[GreyPair], grid: RegionGrid, count: int) -> float:
    """Of one frame, each time the next: in one that is looked at again nothing moves, and is found at once."""
    tracker = Tracker()
    tracker.restart(some_objects(grid, count), greys[0])
    return median_s(_in_turn(greys[1:], tracker.advance), repeats=len(greys) - 2)[0]


def some_objects(grid: RegionGrid, count: int) -> Detections:
    """Boxes of a person's shape all over the frame."""
    rng = np.random.default_rng(count)
    height = grid.height * rng.uniform(0.05, 0.3, count)
    width = height * 0.5
    left, top = rng.uniform(0, grid.width - width), rng.uniform(0, grid.height - height)
    return Detections(
        boxes=np.stack([left, top, left + width, top + height], axis=1).astype(np.float32),
        scores=np.ones(count, np.float32),
        class_id=np.zeros(count, np.int32),
        class_names=("object",),
    )
