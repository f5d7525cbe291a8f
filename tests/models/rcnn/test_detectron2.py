"""The heads against detectron2 itself, in an interpreter of its own, which `FOVEATE_DETECTRON2` starts."""

import os
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from foveate.models import convert_detectron2
from foveate.models.feature_maps import feature_maps
from foveate.models.mixed_frames import mixed_frames
from foveate.testing.vitdet_checkpoints import CHANNELS, CLASSES, FC, vitdet_checkpoint

PROGRAM = Path(__file__).with_name("detectron2_heads.py")


def frame(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 200, (height // 24 + 2, width // 24 + 2, 3)).repeat(24, axis=0).repeat(24, axis=1)
    return (coarse[:height, :width] + rng.integers(0, 55, (height, width, 3))).astype(np.uint8)


def theirs(folder: Path, state: dict, levels: list[torch.Tensor], size: tuple[int, int]) -> dict[str, np.ndarray]:
    stages = 3 if "roi_heads.box_head.0.fc1.weight" in state else 1
    masks = "roi_heads.mask_head.predictor.weight" in state
    heads = {name: value.numpy() for name, value in state.items() if not name.startswith("backbone.")}
    heads |= {f"level{i}": level.numpy() for i, level in enumerate(levels)}
    np.savez(folder / "in.npz", shape=np.array([CHANNELS, len(CLASSES), FC, stages, masks, *size]), **heads)
    command = [*shlex.split(os.environ["FOVEATE_DETECTRON2"]), PROGRAM, folder / "in.npz", folder / "out.npz"]
    subprocess.run([str(part) for part in command], check=True, timeout=300)
    return dict(np.load(folder / "out.npz"))


@pytest.mark.detectron2
@pytest.mark.parametrize("size", [(320, 480), (277, 390)])
@pytest.mark.parametrize("form", [{"masks": False}, {}, {"stages": 3}])
@torch.inference_mode()
def test_the_same_objects_and_masks(tmp_path, form, size):
    state = vitdet_checkpoint(**form)
    detector = convert_detectron2(state, class_names=CLASSES)
    pixels = frame(*size)
    mixed = mixed_frames([pixels], None, detector.region_grid)
    levels = detector.pyramid(feature_maps(detector.backbone, mixed, [0], detector.normalised_tiles)[0])
    expected = theirs(tmp_path, state, levels, size)
    found = detector.detect(pixels)
    assert len(found) == len(expected["scores"]) > 50
    np.testing.assert_allclose(found.scores, expected["scores"], atol=1e-4)
    np.testing.assert_allclose(found.boxes, expected["boxes"], atol=1e-2)
    np.testing.assert_array_equal(found.class_id, expected["class_id"])
    if detector.masks is not None:
        seen = detector.segment(pixels)
        np.testing.assert_allclose(seen.masks, expected["masks"], atol=1e-3)
        outlines = np.stack([seen.pixels(i) for i in range(len(seen.detections))])
        assert (outlines != expected["pixels"]).sum() < 1e-4 * expected["pixels"].sum()
