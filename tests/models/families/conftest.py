"""Folders of small random networks, one of each kind, written once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .checkpoints import write_checkpoint


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Any]]:
    """The folder and the network of a `model_type`."""
    root, made = tmp_path_factory.mktemp("published"), {}

    def get(kind: str) -> tuple[Path, Any]:
        if kind not in made:
            folder = root / f"tiny-{kind}"
            made[kind] = folder, write_checkpoint(kind, folder)
        return made[kind]

    return get


@pytest.fixture(scope="session")
def frame() -> np.ndarray:
    """A picture of 300 x 500 with structure at every scale."""
    import cv2

    small = np.random.default_rng(0).integers(0, 255, (30, 50, 3), np.uint8)
    return cv2.resize(small, (500, 300), interpolation=cv2.INTER_CUBIC)
