"""Runs of answering policies: simulated on virtual time, and live with processes, sockets and fake models."""

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from io import StringIO

import pytest
from rich.console import Console

from foveate.codec import VideoReader
from foveate.core import ImportanceWish, InputError, MediaError, PairTimes
from foveate.device import AnswerRules
from foveate.estimators import write_profile
from foveate.evaluation.answer_run import answer_job
from foveate.evaluation.answer_run import class_profile as known_classes
from foveate.evaluation.answer_settings import AnswerSettings, answer_rules
from foveate.network import Outage
from foveate.policies.answering import ANSWER_POLICIES, answer_policy
from foveate.testing import FakeDetector, write_clip
from foveate.testing.glances import FakeDeviceModel
from foveate.testing.profiles import class_profile, round_profile
from foveate.testing.truths import write_square_truth

FRAMES = 45
TIMES = PairTimes(look_s=0.1, cloud_s=0.05)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    video = write_clip(tmp_path / "clip.mp4", frames=FRAMES, fps=30)
    write_square_truth(video.with_suffix(".json"), frames=FRAMES)
    trace = tmp_path / "steady.csv"
    trace.write_text("t_s,uplink_mbps,rtt_ms\n" + "".join(f"{i / 10:.1f},8.0,20.0\n" for i in range(100)))
    write_profile(round_profile(classes=class_profile()), tmp_path / "classes.json")
    return partial(
        AnswerSettings,
        video=video,
        trace=trace,
        model="fake",
        device_model="fake-device",
        simulate=True,
        profile=str(tmp_path / "classes.json"),
        times=TIMES,
        with_video=False,
        out=tmp_path / "out",
    )


def run(settings, **loaders):
    given = {"load": FakeDetector, "load_device": FakeDeviceModel} | loaders
    return answer_job(settings, console=Console(file=StringIO()), **given)


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("policy", [*sorted(ANSWER_POLICIES), "hyperion:ahead=true", "cloud-only:ensemble=true"])
def test_every_policy_answers_every_frame_that_it_takes_by_the_deadline(settings, policy):
    chosen = settings(policy=policy)
    summary = run(chosen)
    assert summary["frames"] == FRAMES
    assert summary["answers"] == summary["valid_answers"] >= 4
    assert summary["frame_latency_s"]["p95"] <= 0.4
    answers = rows(chosen.out / "answers.csv")
    assert len(answers) == summary["answers"]
    assert [int(row["frame"]) for row in answers] == sorted({int(row["frame"]) for row in answers})
    scores = summary["scores"]["exact"]
    assert scores["per_frame"]["ap50"] > 0.5
    assert scores["streaming"]["frames"] == FRAMES


