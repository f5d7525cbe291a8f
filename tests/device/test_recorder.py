import csv
from errno import ENOSPC
from pathlib import Path

import numpy as np
import pytest

from foveate.core import Detections, FoveateError, Frame, OffloadPlan, OffloadRecord
from foveate.device import Displayed, OffloadDone, Recorder, patient_file
from foveate.device.recorder import FRAME_COLUMNS, OFFLOAD_COLUMNS

NONE = Detections.empty(("person",))


def frame(index, captured_at):
    return Frame(pixels=np.zeros((8, 8, 3), np.uint8), index=index, captured_at=captured_at)


def record(**changes):
    values = {
        "offload_id": 0,
        "frame_index": 0,
        "started_at": 50.0,
        "finished_at": 50.3,
        "plan": OffloadPlan(jpeg_quality=80),
        "payload_bytes": 1000,
        "encode_s": 0.02,
        "uplink_s": 0.1,
        "queue_s": 0.05,
        "decode_s": 0.01,
        "inference_s": 0.1,
        "downlink_s": 0.02,
        "rtt_s": 0.04,
    }
    return OffloadRecord(**(values | changes))


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_on_the_disk_while_the_run_goes_on(tmp_path):
    with Recorder(tmp_path) as recorder:
        source = frame(0, 50.0)
        recorder.displayed(Displayed(frame=source, displayed_at=50.1, detections=NONE, source=None))
        recorder.displayed(Displayed(frame=frame(1, 50.1), displayed_at=50.2, detections=NONE, source=source))
        recorder.offloaded(OffloadDone(record=record(), captured_at=50.0, result=NONE))
        first, second = rows(tmp_path / "frames.csv")
        (offload,) = rows(tmp_path / "offloads.csv")
    assert tuple(first) == FRAME_COLUMNS
    assert first == {
        "frame": "0",
        "captured_at": "0.000000",
        "displayed_at": "0.100000",
        "source_frame": "",
        "staleness_s": "",
        "objects": "0",
    }
    assert (second["source_frame"], second["staleness_s"]) == ("0", "0.200000")
    assert tuple(offload) == OFFLOAD_COLUMNS
    assert (offload["bytes"], offload["quality"], offload["failed"], offload["reason"]) == ("1000", "80", "0", "")
    assert offload["throughput_bps"] == "100000"
    stages = ("encode_s", "uplink_s", "queue_s", "decode_s", "inference_s", "downlink_s")
    assert sum(float(offload[name]) for name in stages) == pytest.approx(float(offload["e2e_latency_s"]), abs=1e-5)


def test_points_in_time_count_from_the_first_frame_though_an_offload_ends_first(tmp_path):
    with Recorder(tmp_path) as recorder:
        recorder.offloaded(OffloadDone(record=record(started_at=50.001), captured_at=50.0, result=NONE))
        recorder.displayed(Displayed(frame=frame(0, 50.0), displayed_at=50.1, detections=NONE, source=None))
    assert rows(tmp_path / "frames.csv")[0]["captured_at"] == "0.000000"


def test_a_failed_offload_has_its_reason(tmp_path):
    with Recorder(tmp_path) as recorder:
        recorder.offloaded(
            OffloadDone(record=record(failed=True), captured_at=50.0, result=None, reason="no result, in 5 s")
        )
    (row,) = rows(tmp_path / "offloads.csv")
    assert (row["failed"], row["reason"], row["objects"], row["throughput_bps"]) == ("1", "no result, in 5 s", "", "")


def test_further_columns_follow_those_of_every_run(tmp_path):
    with Recorder(tmp_path, more_offload_columns=("link_rtt_s",)) as recorder:
        recorder.offloaded(OffloadDone(record=record(), captured_at=50.0, result=NONE), ("0.040000",))
    (row,) = rows(tmp_path / "offloads.csv")
    assert tuple(row) == (*OFFLOAD_COLUMNS, "link_rtt_s")
    assert (row["queue_s"], row["link_rtt_s"]) == ("0.050000", "0.040000")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full of Linux")
def test_a_full_disk_is_one_clear_line(tmp_path):
    (tmp_path / "frames.csv").symlink_to("/dev/full")
    with pytest.raises(FoveateError, match=r"cannot write .*frames\.csv: No space left on device"):
        Recorder(tmp_path)


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path):
    with pytest.raises(FoveateError, match="No such file"):
        Recorder(tmp_path / "missing")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc of Linux")
def test_a_table_that_cannot_be_opened_leaves_no_other_open(tmp_path):
    (tmp_path / "offloads.csv").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(FoveateError, match=r"cannot write .*offloads\.csv: Is a directory"):
        Recorder(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_an_error_of_the_run_is_not_hidden_by_a_disk_that_is_full_at_its_end(tmp_path, monkeypatch):
    def full(handle, data):
        raise OSError(ENOSPC, "No space left on device")

    def interrupted():
        with Recorder(tmp_path) as recorder:
            monkeypatch.setattr(patient_file.os, "write", full)
            recorder.displayed(Displayed(frame=frame(0, 50.0), displayed_at=50.1, detections=NONE, source=None))
            raise ValueError("of the run")

    with pytest.raises(ValueError, match="of the run"):
        interrupted()
