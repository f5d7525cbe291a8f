import json
import re

import pytest
import typer
from typer.testing import CliRunner

from foveate.cli.run import EXAMPLE, run
from foveate.core import InputError, MediaError
from foveate.estimators import write_profile
from foveate.models import convert_detectron2, run_at_window, save_detector
from foveate.network import Outage
from foveate.testing import write_clip
from foveate.testing.profiles import class_profile, round_profile
from foveate.testing.vitdet_checkpoints import CLASSES, vitdet_checkpoint

app = typer.Typer()
app.command(epilog=EXAMPLE)(run)


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture
def clip_path(tmp_path):
    return write_clip(tmp_path / "clip.mp4", frames=20, fps=10)


@pytest.fixture
def trace_path(tmp_path):
    path = tmp_path / "link.up"
    path.write_text("\n".join(str(i) for i in range(1, 1001)))
    return path


def test_help_names_every_option_and_ends_with_an_example():
    text = re.sub(r"\x1b\[[0-9;]*m", "", invoke("--help").stdout)
    names = "trace policy out model seed trace-offset pin no-video no-truth loop transport outage rtt-ms"
    for option in (*names.split(), "device-model", "deadline-ms", "late", "pipelined", "look-ms", "cloud-ms"):
        assert f"--{option}" in text
    assert " ".join(text.split()).endswith(EXAMPLE)


def test_a_real_detector_runs_in_the_servers_process(clip_path, trace_path, tiny_weights, tmp_path):
    options = ("--model", tiny_weights, "--policy", "fixed:beta=1", "--trace", trace_path, "--out", tmp_path / "out")
    done = invoke(clip_path, *options)
    assert done.exit_code == 0, done.output
    assert "rendering F1" in done.stdout
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["model"] == summary["truth_model"] == "tiny-random"
    assert summary["frames"] + summary["dropped_frames"] == 20
    assert summary["offloads"] > summary["failed_offloads"]
    assert (summary["seed"], summary["trace_offset_s"]) == (None, 0.0)


@pytest.mark.parametrize("simulate", [False, True])
def test_a_converted_vitdet_runs_live_and_simulated(clip_path, trace_path, tmp_path, simulate):
    detector = convert_detectron2(vitdet_checkpoint(), class_names=CLASSES, score_threshold=0.3)
    weights = tmp_path / "converted.safetensors"
    save_detector(detector.with_backbone(run_at_window(detector.config.backbone, 2, "cut")), weights)
    write_profile(round_profile(), tmp_path / "round.json")
    options = ["--model", weights, "--no-truth", "--policy", "fixed:beta=2,quality=60", "--trace", trace_path]
    options += ["--simulate", "--profile", tmp_path / "round.json"] if simulate else []
    done = invoke(clip_path, *options, "--no-video", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["model"], summary["simulated"], summary["score_threshold"]) == ("converted", simulate, 0.3)
    assert summary["offloads"] > summary["failed_offloads"]
    assert summary["rendering_f1"] is None


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (["--policy", "fast"], InputError),
        (["--trace", "missing.csv"], MediaError),
        (["--trace-offset", "-1"], InputError),
        (["--trace-offset", "1e308"], InputError),
        (["--policy", "hyperion", "--simulate", "--deadline-ms", "inf"], InputError),
        (["--policy", "hyperion", "--simulate", "--deadline-ms", "1e300"], InputError),
        (["--transport", "udp"], InputError),
        (["--outage", "soon"], InputError),
        (["--outage", "1:2", "--outage", "3:0"], InputError),
        (["--rtt-ms", "-5"], InputError),
    ],
)
def test_bad_input_is_raised_for_the_program_to_print(clip_path, trace_path, tmp_path, options, kind):
    good = ("--policy", "back2back", "--trace", trace_path, "--out", tmp_path / "out")
    done = invoke(clip_path, *good, *options)
    assert isinstance(done.exception, kind)


