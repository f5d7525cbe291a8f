import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from foveate.cli.train import app
from foveate.core import InputError


def test_help_ends_with_an_example() -> None:
    shown = re.sub(r"\s+", " ", CliRunner().invoke(app, ["detector", "--help"]).output)
    assert "Example: foveate train detector configs/vitdet_tiny.py" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "street"], "data is NAME=FOLDER"),
        (["--data", "street=/nowhere"], "does not exist"),
        (["--data", "s=/nowhere", "--phase", "1:288:16"], "a phase is SHARE:HEIGHTxWIDTH:BATCH"),
        (["--data", "s=/nowhere", "--phase", "1:300x288:16"], "multiples of 32"),
        (["nowhere.py", "--data", "s=/nowhere"], "must be a Python file"),
    ],
)
def test_wrong_arguments_are_explained(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["detector", "--name", "x", *arguments])
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
