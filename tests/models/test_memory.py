"""Memory of large frames, in a fresh process: the most that a process ever held cannot be taken back."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from pathlib import Path
import numpy as np
import torch
from foveate.core import split_regions
from foveate.models import BackboneConfig, Detector, DetectorConfig
from foveate.models.weights import for_inference

torch.set_num_threads(1)
backbone = BackboneConfig(dim=16, depth=1, heads=1, subsets=1)
config = DetectorConfig(backbone=backbone, pyramid_channels=8, head_convolutions=1)
detector = for_inference(Detector(config), torch.device("cpu"), getattr(torch, sys.argv[1]))
frame = np.zeros((2160, 3840, 3), np.uint8)
detector.detect(split_regions(frame, detector.region_grid(2160, 3840)))
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""
"""Prints KiB. What `getrusage` tells of a new process counts what its parent held when it was forked."""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])  # attention in chunks of our own, and torch's
def test_a_4k_frame_never_has_a_table_of_all_pairs_of_its_tokens(dtype):
    """32,400 tokens: that table alone would take 2 or 4 GiB for each head. `vitdet-tiny` itself: docs/results.md."""
    command = [sys.executable, "-c", PROGRAM, dtype]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    assert int(run.stdout) / 1024 < 1024  # MiB
