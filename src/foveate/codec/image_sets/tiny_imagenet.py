"""Tiny-ImageNet-100: Parquet files of compressed pictures, and `classes.json` beside them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.core import FoveateError, LabelledImages, MediaError

NAME = "tiny-imagenet-100"
CLASSES = "classes.json"


def read_tiny_imagenet(folder: Path, part: str) -> LabelledImages:
    """`part` ("train" or "val") of the set in `folder`. Raises `MediaError`; `FoveateError` without pyarrow."""
    names, superclass_names, superclass_of = _classes(folder / CLASSES)
    coded, labels = _columns(folder / f"{part}.parquet")
    return LabelledImages(
        name=f"{NAME}/{part}",
        pixels=_decode_all(coded, folder),
        labels=labels,
        class_names=names,
        superclass_names=superclass_names,
        superclass_of=superclass_of,
    )


def _classes(path: Path) -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
    try:
        entries: list[dict[str, Any]] = sorted(json.loads(path.read_text()), key=lambda entry: entry["label"])
        names = tuple(str(entry["name"]) for entry in entries)
        groups = [str(entry["superclass"]) for entry in entries]
        labels = [entry["label"] for entry in entries]
    except OSError as error:
        raise MediaError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise MediaError(f"{path} must be a list of classes with label, name and superclass ({error!r})") from error
    if not labels or labels != list(range(len(labels))):
        raise MediaError(f"{path} must number its classes from 0 without a gap, got {labels}")
    superclass_names = tuple(dict.fromkeys(groups))
    return names, superclass_names, tuple(superclass_names.index(group) for group in groups)


def _columns(path: Path) -> tuple[Sequence[object], NDArray[np.int64]]:
    """What should be compressed pictures, and their labels."""
    try:
        import pyarrow as pa  # noqa: PLC0415  # only who reads Parquet needs it
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise FoveateError("Parquet needs pyarrow: pip install 'foveate[parquet]'") from error
    try:
        table = parquet.read_table(path, columns=["image", "label"])
    except (OSError, pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise MediaError(f"{path}: not a Parquet file with the columns image and label ({error})") from error
    labels = table["label"]
    if not pa.types.is_integer(labels.type) or labels.null_count:
        raise MediaError(
            f"{path}: every label must be a whole number, got {labels.type} with {labels.null_count} missing"
        )
    return table["image"].to_pylist(), labels.to_numpy().astype(np.int64)


def _decode_all(coded: Sequence[object], folder: Path) -> NDArray[np.uint8]:
    """RGB pictures of one size, `(n, H, W, 3)`."""
    pictures: list[np.ndarray] = []
    for number, data in enumerate(coded):
        given = np.frombuffer(data if isinstance(data, bytes) else b"", np.uint8)
        picture = cv2.imdecode(given, cv2.IMREAD_COLOR_RGB) if given.size else None
        if picture is None or (pictures and picture.shape != pictures[0].shape):
            raise MediaError(f"{folder}: picture {number} cannot be decoded, or has another size than the first")
        pictures.append(picture)
    if not pictures:
        raise MediaError(f"{folder}: pictures are required, got none")
    return np.stack(pictures).astype(np.uint8, copy=False)
