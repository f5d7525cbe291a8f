import importlib.machinery
import sys

import pytest

from foveate.doctor import accelerator
from foveate.doctor.accelerator import check_accelerator, run_command

GPU = "NVIDIA H100 80GB HBM3, 81559 MiB, 570.86.15\n"


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """What `find_spec` is to find: `installed(torch="12.8")`, `installed(torch=None)` for a CPU build."""

    def of(**packages):
        def find_spec(name):
            if name not in packages:
                return None
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "version.py").write_text(
                f"from typing import Optional\ncuda: Optional[str] = {packages[name]!r}\n"
            )
            return importlib.machinery.ModuleSpec(name, None, origin=str(tmp_path / name / "__init__.py"))

        monkeypatch.setattr(accelerator, "find_spec", find_spec)

    return of


def runs(*, gpu=GPU, torch='["NVIDIA H100"]'):
    return lambda command: gpu if command[0] == "nvidia-smi" else torch


def by_name(findings):
    return {finding.what: finding for finding in findings}


def test_a_gpu_with_a_cuda_build_is_asked_whether_torch_sees_it(installed):
    installed(torch="12.8")
    found = by_name(check_accelerator("server", run=runs()))
    assert [finding.level for finding in found.values()] == ["ok"] * 3
    assert "CUDA 12.8" in found["torch"].found
    assert found["torch on GPU"].found == "NVIDIA H100"


@pytest.mark.parametrize("answer", [None, "[]"])
def test_a_torch_that_sees_no_gpu_fails(installed, answer):
    installed(torch="12.8")
    found = by_name(check_accelerator("server", run=runs(torch=answer)))["torch on GPU"]
    assert found.level == "fail"
    assert "driver and build" in found.advice


def test_a_gpu_beside_a_cpu_build_fails_and_names_the_remedy(installed):
    installed(torch=None)
    found = by_name(check_accelerator("server", run=runs()))["torch"]
    assert found.level == "fail"
    assert "CUDA build" in found.advice


def test_no_gpu_is_no_failure(installed):
    installed(torch=None)
    assert {f.level for f in check_accelerator("server", run=runs(gpu=None))} == {"ok"}


@pytest.mark.parametrize(("role", "level"), [("server", "fail"), ("device", "ok")])
def test_without_torch_a_server_fails_and_a_device_does_not(installed, role, level):
    installed()
    found = by_name(check_accelerator(role, run=runs(gpu=None)))["torch"]
    assert (found.level, found.found.startswith("not installed")) == (level, True)


def test_torchvision_beside_a_cpu_build_fails(installed):
    installed(torch=None, torchvision=None)
    assert by_name(check_accelerator("server", run=runs(gpu=None)))["torchvision"].level == "fail"


def test_the_installed_torch_is_read_without_importing_it():
    before = set(sys.modules)
    found = by_name(check_accelerator("server", run=lambda command: None))["torch"]
    assert found.level == "ok"
    assert "torch" not in set(sys.modules) - before


def test_a_program_that_is_missing_or_fails_tells_nothing():
    assert run_command(["no-such-program"]) is None
    assert run_command([sys.executable, "-c", "raise SystemExit(1)"]) is None
    assert run_command([sys.executable, "-c", "print(1)"]) == "1\n"
