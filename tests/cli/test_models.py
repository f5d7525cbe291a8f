import shutil

import pytest
from typer.testing import CliRunner

from foveate.cli.app import app


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "weights").mkdir()
    return tmp_path


def test_a_model_is_listed_with_its_shape_and_terms(home, tiny_weights):
    shutil.copy(tiny_weights, home / "weights" / "my-model.safetensors")
    ran = CliRunner().invoke(app, ["models"])
    assert ran.exit_code == 0, ran.output
    row = next(line for line in ran.stdout.splitlines() if "my-model" in line)
    for cell in ("0.1 M", "3", "0.10", "none: random values", "Apache-2.0"):
        assert cell in row


def test_a_truncated_file_is_listed_with_what_is_wrong_with_it(home, tiny_weights):
    (home / "weights" / "broken.safetensors").write_bytes(tiny_weights.read_bytes()[:1000])
    ran = CliRunner().invoke(app, ["models"])
    assert ran.exit_code == 0, ran.output
    assert "unusable" in ran.stdout
    assert "not a whole safetensors file" in ran.stdout


def test_a_machine_without_models_says_where_it_looked(home, monkeypatch):
    monkeypatch.setattr("foveate.models.weights.SHIPPED", home / "nothing")
    ran = CliRunner().invoke(app, ["models"])
    assert ran.exit_code == 2
    assert ran.stderr == f"foveate: no models found in the package or in {home / 'weights'}\n"
