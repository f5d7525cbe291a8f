import numpy as np
import pytest

from foveate.core import InputError, split_regions
from foveate.models import load_detector
from foveate.models.stage_times import STAGES, time_stages
from foveate.profiling.way import WaySettings, measure_way
from foveate.testing import write_clip
from foveate.testing.profiles import round_profile


def test_stages_of_an_inference_follow_one_another(tiny_weights):
    detector = load_detector(tiny_weights)
    pixels = np.zeros((128, 192, 3), np.uint8)
    times = time_stages(detector, split_regions(pixels, detector.region_grid(128, 192)), 0)
    assert tuple(times) == STAGES
    assert all(took > 0 for took in times.values())
    assert not detector.head._forward_hooks


def test_the_way_holds_every_stage_of_both_ends_and_its_ceilings(tiny_weights, tmp_path):
    video = write_clip(tmp_path / "clip.mp4", frames=4)
    settings = WaySettings(size=(144, 208), rounds=2, objects=3, shares=(0.5,), restoration_points=(1,))
    done = []
    way = measure_way(
        video, load_detector(tiny_weights), round_profile(), settings, progress=lambda *step: done.append(step)
    )
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert way.frame_size == (144, 208)
    assert {(row.stage, row.case) for row in way.rows if row.end == "device"} >= {
        ("decode video", ""),
        ("grey and motion", ""),
        ("tracking, 3 objects", ""),
        ("estimate and decide", ""),
        ("pack and encode", "full"),
        ("pack and encode", "50% low"),
    }
    model = [(row.stage, row.case) for row in way.rows if row.stage in STAGES]
    assert model == [(stage, case) for case in ("full", "50% low, beta 1") for stage in STAGES]
    bounded = [row for row in way.rows if row.ceiling]
    assert {row.stage for row in bounded} == {"pack and encode", "decode to tiles", "backbone"}
    assert all(row.share > 0 and row.low_ms <= row.ms <= row.high_ms for row in bounded)
    assert [row.stage for row in way.rows if row.products_ms] == ["backbone", "backbone"]
    assert way.peak_bytes > 2**20
    assert all(rate > 0 for rate in way.rates.values())


def test_one_round_is_refused():
    with pytest.raises(InputError, match="two rounds"):
        WaySettings(rounds=1)
