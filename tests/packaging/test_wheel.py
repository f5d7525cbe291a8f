"""The wheel, installed into an empty environment, works outside the checkout."""

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from foveate.codec.image import write_image

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "foveate"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    return next(folder.glob("foveate-*.whl"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory, wheel):
    """An empty environment with the wheel's server extra: installed, but for torch, which is linked.

    A second copy of torch would be hundreds of megabytes, with CUDA gigabytes.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    link("torch", next(folder.glob("lib/python*/site-packages")))
    pip(folder / "bin" / "python", "install", "-c", ROOT / "constraints.txt", f"{wheel}[server]")
    return folder


def clean_environment():
    return {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}


def pip(python, *words):
    ran = subprocess.run(
        [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *words],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def link(name, site_packages, done=None):
    """Make an installed distribution and all that it requires visible in another environment."""
    done = set() if done is None else done
    if name in done:
        return
    done.add(name)
    distribution = metadata.distribution(name)
    for top in {file.parts[0] for file in distribution.files if file.parts[0] not in {"..", "__pycache__"}}:
        target = site_packages / top
        if not target.exists():
            target.symlink_to(distribution.locate_file(top))
    for text in distribution.requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            link(requirement.name, site_packages, done)


def run(environment, *words, cwd):
    command = [environment / "bin" / words[0], *words[1:]]
    return subprocess.run(command, cwd=cwd, env=clean_environment(), capture_output=True, text=True, check=False)


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
