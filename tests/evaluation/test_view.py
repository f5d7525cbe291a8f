"""What a viewer is told of a run."""

import sys
from collections import defaultdict
from functools import partial
from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from foveate.core import FoveateError
from foveate.estimators import write_profile
from foveate.evaluation import RunSettings, run_job
from foveate.evaluation.view import send_run, view_run
from foveate.testing import FakeDetector, write_clip
from foveate.testing.profiles import round_profile

FRAMES = 24


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("view")
    trace = folder / "steady.csv"
    trace.write_text("t_s,uplink_mbps,rtt_ms\n" + "".join(f"{i / 10:.1f},8.0,20.0\n" for i in range(100)))
    write_profile(round_profile(), folder / "round.json")
    return partial(
        RunSettings,
        video=write_clip(folder / "clip.mp4", frames=FRAMES),
        trace=trace,
        policy="vitmalis",
        model="fake",
        simulate=True,
        profile=str(folder / "round.json"),
        with_video=False,
        with_truth=False,
        out=folder / "out",
    )


class Recording:
    """Keeps what it is told, by path and frame."""

    def __init__(self):
        self.frame = None
        self.told = defaultdict(dict)

    def set_time(self, timeline, *, sequence=None, duration=None):
        if timeline == "frame":
            self.frame = sequence

    def log(self, path, entity):
        self.told[path][self.frame] = entity


KINDS = ("EncodedImage", "Boxes2D", "Scalars", "TextLog")
RERUN = SimpleNamespace(**{kind: (lambda *values, **named: (values, named)) for kind in KINDS})


@pytest.fixture
def told(settings, monkeypatch):
    """All that a run logs."""
    seen, recording = [], Recording()
    monkeypatch.setattr("foveate.evaluation.run.view_run", lambda run, **rest: seen.append(run) or send(run, recording))
    run_job(settings(view=True), load=FakeDetector, console=Console(file=StringIO()))
    return seen[0], recording.told


def send(run, recording):
    send_run(RERUN, recording, run, lambda done: None)


def test_every_frame_has_its_picture_its_boxes_and_its_regions(told):
    run, logged = told
    for path in ("camera", "camera/shown", "camera/region_types", "link/uplink_mbps", "motion/frame"):
        assert list(logged[path]) == list(range(FRAMES)), path
    picture = logged["camera"][3][1]
    assert picture["media_type"] == "image/jpeg"
    assert picture["contents"].startswith(b"\xff\xd8")
    types = logged["camera/region_types"][10][1]
    assert len(types["labels"]) == len(run.welcome.grid(*run.clip.size))
    assert set(types["labels"]) <= {"SBR", "CMR", "DOR"}
    shown = [entity[1]["labels"] for entity in logged["camera/shown"].values()]
    assert ["person 0.90", "car 0.90"] in shown


def test_every_offload_has_its_configuration_and_its_stages(told):
    run, logged = told
    frames = [done.record.frame_index for done in run.log.offloads]
    assert list(logged["choices"]) == frames
    assert list(logged["latency/end_to_end_ms"]) == frames
    for done in run.log.offloads:
        (value,), _ = logged["configuration/quality"][done.record.frame_index]
        assert value == done.record.plan.jpeg_quality
    names = ("encode", "uplink", "decode", "inference", "downlink")
    stages = [logged[f"latency/{name}_ms"][frames[0]][0][0] for name in names]
    assert sum(stages) == pytest.approx(logged["latency/end_to_end_ms"][frames[0]][0][0])
    assert "type " in logged["choices"][frames[-1]][0][0]


def test_what_was_downsampled_stands_over_the_frames_that_show_it(told):
    run, logged = told
    records = {done.record.frame_index: done.record for done in run.log.succeeded}
    for shown in run.log.shown:
        if shown.source_frame is not None:
            boxes = logged["camera/downsampled"][shown.frame][1]
            assert len(boxes["mins"]) == records[shown.source_frame].plan.downsampled_regions


@pytest.mark.rerun
def test_a_recording_is_saved(settings, tmp_path):
    run_job(settings(view_file=tmp_path / "deep" / "run.rrd"), load=FakeDetector, console=Console(file=StringIO()))
    data = (tmp_path / "deep" / "run.rrd").read_bytes()
    assert data.startswith(b"RRF")
    assert len(data) > 10_000


def test_without_the_package_the_extra_is_named(monkeypatch, told):
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(FoveateError, match=r"a view needs rerun-sdk: pip install 'foveate\[view\]'"):
        view_run(told[0], save=None, progress=lambda done: None)