def test_the_link_is_as_asked_for(clip_path, trace_path, monkeypatch):
    seen = []
    monkeypatch.setattr("foveate.evaluation.run_job", seen.append)
    options = ("--transport", "tcp", "--outage", "3:1.5", "--outage", "9:2", "--rtt-ms", 60)
    common = (clip_path, "--trace", trace_path, "--out", "out", "--policy", "back2back")
    for words in (options, ()):
        assert invoke(*common, *words).exit_code == 0
    chosen, plain = (settings.link() for settings in seen)
    assert (chosen.transport, chosen.trace.rtt_at(0)) == ("tcp", 0.06)
    assert chosen.outages == (Outage(start_s=3, seconds=1.5), Outage(start_s=9, seconds=2))
    assert (plain.transport, plain.trace.rtt_at(0), plain.outages) == ("ideal", 0.04, ())


def test_a_seed_draws_the_start_in_the_trace(clip_path, trace_path, monkeypatch):
    seen = []
    monkeypatch.setattr("foveate.evaluation.run_job", seen.append)
    common = (clip_path, "--trace", trace_path, "--out", "out")
    for options in (["--seed", 1], ["--seed", 1], ["--seed", 2], ["--seed", 1, "--trace-offset", 0.25], []):
        assert invoke(*common, "--policy", "back2back", *options).exit_code == 0
    assert invoke(*common, "--policy", "fixed", "--seed", 1).exit_code == 0
    first, again, other, given, plain, policy = (settings.trace_offset_s for settings in seen)
    assert first == again == policy != other
    assert 0 < first < 1
    assert (given, plain) == (0.25, 0.0)


def test_an_answering_policy_runs_a_real_detector_on_both_ends(clip_path, trace_path, tiny_weights, tmp_path):
    write_profile(round_profile(classes=class_profile()), tmp_path / "classes.json")
    done = invoke(
        clip_path, "--model", tiny_weights, "--policy", "hyperion:layers=first,breaks=log", "--trace", trace_path,
        "--profile", tmp_path / "classes.json", "--simulate", "--seconds", 1, "--deadline-ms", 600, "--look-ms", 50,
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "deadline missed" in done.stdout
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["policy_parameters"]["layers"] == "first"
    assert (summary["rules"]["deadline_s"], summary["times"]["look_s"]) == (0.6, 0.05)
    assert summary["answers"] == summary["valid_answers"] > 1
    assert (tmp_path / "out" / "annotated.mp4").is_file()


@pytest.mark.parametrize("options", [("--late", "never"), ("--look-scale", 2), ("--deadline-ms", 0), ("--pin",)])
def test_what_an_answering_policy_cannot_do_is_named(clip_path, trace_path, tmp_path, options):
    done = invoke(clip_path, "--policy", "device-only", "--trace", trace_path, "--out", tmp_path / "out", *options)
    assert isinstance(done.exception, InputError)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--deadline-ms", 300], "--deadline-ms is for answering policies"),
        (["--look-scale", 0.5], "--look-scale is for answering policies"),
        (["--pipelined"], "--pipelined is for answering policies"),
        (["--device-model", "vitdet-nano-world"], "--device-model is for answering policies"),
        (["--seconds", 3], "--seconds is for answering policies"),
        (["--simulate", "--pin"], "a simulation (--simulate) has none"),
    ],
)
def test_what_would_have_no_effect_is_refused(clip_path, trace_path, tmp_path, options, says):
    good = ("--policy", "back2back", "--trace", trace_path, "--out", tmp_path / "out", "--profile", "none")
    done = invoke(clip_path, *good, *options)
    assert isinstance(done.exception, InputError)
    assert says in str(done.exception)


def test_a_view_that_cannot_be_shown_is_told_before_the_run(clip_path, trace_path, tmp_path, monkeypatch):
    monkeypatch.setattr("foveate.evaluation.run_job", lambda _: pytest.fail("the clip was played"))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = invoke(clip_path, "--policy", "back2back", "--trace", trace_path, "--out", tmp_path / "out", "--view")
    assert str(done.exception) == "a view needs rerun-sdk: pip install 'foveate[view]'"


def test_a_clip_or_a_folder_that_cannot_be_is_told_first(clip_path, trace_path, tmp_path):
    for clip, out, says in ((tmp_path, tmp_path, "no video file"), (clip_path, clip_path, "is a file")):
        done = invoke(clip, "--policy", "back2back", "--trace", trace_path, "--out", out)
        assert isinstance(done.exception, InputError)
        assert says in str(done.exception)
