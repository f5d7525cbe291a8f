"""What choices by estimates cost, on observations whose numbers are made up."""

import numpy as np
import pytest

from foveate.core import LastOffload, LinkState, RegionGrid
from foveate.policies import configurations, region_types
from foveate.profiling import ChoiceTest, Observation, Trial, complete
from foveate.profiling.observations import Objects
from foveate.profiling.regret import true_models
from foveate.testing.profiles import round_profile

GRID = RegionGrid(height=1080, width=1920)
MOTION = np.full(GRID.shape, 1 / 28)
MOTION[0] = 0


def observation(f1=lambda quality, low: min(1.0, quality / 100) - 0.1 * low):
    objects = Objects(boxes=[[300.0, 600.0, 400.0, 800.0]], scores=[0.8], class_id=[0])
    bare = Observation(
        frame=29,
        grid=GRID,
        region_motion=MOTION.tolist(),
        frame_motion=0.2,
        region_detail=np.ones(GRID.shape).tolist(),
        class_names=("car",),
        objects=objects,
        truth=objects,
        score_threshold=0.3,
        retention=1.0,
        last=LastOffload(
            bytes_per_pixel=0.2,
            jpeg_quality=95,
            downsampled_share=0.0,
            detail=1.0,
            downsampled_detail=0.0,
            frames_ago=5,
        ),
        trials=[],
    )
    every = configurations(region_types(bare.content), bare.content, restoration_points=range(5))
    rows = zip(every.downsampling_type, every.jpeg_quality, every.restoration_point, strict=True)
    return Observation(
        **{name: getattr(bare, name) for name in bare.__struct_fields__}
        | {"trials": [trial(int(k), int(q), int(b), f1(q, k * b / 8)) for k, q, b in rows]}
    )


def trial(kind, quality, beta, f1):
    hits = round(1000 * f1)
    return Trial(
        downsampling_type=kind,
        jpeg_quality=quality,
        restoration_point=beta,
        full_bytes=3000 * quality - 40_000 * kind,
        low_bytes=100 * quality * kind,
        tp=hits,
        fp=1000 - hits,
        fn=1000 - hits,
    )


def test_true_numbers_have_no_regret_against_their_own_knee():
    seen = observation()
    got = ChoiceTest(profile=round_profile()).regret([seen], *true_models(seen))
    assert (got.f1, got.latency_s, got.same, got.frames) == (0, 0, 1, 1)


def test_with_the_utility_knee_nothing_beats_the_truth():
    seen = observation()
    got = ChoiceTest(profile=round_profile(), knee="utility").regret([seen], *true_models(seen))
    assert got.utility == pytest.approx(0)


def test_a_wrong_estimate_costs_something():
    seen = observation()
    size, accuracy = true_models(seen)
    test = ChoiceTest(profile=round_profile(), links=(LinkState(throughput_bps=5e6, rtt_s=0.04),), knee="utility")
    wrong = test.regret([seen], size, lambda columns: 1 - accuracy(columns))
    assert wrong.utility > 0.05
    assert wrong.same == 0
    assert wrong.f1 > 0


def test_only_frames_on_which_all_was_tried_count():
    seen = observation()
    few = Observation(**{name: getattr(seen, name) for name in seen.__struct_fields__} | {"trials": seen.trials[:5]})
    assert complete([seen, few]) == [seen]
    assert len(seen.trials) == 77
