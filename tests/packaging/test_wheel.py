"""The wheel, installed into an empty environment, works outside the checkout."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from foveate.codec.image import write_image
from foveate.testing.environments import clean_variables, fresh_environment, link, pip

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "foveate"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    return next(folder.glob("foveate-*.whl"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory, wheel):
    """An empty environment with the wheel's server extra: installed, but for torch, which is linked."""
    folder = fresh_environment(tmp_path_factory.mktemp("environment"))
    link("torch", folder)
    pip(folder / "bin" / "python", "install", "-c", ROOT / "constraints.txt", f"{wheel}[server]")
    return folder


def run(environment, *words, cwd):
    command = [environment / "bin" / words[0], *words[1:]]
    return subprocess.run(command, cwd=cwd, env=clean_variables(), capture_output=True, text=True, check=False)


def test_the_wheel_holds_every_file_of_the_package(wheel):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("foveate/")}
    wanted = {
        path.relative_to(ROOT / "src").as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == wanted
    assert "foveate/py.typed" in inside


def test_the_wheel_carries_its_licence_and_stays_small(wheel):
    assert any(name.endswith("licenses/LICENSE") for name in zipfile.ZipFile(wheel).namelist())
    assert wheel.stat().st_size < 45e6


def test_the_installed_program_is_not_the_checkout(environment, tmp_path):
    where = run(environment, "python", "-c", "import foveate; print(foveate.__file__)", cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(environment), where


def test_the_installed_program_detects_objects_outside_the_checkout(environment, tmp_path, tiny_weights):
    pixels = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    write_image(tmp_path / "noise.png", pixels)
    ran = run(environment, "foveate", "detect", "noise.png", "--model", tiny_weights, "--out", "found", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    found = json.loads((tmp_path / "found" / "detections.json").read_text())
    assert (found["images"][0]["height"], found["images"][0]["width"]) == (200, 300)
    assert (tmp_path / "found" / "noise.jpg").is_file()


def test_the_installed_program_knows_the_shipped_models_and_those_at_home(
    environment, tmp_path, tiny_weights, monkeypatch
):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "weights").mkdir()
    shutil.copy(tiny_weights, tmp_path / "weights" / "at-home.safetensors")
    ran = run(environment, "foveate", "models", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    shipped = (PACKAGE / "models" / "shipped").glob("*.safetensors")
    assert all(name in ran.stdout for name in ("at-home", *(path.stem for path in shipped)))
