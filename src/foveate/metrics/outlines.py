"""Masks of objects as COCO writes them: lengths of runs, column by column, beginning with pixels outside."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError


def encode_outline(pixels: NDArray[np.bool_]) -> dict[str, Any]:
    """Bool `(H, W)` -> `{"size": [H, W], "counts": [...]}`, what `segmentation` holds in a COCO file."""
    flat = np.asarray(pixels, np.bool_).ravel(order="F")
    changes = np.flatnonzero(np.diff(flat, prepend=False)) if len(flat) else np.zeros(0, np.int64)
    runs = np.diff(changes, prepend=0, append=len(flat))
    return {"size": list(pixels.shape), "counts": runs.tolist()}


def decode_outline(outline: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Inverse of `encode_outline`.

    Raises `InputError` where the runs do not fill the size, or are compressed to text as pycocotools does it.
    """
    height, width = outline["size"]
    if isinstance(outline["counts"], str | bytes):
        raise InputError("runs must be a list of numbers, got compressed text (pycocotools decodes it)")
    runs = np.array(outline["counts"], np.int64)
    if runs.sum() != height * width or (runs < 0).any():
        raise InputError(f"runs must fill {height} x {width} pixels, got {int(runs.sum())}")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")
