import math

import numpy as np
import pytest

from foveate.core import InputError, OffloadPlan, OffloadRecord


def record(**changes):
    spans = {"encode_s": 0.010, "uplink_s": 0.050, "decode_s": 0.005, "inference_s": 0.100, "downlink_s": 0.015}
    return OffloadRecord(
        **{
            "offload_id": 0,
            "frame_index": 4,
            "started_at": 10.0,
            "finished_at": 10.18,
            "plan": OffloadPlan(),
            "payload_bytes": 50_000,
            "rtt_s": 0.020,
            **spans,
            **changes,
        }
    )


def test_the_default_plan_sends_the_whole_frame_at_full_resolution():
    plan = OffloadPlan()
    assert (plan.downsampled_regions, plan.downsampling_type, plan.restoration_point) == (0, 0, 0)


def test_a_plan_counts_its_downsampled_regions():
    assert OffloadPlan(downsampling_mask=np.array([[True, False], [True, True]])).downsampled_regions == 3


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_a_quality_outside_1_to_100_is_refused(quality):
    with pytest.raises(InputError, match=rf"jpeg_quality must lie in 1\.\.100, got {quality}"):
        OffloadPlan(jpeg_quality=quality)


def test_a_negative_restoration_point_is_refused():
    with pytest.raises(InputError, match="restoration_point must be 0 or more, got -1"):
        OffloadPlan(restoration_point=-1)


def test_latency_runs_from_encoding_to_receipt_and_is_the_sum_of_the_stages():
    got = record()
    stages = got.encode_s + got.uplink_s + got.decode_s + got.inference_s + got.downlink_s
    assert math.isclose(got.e2e_latency_s, 0.18)
    assert math.isclose(stages, got.e2e_latency_s)


def test_throughput_leaves_the_propagation_out():
    assert math.isclose(record().throughput_bps, 8 * 50_000 / 0.040)


@pytest.mark.parametrize("uplink_s", [0.0, 0.005, 0.0105])
def test_throughput_never_divides_by_less_than_a_millisecond(uplink_s):
    assert math.isclose(record(uplink_s=uplink_s).throughput_bps, 8 * 50_000 / 0.001)
