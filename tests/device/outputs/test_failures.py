import numpy as np
import pytest

from foveate.core import Detections, OffloadPlan, OffloadRecord
from foveate.device import FailureReasons, OffloadDone
from foveate.device.outputs.failures import IN_A_ROW

NOTHING = Detections(boxes=np.zeros((0, 4)), scores=np.zeros(0), class_id=np.zeros(0, np.int32), class_names=())
SPANS_S = {"encode_s": 0.0, "uplink_s": 0.0, "queue_s": 0.0, "decode_s": 0.0, "inference_s": 0.0, "downlink_s": 0.1}


def done(reason):
    record = OffloadRecord(
        offload_id=0,
        frame_index=0,
        started_at=0.0,
        finished_at=0.1,
        plan=OffloadPlan(),
        payload_bytes=9,
        rtt_s=0.0,
        failed=bool(reason),
        **SPANS_S,
    )
    return OffloadDone(record=record, captured_at=0.0, result=None if reason else NOTHING, reason=reason)


@pytest.fixture
def told():
    """What is said after offloads that ended with these reasons, empty for a result."""

    def of(*reasons):
        lines = []
        observer = FailureReasons(lines.append)
        for reason in reasons:
            observer(done(reason))
        return lines

    return of


def test_a_reason_that_stays_is_told_once_and_again_only_after_another(told):
    assert told(*["too large"] * 3 * IN_A_ROW) == ["offloads fail: too large"]
    assert told(*["a"] * IN_A_ROW, *["b"] * IN_A_ROW, "", *["b"] * IN_A_ROW) == ["offloads fail: a", "offloads fail: b"]


def test_failures_between_results_are_everyday_life(told):
    assert told(*(["stale"] * (IN_A_ROW - 1) + [""]) * 3, *["a", "b"] * IN_A_ROW) == []
    assert told(*[""] * 2 * IN_A_ROW) == []
