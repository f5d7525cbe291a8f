import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from foveate import __version__
from foveate.cli.app import OneLineErrors, app
from foveate.core import InputError, MediaError, TransportError, WeightsError

ROOT = Path(__file__).parents[2]


def failing(error):
    """A program of one command that raises `error`."""
    program = typer.Typer(cls=OneLineErrors, name="foveate", pretty_exceptions_enable=False)

    @program.callback()
    def options(debug: bool = False):
        """Like the real program."""

    @program.command()
    def work(count: int = 0):
        raise error

    return program


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (InputError("beta must lie in 0..4, got 9"), "beta must lie in 0..4, got 9", 2),
        (MediaError("a.png is not a readable image"), "a.png is not a readable image", 2),
        (WeightsError("w: truncated"), "w: truncated", 1),
        (TransportError("port 5555 is in use"), "port 5555 is in use", 1),
        (OSError(errno.ENOSPC, "No space left on device", "a.csv"), "a.csv: No space left on device", 1),
        (
            FileExistsError(errno.EEXIST, "File exists", "out"),
            "out is a file, and a folder is needed there: name another place",
            1,
        ),
        (ModuleNotFoundError("no", name="torch"), "this command needs torch: pip install 'foveate[server]'", 1),
        (ModuleNotFoundError("no", name="vtk.all"), "this command needs vtk: pip install 'foveate[world]'", 1),
        (KeyboardInterrupt(), "interrupted", 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_a_foreseen_error_is_one_line_and_an_exit_code(error, line, code):
    ran = CliRunner().invoke(failing(error), ["work"])
    assert (ran.exit_code, ran.stderr, ran.stdout) == (code, f"foveate: {line}\n", "")


@pytest.mark.parametrize("refused", ["", "cache", "cache/foveate", "cache/foveate/greys"])
def test_a_home_that_refuses_is_named_with_the_variable_that_moves_it(tmp_path, monkeypatch, refused):
    """As of a service without a home folder, whose caches cannot be made."""
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "none" / "cache" / "foveate"))
    place = str(tmp_path / "none" / refused)
    ran = CliRunner().invoke(failing(PermissionError(errno.EACCES, "Permission denied", place)), ["work"])
    assert ran.stderr == f"foveate: {place}: Permission denied; FOVEATE_HOME names another folder\n"


def test_a_folder_that_only_holds_the_home_is_not_told_as_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    ran = CliRunner().invoke(failing(PermissionError(errno.EACCES, "Permission denied", str(tmp_path))), ["work"])
    assert ran.stderr == f"foveate: {tmp_path}: Permission denied\n"


def test_a_refusal_is_told_where_no_home_is_known(monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", "~nobody-of-this-name/foveate")
    ran = CliRunner().invoke(failing(OSError(errno.ENOSPC, "No space left on device", "a.csv")), ["work"])
    assert (ran.exit_code, ran.stderr) == (1, "foveate: a.csv: No space left on device\n")


@pytest.mark.parametrize("arguments", [["--debug", "work"], ["work", "--debug"]])
def test_debug_raises_the_error_itself_wherever_it_stands(arguments):
    ran = CliRunner().invoke(failing(InputError("wrong")), arguments)
    assert isinstance(ran.exception, InputError)


def test_an_error_that_nobody_foresaw_keeps_its_traceback():
    for error in (ZeroDivisionError("bug"), ModuleNotFoundError("no", name="foveate.nothing")):
        assert CliRunner().invoke(failing(error), ["work"]).exception is error


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["play"], ("'play'", "see foveate --help")),
        (["work", "--cuont", "1"], ("--cuont", "--count", "see foveate work --help")),
        (["work", "--count", "x"], ("--count", "integer", "see foveate work --help")),
        (["work", "3"], ("unexpected", "3", "see foveate work --help")),
    ],
)
def test_wrong_usage_is_one_line_that_says_where_help_is(arguments, parts):
    ran = CliRunner().invoke(failing(InputError("unreached")), arguments)
    assert ran.exit_code == 2
    assert ran.stderr.startswith("foveate: ")
    assert ran.stderr.count("\n") == 1
    assert all(part in ran.stderr for part in parts), ran.stderr


@pytest.mark.parametrize(("arguments", "before"), [(["work", "--count", ""], "--count"), ([""], "foveate")])
def test_an_argument_that_is_empty_is_no_place_and_no_name(arguments, before):
    ran = CliRunner().invoke(failing(InputError("unreached")), arguments)
    assert ran.exit_code == 2
    assert ran.stderr == f"foveate: the argument after '{before}' is empty: is a variable not set?\n"


def test_signs_that_an_encoding_lacks_become_question_marks():
    script = Path(sys.executable).parent / "foveate"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    words = [script, "doctor", "--for", "device", "--address", "127.0.0.1:0"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert "this machine is" in ran.stdout
    assert "Traceback" not in ran.stderr


def test_the_bare_program_prints_its_help_and_no_more():
    ran = CliRunner().invoke(app, [])
    assert (ran.exit_code, ran.stderr.strip()) == (2, "")
    assert "Usage: foveate" in ran.stdout


def test_version_is_printed():
    ran = CliRunner().invoke(app, ["--version"])
    assert (ran.exit_code, ran.stdout) == (0, f"foveate {__version__}\n")


def commands(group, path=()):
    for name, command in group.commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands(typer.main.get_command(app))), ids=" ".join)
def test_help_of_every_command_ends_with_an_example_of_it(path):
    ran = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*path, "--help"])
    assert ran.exit_code == 0
    last = ran.stdout.strip().splitlines()[-1].strip()
    assert last.startswith(f"Example: foveate {' '.join(path)}"), last
    files = [word for word in last.split() if word.startswith(("src/", "configs/"))]
    assert not [word for word in files if not (ROOT / word).exists()], "the example names files that do not exist"


def test_the_program_runs_as_an_installed_script():
    script = Path(sys.executable).parent / "foveate"
    ran = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == f"foveate {__version__}\n"


@pytest.mark.parametrize("words", [["--version"], ["link", "--help"], ["play"]], ids=" ".join)
def test_the_package_runs_as_the_installed_script_does(words):
    programs = [Path(sys.executable).parent / "foveate"], [sys.executable, "-m", "foveate"]
    script, module = (
        subprocess.run([*program, *words], capture_output=True, text=True, check=False) for program in programs
    )
    assert (module.returncode, module.stdout, module.stderr) == (script.returncode, script.stdout, script.stderr)


@pytest.mark.parametrize(
    "interrupted", ["sys.modules['foveate.cli.models'] = Interrupting('models')", "typer.main.get_command = interrupt"]
)
def test_an_interrupt_before_a_command_has_begun_is_one_line(interrupted):
    program = (
        "import runpy, sys, types, typer.main\n"
        "def interrupt(*words): raise KeyboardInterrupt\n"
        "class Interrupting(types.ModuleType): __getattr__ = interrupt\n"
        f"{interrupted}\n"
        "runpy.run_module('foveate', run_name='__main__')\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (130, "foveate: interrupted\n")
