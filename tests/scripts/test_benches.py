"""Benches of the processor compute as inference does there."""

import runpy
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("fast", [True, False])
def test_benches_compute_in_the_dtype_of_inference_and_in_float32(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foveate.models.weights._multiplies_bfloat16", lambda _device: fast)
    timing = runpy.run_path(str(BENCHMARKS / "timing.py"))
    assert timing["dtypes"]() == ((torch.bfloat16, torch.float32) if fast else (torch.float32,))
    assert timing["dtype_name"](timing["dtypes"]()[-1]) == "float32"


@pytest.mark.parametrize("name", ["backbone_stages", "bench_backbone", "bench_training"])
def test_no_bench_computes_in_bfloat16_whatever_the_processor_has(name: str) -> None:
    text = (BENCHMARKS / f"{name}.py").read_text()
    assert "dtypes()" in text
    assert ".bfloat16()" not in text
    assert "bfloat16=True" not in text
