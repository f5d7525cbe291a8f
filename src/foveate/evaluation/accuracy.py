"""How good a detector is on a labelled set: average precision by class and size, and F1 at its threshold."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from foveate import __version__
from foveate.core import Detections, InputError, Pixels, Slicing
from foveate.evaluation.labelled import Labelled, only_classes
from foveate.evaluation.slices import detect_in_slices
from foveate.metrics import F1Counter, Truth, average_precision, only_by_people
from foveate.models import MixedDetector

LOWEST_SCORE = 0.01
"""Detections below it are not looked at."""

Frames = list[tuple[Detections, Truth]]


@dataclass(frozen=True, kw_only=True)
class AccuracySettings:
    """How pictures are looked at. Raises `InputError` for a long side below 32 pixels or beside slices."""

    slicing: Slicing | None = None
    """None = whole pictures."""
    long_side: int | None = None
    """Pictures whose longer side is smaller are enlarged to this many pixels; None = as they are."""

    def __post_init__(self) -> None:
        if self.long_side is not None and (self.long_side < 32 or self.slicing):
            raise InputError(f"long_side must be at least 32 and stand without slices, got {self.long_side}")


def measure_accuracy(
    detector: MixedDetector, labelled: Labelled, settings: AccuracySettings, progress: Callable[[int], None]
) -> dict[str, Any]:
    """What `foveate bench accuracy` writes: figures of all objects, and under `human` of those that people labelled.

    Classes go by name: what the model does not know is left out and listed, as are its classes that the set lacks.
    For `human`, boxes of other sources are ignored, and pictures without a box by people are left out.
    Raises `InputError` if model and set share no class, `MediaError` for a picture that cannot be read.
    """
    names = detector.class_names
    if not set(names) & set(labelled.class_names):
        raise InputError(
            f"the set must have one of the model's classes ({', '.join(names)}), got {', '.join(labelled.class_names)}"
        )
    frames: Frames = []
    for pixels, image in zip(labelled.pixels(), labelled.images, strict=True):
        frames.append((_detect(detector, pixels, settings), only_classes(image.truth, names)))
        progress(len(frames))
    threshold = detector.score_threshold
    report = _figures(frames, threshold) | _what_is_missing(labelled, names) | _origin(detector, settings)
    by_people = [(found, only_by_people(truth)) for found, truth in frames if _has_people(truth)]
    return report | ({"human": _figures(by_people, threshold)} if by_people else {})


def _detect(detector: MixedDetector, pixels: Pixels, settings: AccuracySettings) -> Detections:
    if settings.slicing:
        return detect_in_slices(detector, pixels, settings.slicing, score_threshold=LOWEST_SCORE)
    shown = _enlarged(pixels, settings.long_side or 0)
    found = detector.detect_batch([shown], score_threshold=LOWEST_SCORE)[0]
    return found.scaled(pixels.shape[0] / shown.shape[0], pixels.shape[1] / shown.shape[1])


def _enlarged(pixels: Pixels, long_side: int) -> Pixels:
    height, width = pixels.shape[:2]
    factor = long_side / max(height, width)
    if factor <= 1:
        return pixels
    size = round(width * factor), round(height * factor)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _has_people(truth: Truth) -> bool:
    return truth.by_people is not None and bool(truth.by_people.any())


def _figures(frames: Frames, threshold: float) -> dict[str, Any]:
    counter = F1Counter()
    for found, truth in frames:
        counter.add(found.above(threshold), truth.detections, ignore=truth.ignore, ignore_class=truth.ignore_class)
    at_threshold = {"f1": counter.f1, "precision": counter.precision, "recall": counter.recall}
    ignored = sum(len(truth.ignore) for _, truth in frames)
    return asdict(average_precision(frames)) | at_threshold | {"images": len(frames), "ignored_boxes": ignored}


def _what_is_missing(labelled: Labelled, names: tuple[str, ...]) -> dict[str, Any]:
    """Nothing is guessed about what the set or the model lacks."""
    there: dict[str, int] = dict.fromkeys(labelled.class_names, 0)
    for image in labelled.images:
        objects = image.truth.detections
        for name, count in zip(objects.class_names, np.bincount(objects.class_id, minlength=len(there)), strict=True):
            there[name] += int(count)
    return {
        "missing_classes": [name for name in names if not there.get(name)],
        "unknown_classes": {name: count for name, count in there.items() if name not in names},
        "missing_images": labelled.missing_images,
    }


def _origin(detector: MixedDetector, settings: AccuracySettings) -> dict[str, Any]:
    return {
        "threshold": detector.score_threshold,
        "model": detector.name,
        "weights_hash": detector.weights_hash,
        "slices": asdict(settings.slicing) if settings.slicing else None,
        "long_side": settings.long_side,
        "version": __version__,
    }
