"""The units: accepted by systemd, closed off, and starting commands that exist."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer

from foveate.cli.app import app

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
MOST_EXPOSED = 2.5
"""Of 10, by `systemd-analyze security`; a unit without any restriction has 9.6."""


@pytest.fixture
def analyze(tmp_path):
    """`systemd-analyze WORDS UNIT`, with a program in the unit that this machine has."""

    def run(unit, *words):
        copy = tmp_path / unit.name
        copy.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text()))
        return subprocess.run(["systemd-analyze", *words, copy], capture_output=True, text=True, check=False)

    return run


@pytest.mark.systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_the_unit_without_a_word(unit, analyze):
    done = analyze(unit, "verify")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_service_is_closed_off(unit, analyze):
    done = analyze(unit, "security", "--offline=true", "--no-pager")
    (level,) = re.findall(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(level) <= MOST_EXPOSED


def setting(unit, name):
    return [line.partition("=")[2] for line in unit.read_text().splitlines() if line.startswith(f"{name}=")]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_it_starts_a_command_and_options_that_exist(unit):
    (line,) = setting(unit, "ExecStart")
    program, command, *words = shlex.split(line)
    assert program == "/opt/foveate/bin/foveate"
    known = typer.main.get_command(app).commands[command].params
    assert {word for word in words if word.startswith("--")} <= {name for param in known for name in param.opts}
    variables = set(re.findall(r"\$\{?(\w+)", line))
    given = {word.partition("=")[0] for text in setting(unit, "Environment") for word in shlex.split(text)}
    assert variables - given == {"FOVEATE_OPTIONS"}  # which may be empty


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_it_is_started_again_for_ever(unit):
    assert setting(unit, "Restart") == ["always"]
    assert setting(unit, "StartLimitIntervalSec") == ["0"]
