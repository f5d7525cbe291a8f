"""`foveate compare` from its words to its report."""

import json
import re

import pytest
import typer
from typer.testing import CliRunner

from foveate.cli.compare import EXAMPLE, compare
from foveate.core import FoveateError, InputError
from foveate.evaluation.experts.experiment import ExpertsExperiment
from foveate.evaluation.lab.answering import AnswerExperiment
from foveate.testing import write_clip
from foveate.testing.classifiers import tiny_training

app = typer.Typer()
app.command(epilog=EXAMPLE)(compare)

MINE = """
from pathlib import Path
from foveate.evaluation.lab import Contender, Experiment, Machine, Uplink, Video

def experiment(inputs):
    here = Path(__file__).parent
    return Experiment(
        name="mine", question="?", expected="!",
        videos=(Video(path=here / "clip.mp4", model=inputs.rendered_model, kind="rendered"),),
        uplinks=(Uplink(path=here / "link.up"),),
        contenders=(Contender(label="a", policy="back2back"), Contender(label="b", policy="fixed:beta=1")),
        machines=(Machine(profile=inputs.profile),),
        seconds=inputs.seconds, offsets=1, seed=inputs.seed, figures=("delays",),
    )
"""


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture
def mine(tmp_path):
    write_clip(tmp_path / "clip.mp4", frames=12, fps=10)
    (tmp_path / "link.up").write_text("\n".join(str(i) for i in range(1, 1001)))
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path / "mine.py"


def test_help_names_every_option_and_ends_with_an_example():
    text = re.sub(r"\x1b\[[0-9;]*m", "", invoke("--help").stdout)
    for option in ("out", "plan", "part", "data", "model", "profile", "machine", "seed", "workers", "ray", "parquet"):
        assert f"--{option}" in text
    assert " ".join(text.split()).endswith(EXAMPLE)


def test_an_experiment_runs_with_a_real_detector_in_processes(mine, tiny_weights, tmp_path):
    options = ("--out", tmp_path / "out", "--model", tiny_weights, "--seconds", "1", "--workers", "1")
    planned = invoke(mine, *options, "--plan")
    assert planned.exit_code == 0, planned.output
    assert "2 (0 finished)" in planned.output
    assert not (tmp_path / "out").exists()
    ran = invoke(mine, *options)
    assert ran.exit_code == 0, ran.output
    told = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert (told["cells"], told["failures"]) == (2, 0)
    assert (tmp_path / "out" / "report.html").is_file()
    assert "2 (2 finished)" in invoke(mine, *options, "--plan").output


@pytest.mark.parametrize(
    ("words", "message"), [(("fig-8",), "unknown experiment"), (("quick", "--part", "x"), "a part")]
)
def test_what_cannot_be_is_refused_before_anything_runs(tmp_path, words, message):
    result = invoke(*words, "--out", tmp_path / "out")
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "-1"])
def test_a_length_that_no_cell_can_have_is_refused(mine, tmp_path, seconds):
    ran = invoke(mine, "--out", tmp_path / "out", "--plan", "--seconds", seconds)
    assert isinstance(ran.exception, InputError)
    assert "cells last more than 0 s" in str(ran.exception)


def test_a_file_in_place_of_the_folder_is_told_before_any_cell(mine, tmp_path):
    ran = invoke(mine, "--out", mine)
    assert isinstance(ran.exception, InputError)
    assert f"{mine} is a file" in str(ran.exception)


def test_tables_that_cannot_be_written_are_told_before_any_cell(mine, tmp_path, monkeypatch):
    monkeypatch.setattr("foveate.evaluation.lab.compare_job", lambda *_, **__: pytest.fail("cells were run"))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    ran = invoke(mine, "--out", tmp_path / "out", "--seconds", "1", "--parquet")
    assert str(ran.exception) == "Parquet needs pyarrow: pip install 'foveate[parquet]'"


def test_an_experiment_file_that_fails_is_named_with_its_line(tmp_path):
    (tmp_path / "mine.py").write_text("def experiment(inputs):\n    return inputs.nothing\n")
    ran = invoke(tmp_path / "mine.py", "--out", tmp_path / "out")
    assert isinstance(ran.exception, InputError)
    assert f"{tmp_path / 'mine.py'}, line 2: AttributeError" in str(ran.exception)


@pytest.mark.parametrize(
    ("made", "words", "says"),
    [
        (ExpertsExperiment, ("--parquet",), "takes no --parquet: its tables are CSV"),
        (AnswerExperiment, ("--parquet",), "takes no --parquet: its tables are CSV"),
    ],
)
def test_an_option_that_its_kind_of_experiment_ignores_is_refused(made, words, says, tmp_path, monkeypatch):
    nothing = object.__new__(made)
    object.__setattr__(nothing, "name", "mine")
    monkeypatch.setattr("foveate.experiments.experiment_by_name", lambda *_: nothing)
    ran = invoke("mine", "--out", tmp_path / "out", "--plan", *words)
    assert isinstance(ran.exception, InputError)
    assert str(ran.exception).startswith(f"mine {says}")


ASKING = """
from pathlib import Path
from foveate.evaluation.experts.experiment import ExpertsExperiment, NamedLink
from foveate.network import LinkSettings, UplinkTrace
from foveate.testing.classifiers import coloured_images

def read(folder):
    return coloured_images(4), coloured_images(3, seed=3)

def experiment(inputs):
    trace = UplinkTrace.constant(5e6, 0.04, 10.0)
    return ExpertsExperiment(
        name="asking", question="?", expected="!", models=(Path(__file__).parent / "seed-0",), read=read,
        links=(NamedLink(group="4g", link=LinkSettings(trace=trace), recording="a"),), samples=4,
    )
"""


def test_an_experiment_on_experts_heeds_hours_and_workers_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    tiny_training(tmp_path, pictures=8)
    (tmp_path / "asking.py").write_text(ASKING)
    words = (tmp_path / "asking.py", "--out", tmp_path / "out", "--workers", "1")
    planned = invoke(*words, "--plan")
    assert planned.exit_code == 0, planned.output
    assert "(0 finished)" in planned.output
    assert not (tmp_path / "out").exists()
    late = invoke(*words, "--hours", "0")
    assert isinstance(late.exception, FoveateError)
    assert "not looked at in time" in str(late.exception)
    ran = invoke(*words)
    assert ran.exit_code == 0, ran.output
    table = (tmp_path / "out" / "rows.csv").read_bytes()
    again = invoke(*words, "--hours", "0")
    assert again.exit_code == 0, again.output
    (cells, finished) = re.search(r"(\d+) cells, (\d+) of them finished before", again.output).groups()
    assert cells == finished
    assert f"at most {cells} ({cells} finished)" in invoke(*words, "--plan").output
    assert (tmp_path / "out" / "rows.csv").read_bytes() == table
