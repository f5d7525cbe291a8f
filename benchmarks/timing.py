"""Interleaved timing: every contestant once per round, so that a busy machine hits all of them alike."""

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from foveate.models.weights import choose_dtype


def interleaved(
    contestants: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each call, after one warm-up round. `time.process_time` leaves out what other processes took."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    with torch.inference_mode():
        for call in contestants.values():
            call()
        for _ in range(rounds):
            for name, call in contestants.items():
                start = clock()
                call()
                seconds[name].append(clock() - start)
    return seconds


def median_ratio(slow: list[float], fast: list[float]) -> float:
    """Median over rounds of the ratio within a round."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def milliseconds(seconds: list[float]) -> str:
    """Median and range, ready to print."""
    return f"{1e3 * statistics.median(seconds):.0f} ({1e3 * min(seconds):.0f}-{1e3 * max(seconds):.0f})"


def dtypes() -> tuple[torch.dtype, ...]:
    """What inference computes in on this processor, as `load_detector` chooses it, and float32 beside it."""
    return tuple(dict.fromkeys((choose_dtype("auto", torch.device("cpu")), torch.float32)))


def dtype_name(dtype: torch.dtype) -> str:
    """As people write it."""
    return str(dtype).removeprefix("torch.")


def machine() -> str:
    """Processor, threads and versions."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown processor")
    features = {"amx_bf16", "avx512_bf16"} & set(next((line for line in lines if line.startswith("flags")), "").split())
    return (
        f"{model}, {torch.get_num_threads()} threads, bf16 by {', '.join(sorted(features)) or 'nothing'}; "
        f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    )
