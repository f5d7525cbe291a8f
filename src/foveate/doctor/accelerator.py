"""GPU and build of torch, without importing torch: that takes seconds and fails where it is broken."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from foveate.doctor.finding import Finding, Role, missing, present

_GROUP = "accelerator"
_PATIENCE_S = 60
Run = Callable[[Sequence[str]], str | None]
"""A command -> what it printed; None if it is missing or fails."""

_ASK_TORCH = (
    "import json, torch; ok = torch.cuda.is_available(); "
    "print(json.dumps([torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if ok else []))"
)
_CPU_BUILD = "pip install torch --index-url https://download.pytorch.org/whl/cpu"
_CUDA_BUILD = "install the CUDA build of torch: https://pytorch.org/get-started/locally"


def run_command(command: Sequence[str]) -> str | None:
    """Run a program that is there; what it printed, or None."""
    if shutil.which(command[0]) is None:
        return None
    try:
        ran = subprocess.run(  # noqa: S603  # words of our own
            command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout if ran.returncode == 0 else None


def check_accelerator(role: Role, *, run: Run = run_command) -> list[Finding]:
    """GPUs, torch, and whether they fit together."""
    gpus = _gpus(run)
    cuda = _torch_cuda()
    findings = [_gpu(gpus)]
    if role == "device" and find_spec("torch") is None:
        return [*findings, present(_GROUP, "torch", "not installed; a device needs none")]
    findings.append(_torch(role, gpus, cuda))
    if gpus and cuda:
        findings.append(_together(role, run))
    if find_spec("torchvision") is not None:
        advice = (
            "pip uninstall torchvision: beside the CPU build of torch it breaks imports, and foveate does not use it"
        )
        findings.append(missing(_GROUP, "torchvision", "installed", advice, needed=cuda is None))
    return findings


def _gpus(run: Run) -> list[str]:
    """Name, memory and driver of each NVIDIA GPU."""
    told = run(["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]) or ""
    return [line.strip() for line in told.splitlines() if line.strip()]


def _gpu(gpus: list[str]) -> Finding:
    if not gpus:
        return present(_GROUP, "GPU", "no NVIDIA GPU found; the processor computes")
    return present(_GROUP, "GPU", "; ".join(gpus))


def _torch_cuda() -> str | None:
    """The CUDA version that the installed torch was built with; None for a CPU build or without torch."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    source = Path(spec.origin).with_name("version.py").read_text()
    line = next((line for line in source.splitlines() if line.startswith("cuda")), "")
    value = line.partition("=")[2].strip().strip("'\"")
    return None if value in {"", "None"} else value


def _torch(role: Role, gpus: list[str], cuda: str | None) -> Finding:
    if find_spec("torch") is None:
        advice = f"pip install 'foveate[server]'; without a GPU first: {_CPU_BUILD}"
        return missing(_GROUP, "torch", "not installed", advice, needed=role == "server")
    found = f"{metadata.version('torch')}, {f'CUDA {cuda}' if cuda else 'CPU build'}"
    if gpus and not cuda:
        return missing(_GROUP, "torch", found, f"the GPU stays unused: {_CUDA_BUILD}", needed=role == "server")
    return present(_GROUP, "torch", found)


def _together(role: Role, run: Run) -> Finding:
    told = run([sys.executable, "-c", _ASK_TORCH])
    names = [] if told is None else json.loads(told.strip().splitlines()[-1])
    if names:
        return present(_GROUP, "torch on GPU", ", ".join(names))
    advice = f"driver and build do not fit: {sys.executable} -c 'import torch; torch.zeros(1).cuda()' says why"
    return missing(_GROUP, "torch on GPU", "torch sees no GPU", advice, needed=role == "server")