def test_equal_settings_give_equal_bytes_also_in_a_fresh_process(settings):
    chosen = settings(policy="hyperion", seed=3)
    outputs = ("summary.json", "frames.csv", "offloads.csv", "answers.csv")
    run(chosen)
    first = {name: (chosen.out / name).read_bytes() for name in outputs}
    run(chosen)
    assert {name: (chosen.out / name).read_bytes() for name in outputs} == first
    code = (
        "from pathlib import Path\n"
        "from foveate.core import PairTimes\n"
        "from foveate.evaluation.answer_run import answer_job\n"
        "from foveate.evaluation.answer_settings import AnswerSettings\n"
        "from foveate.testing import FakeDetector\n"
        "from foveate.testing.glances import FakeDeviceModel\n"
        f"answer_job(AnswerSettings(video=Path({str(chosen.video)!r}), trace=Path({str(chosen.trace)!r}), "
        f"model='fake', device_model='fake-device', simulate=True, profile={chosen.profile!r}, policy='hyperion', "
        f"seed=3, times=PairTimes(look_s=0.1, cloud_s=0.05), with_video=False, out=Path({str(chosen.out)!r})), "
        "load=FakeDetector, load_device=FakeDeviceModel)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert {name: (chosen.out / name).read_bytes() for name in outputs} == first


def test_what_was_computed_once_is_not_computed_again(settings):
    run(settings(policy="hyperion"))

    def refuses():
        class Refusing(FakeDetector):
            def detect_batch(self, *args, **rest):
                raise AssertionError("everything is cached")

        return Refusing()

    class RefusingDevice(FakeDeviceModel):
        def __call__(self, *args):
            raise AssertionError("everything is cached")

    summary = run(settings(policy="hyperion:ensemble=false"), load=refuses, load_device=RefusingDevice)
    assert summary["made_of"]["cloud"] >= 3


def test_who_goes_ahead_answers_sooner_and_of_both(settings):
    first, ahead = (run(settings(policy=policy)) for policy in ("hyperion", "hyperion:ahead=true"))
    assert ahead["made_of"]["both"] >= first["made_of"]["both"]
    assert ahead["frame_latency_s"]["mean"] < first["frame_latency_s"]["mean"]
    assert ahead["violation_rate"] == 0


def test_a_cut_link_leaves_the_device_to_answer_in_time(settings):
    summary = run(settings(policy="hyperion", outages=(Outage(start_s=0.4, seconds=1.0),)))
    assert summary["violation_rate"] == 0
    assert summary["made_of"]["device"] >= 2
    assert summary["made_of"]["both"] >= 1


def test_a_link_too_slow_for_anything_costs_probes_alone(settings):
    slow = settings(policy="hyperion").trace.with_name("slow.csv")
    slow.write_text("t_s,uplink_mbps,rtt_ms\n0,0.2,20\n60,0.2,20\n")
    summary = run(settings(policy="hyperion", trace=slow))
    assert summary["made_of"] == {"device": summary["answers"]}
    assert summary["offloaded_bytes"] == 0
    assert summary["probe_bytes"] > 0
    assert summary["violation_rate"] == 0


def test_by_the_papers_rule_late_frames_keep_what_was_valid(settings):
    tight = AnswerRules(deadline_s=0.05, late="kept")
    summary = run(settings(policy="cloud-only", rules=tight))
    assert summary["valid_answers"] == 0
    assert set(summary["made_of"]) == {"nothing"}
    assert summary["violation_rate"] == 1
    assert summary["latency_deviation"] > 0


@pytest.mark.parametrize("late", ["device", "kept"])
def test_what_comes_too_late_for_an_answer_is_not_inferred(settings, late):
    def refuses():
        class Refusing(FakeDetector):
            def detect_batch(self, *args, **rest):
                raise AssertionError("nobody sees it")

        return Refusing()

    tight = AnswerRules(deadline_s=0.12, late=late)  # the cloud alone takes longer
    summary = run(settings(policy="cloud-only", rules=tight, times=PairTimes(look_s=0.05, cloud_s=0.2)), load=refuses)
    assert summary["offloaded_bytes"] > 0
    assert not {"both", "cloud"} & set(summary["made_of"])


def test_pipelining_answers_more_frames(settings):
    plain = run(settings(policy="hyperion"))
    pipelined = run(settings(policy="hyperion", rules=AnswerRules(pipelined=True)))
    assert pipelined["answers"] > plain["answers"]
    assert pipelined["violation_rate"] == 0


def test_a_simulation_may_be_cut_or_lengthened(settings):
    assert run(settings(policy="device-only", seconds=0.5))["frames"] == 15
    assert run(settings(policy="device-only", seconds=2.0))["frames"] == 60


@pytest.mark.parametrize("announced", [None, 2, 69])
def test_frames_that_can_be_decoded_are_played_whatever_the_file_announces(settings, monkeypatch, announced):
    monkeypatch.setattr(VideoReader, "_count", lambda reader: announced)
    assert run(settings(policy="device-only"))["frames"] == FRAMES
    assert run(settings(policy="device-only", seconds=0.5))["frames"] == 15
    assert run(settings(policy="device-only", seconds=2.0))["frames"] == 60
    assert max(int(row["frame"]) for row in rows(settings(policy="device-only").out / "frames.csv")) == 59


def test_policies_that_compare_costs_need_a_profile_with_classes(settings, tmp_path):
    with pytest.raises(InputError, match="needs a profile with classes"):
        run(settings(policy="hyperion", profile=None))
    write_profile(round_profile(), tmp_path / "round.json")
    with pytest.raises(InputError, match="says nothing of what importance classes cost"):
        run(settings(policy="hyperion", profile=str(tmp_path / "round.json")))
    assert run(settings(policy="device-only", profile=None))["answers"] > 0


@pytest.mark.parametrize(
    ("policy", "wish", "says"),
    [
        (
            "hyperion",
            ImportanceWish(layers="first", scale="log"),
            "layers=last,breaks=linear, .*layers=first,breaks=log",
        ),
        ("hyperion-mixed:breaks=log", ImportanceWish(), "layers=last,breaks=log, .*layers=last,breaks=linear"),
        ("hyperion:importance=boxes", ImportanceWish(), "importance=boxes,breaks=linear, .*importance=attention,.*"),
        ("hyperion:importance=boxes,layers=all", ImportanceWish(source="boxes"), None),
        ("hyperion:layers=all", ImportanceWish(layers="all"), None),
        ("elf-v", ImportanceWish(layers="first"), None),
    ],
)
def test_a_profile_of_classes_that_are_made_in_another_way_is_refused(tmp_path, policy, wish, says):
    path = str(tmp_path / "classes.json")
    write_profile(round_profile(classes=replace(class_profile(), importance=wish)), path)
    if says is None:
        assert known_classes(path, answer_policy(policy)).importance == wish
        return
    with pytest.raises(InputError, match=f"^policy .* makes classes by .*{says} cost"):
        known_classes(path, answer_policy(policy))


@pytest.mark.parametrize("taken", ["video", "trace", "device_model"])
def test_no_file_of_the_run_takes_the_place_of_what_it_reads(settings, tmp_path, taken):
    name = {"video": "annotated.mp4", "trace": "answers.csv"}.get(taken, "summary.json")
    source = tmp_path / "out" / name
    source.parent.mkdir()
    shutil.copy(tmp_path / ("steady.csv" if taken == "trace" else "clip.mp4"), source)
    before = source.read_bytes()
    with pytest.raises(InputError, match=f"{name} would take the place of .*, which is read"):
        run(settings(policy="hyperion", **{taken: source}))
    assert source.read_bytes() == before


@pytest.mark.parametrize("beside", [".json", ".pseudo.json"])
def test_truth_that_is_none_is_found_out_before_the_run(settings, beside):
    chosen = settings(policy="device-only")
    chosen.video.with_suffix(beside).write_text('{"title": "of a downloader"}')
    with pytest.raises(MediaError, match=r"clip\..*json is not a COCO annotation file"):
        run(chosen)
    assert not chosen.out.exists()
    assert run(settings(policy="device-only", with_truth=False))["frames"] == FRAMES


@pytest.mark.parametrize("simulate", [True, False])
def test_a_device_without_importance_is_refused_before_an_earlier_run_is_removed(settings, simulate):
    class Blind(FakeDeviceModel):
        def __call__(self, pixels, layers):
            if layers is not None:
                raise InputError("this model has no attention to read importance from; take it from boxes")
            return super().__call__(pixels, None)

    chosen = settings(policy="hyperion", simulate=simulate)
    chosen.out.mkdir()
    (chosen.out / "answers.csv").write_text("of an earlier run")
    with pytest.raises(InputError, match="no attention"):
        run(chosen, load_device=Blind)
    assert [path.name for path in chosen.out.iterdir()] == ["answers.csv"]
    assert (chosen.out / "answers.csv").read_text() == "of an earlier run"


def test_a_run_that_is_stopped_leaves_a_summary_of_what_was_seen(settings):
    class Stopped(FakeDeviceModel):
        def __call__(self, *args):
            looks.append(args)
            if len(looks) == 3:
                raise KeyboardInterrupt
            return super().__call__(*args)

    looks, chosen = [], settings(policy="device-only")
    with pytest.raises(KeyboardInterrupt):
        run(chosen, load_device=Stopped)
    summary = json.loads((chosen.out / "summary.json").read_text())
    assert summary["frames"] == len(rows(chosen.out / "frames.csv")) > 0
    assert summary["answers"] == len(rows(chosen.out / "answers.csv")) > 0


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"seconds": 1.0, "simulate": False}, {"pin": True}])
def test_settings_that_cannot_be_are_refused(settings, wrong):
    with pytest.raises(InputError):
        settings(policy="hyperion", **wrong)


def test_an_unknown_rule_is_named():
    with pytest.raises(InputError, match="device, kept"):
        answer_rules(deadline_s=0.4, late="never", pipelined=False)


@pytest.mark.parametrize("deadline_s", [0.01, 0.0, -1.0, float("nan"), float("inf")])
def test_a_deadline_that_cannot_be_names_its_option(deadline_s):
    with pytest.raises(InputError, match=r"^the deadline \(--deadline-ms\) must be .* above 10, got \S+$"):
        answer_rules(deadline_s=deadline_s, late="kept", pipelined=False)


@pytest.mark.parametrize("policy", ["hyperion", "hyperion:ahead=true"])
def test_a_live_run_with_processes_answers_and_draws(settings, policy):
    chosen = settings(policy=policy, simulate=False, with_video=True, rules=AnswerRules(deadline_s=2.0))
    summary = run(chosen)
    assert summary["answers"] >= 1
    assert summary["frames"] + summary["dropped_frames"] == FRAMES
    assert {row["made_of"] for row in rows(chosen.out / "answers.csv")} & {"both", "device"}
    assert json.loads((chosen.out / "summary.json").read_text())["simulated"] is False
    with VideoReader(chosen.out / "annotated.mp4") as video:
        assert video.size == (128, 192)
