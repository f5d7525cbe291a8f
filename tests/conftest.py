"""What all tests share: a home of their own, one small model, and what happens where something is missing."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"

# Processes that share the tests share the processors too. Read when torch and numpy are imported, here and in children.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
    os.environ.pop("COLUMNS", None)  # the terminal of nobody

# A busy machine is no failure, and the same tree gives the same verdict.
settings.register_profile("foveate", deadline=None, derandomize=True)
settings.load_profile("foveate")


@dataclass(frozen=True)
class Requirement:
    """Something that a marked test needs and a machine may lack."""

    is_met: Callable[[], bool]
    install: str
    heavy: bool = False
    """Too large for everybody's test environment: never required."""


def _has_egl() -> bool:
    try:
        ctypes.CDLL("libEGL.so.1")
    except OSError:
        return False
    return find_spec("vtkmodules") is not None


def _has_browser() -> bool:
    return any(which(name) for name in ("chromium", "chromium-browser", "google-chrome"))


def _has_torchvision() -> bool:
    try:
        import_module("torchvision.ops")
    except (ImportError, RuntimeError):  # RuntimeError: it was built for another torch
        return False
    return True


def _has_ray() -> bool:
    """Ray, and of what Ray Serve needs the largest part."""
    return all(find_spec(name) for name in ("ray", "grpc", "fastapi"))


REQUIREMENTS = {
    "browser": Requirement(_has_browser, "apt-get install chromium"),
    "egl": Requirement(_has_egl, "apt-get install libegl1 libgl1-mesa-dri, and the extra 'world'"),
    "parquet": Requirement(lambda: find_spec("pyarrow") is not None, "pip install 'foveate[parquet]'", heavy=True),
    "rerun": Requirement(lambda: find_spec("rerun") is not None, "pip install 'foveate[view]'", heavy=True),
    "supervision": Requirement(
        lambda: find_spec("supervision") is not None, "pip install 'foveate[supervision]'", heavy=True
    ),
    "detectron2": Requirement(
        lambda: "FOVEATE_DETECTRON2" in os.environ,
        "FOVEATE_DETECTRON2='command of a Python that has detectron2 and torchvision'",
        heavy=True,
    ),
    "torchvision": Requirement(
        _has_torchvision, "torchvision, built for this torch, in an environment of its own", heavy=True
    ),
    "systemd": Requirement(lambda: which("systemd-analyze") is not None, "apt-get install systemd"),
    "ray": Requirement(_has_ray, "pip install -c constraints.txt 'foveate[ray]'"),
    "oracle": Requirement(
        lambda: all(find_spec(name) for name in ("ensemble_boxes", "jenkspy", "sahi", "shapely", "transformers")),
        "pip install -r requirements-oracle.txt, pip install --no-deps -r requirements-oracle-bare.txt",
    ),
}
"""By marker. Where `FOVEATE_REQUIRE_ALL=1` is set, a test that lacks its requirement fails, unless that is heavy."""


def require(name: str) -> None:
    """Skip the running test, or fail it under `FOVEATE_REQUIRE_ALL=1`, unless the named requirement is met."""
    requirement = REQUIREMENTS[name]
    if requirement.is_met():
        return
    required = os.environ.get("FOVEATE_REQUIRE_ALL") == "1" and not requirement.heavy
    give_up = pytest.fail if required else pytest.skip
    give_up(f"needs {name}: {requirement.install}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name in REQUIREMENTS:
        if item.get_closest_marker(name):
            require(name)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line counts the skips, also where there are none."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not config.option.collectonly:
        print(f"skipped tests: {len(reporter.stats.get('skipped', []))}")


@pytest.fixture(scope="session", autouse=True)
def foveate_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`$FOVEATE_HOME` of this session: empty, and not the user's."""
    home = tmp_path_factory.mktemp("foveate-home")
    os.environ["FOVEATE_HOME"] = str(home)
    return home


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real clips, traces and annotated pictures beside the checkout; skips where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no shared data at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file with random values: 32 wide, 4 deep, regions of 96 pixels, N = 2."""
    import torch

    from foveate.models import BackboneConfig, Detector, DetectorConfig, save_detector

    torch.manual_seed(0)
    backbone = BackboneConfig(dim=32, depth=4, heads=2, subsets=2, window_size=3, stem="convolutional")
    detector = Detector(DetectorConfig(backbone=backbone, pyramid_channels=16, head_convolutions=1))
    path = tmp_path_factory.mktemp("weights") / "tiny-random.safetensors"
    save_detector(detector, path, card={"data": "none: random values", "terms": "Apache-2.0"}, score_threshold=0.1)
    return path


@pytest.fixture
def error_without() -> Callable[[str, str], str]:
    """The last line that a program says which must fail where a module cannot be imported.

    In a process of its own: here threads of other tests may go on importing it.
    """

    def told(module: str, program: str) -> str:
        whole = f"import sys; sys.modules[{module!r}] = None\n{program}"
        done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 1
        return done.stderr.strip().splitlines()[-1]

    return told
