"""How good a detector is on a labelled set: whole pictures, COCO figures, and the threshold for its card."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.core import Detections, Pixels
from foveate.metrics import EVERY_CLASS, Truth, average_precision, match
from foveate.models import MixedDetector
from foveate.training.dataset import ImageSet, LabelledImage

LOWEST_SCORE = 0.01
"""Detections below it are not looked at."""
THRESHOLDS = np.linspace(0.05, 0.95, 91)
"""What `choose_threshold` chooses from."""

Frames = list[tuple[Detections, Truth]]


def evaluate(detector: MixedDetector, images: ImageSet, *, long_side: int | None = None) -> dict[str, Any]:
    """`{ap, ap50, classes: {name: {ap, ap50, n}}, images}`, and under `human` the same for boxes made by people.

    `long_side`: pictures whose longer side is smaller are enlarged to this many pixels. For `human`, boxes of other
    sources are ignored, and pictures without a box by people are left out. Raises `MediaError`.
    """
    found = _detect(detector, images.images, long_side)
    figures = _figures([(got, _truth(image, images)) for got, image in found])
    by_people = [(got, _truth(_only_people(image), images)) for got, image in found if image.by_people.any()]
    return figures | ({"human": _figures(by_people)} if by_people else {})


def choose_threshold(
    detector: MixedDetector, sets: Sequence[ImageSet], *, most_images: int = 100
) -> tuple[float, float]:
    """(score threshold, F1): where F1, meaned over the classes that occur, is greatest.

    `sets` are the validation sides of the training sets; of each, the first `most_images` are looked at.
    """
    frames: Frames = []
    for images in sets:
        found = _detect(detector, images.images[:most_images], None)
        frames += [(got, _truth(image, images)) for got, image in found]
    return best_threshold(frames)


def best_threshold(frames: Frames) -> tuple[float, float]:
    """(score threshold, F1) of detections against truth of the same classes; (0.5, 0) without an object.

    Matching goes by descending score, so that one pass holds for every threshold.
    """
    classes = len(frames[0][1].detections.class_names)
    objects = np.zeros(classes)
    right, wrong = np.zeros((2, classes, len(THRESHOLDS)))
    for found, truth in frames:
        matches = match(found, truth.detections, ignore=truth.ignore, ignore_class=truth.ignore_class)
        objects += np.bincount(truth.detections.class_id, minlength=classes)
        right += _counts(found, matches.predicted, classes)
        wrong += _counts(found, matches.false_positives, classes)
    present = objects > 0
    if not present.any():
        return 0.5, 0.0
    curve = (2 * right / np.maximum(right + wrong + objects[:, None], 1))[present].mean(axis=0)
    best = int(curve.argmax())
    return float(round(THRESHOLDS[best], 2)), float(curve[best])


def _counts(found: Detections, rows: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """`(classes, thresholds)`: how many of `rows` are of each class and reach each threshold."""
    reached = found.scores[rows][None] >= THRESHOLDS[:, None]
    of_class = found.class_id[rows][None] == np.arange(classes)[:, None]
    counts: NDArray[np.float64] = of_class.astype(np.float64) @ reached.T
    return counts


def _detect(
    detector: MixedDetector, images: Iterable[LabelledImage], long_side: int | None
) -> list[tuple[Detections, LabelledImage]]:
    """What is found in each picture, and the picture with boxes clipped to it."""
    found = []
    for image in images:
        pixels = image.read().pixels
        shown = image.within((pixels.shape[0], pixels.shape[1]))
        found.append((_detect_one(detector, pixels, long_side or 0), shown))
    return found


def _detect_one(detector: MixedDetector, pixels: Pixels, long_side: int) -> Detections:
    height, width = pixels.shape[:2]
    factor = max(1.0, long_side / max(height, width))
    shown = pixels if factor == 1 else _resized(pixels, round(height * factor), round(width * factor))
    detections = detector.detect(shown, score_threshold=LOWEST_SCORE)
    return detections.scaled(height / shown.shape[0], width / shown.shape[1])


def _resized(pixels: Pixels, height: int, width: int) -> Pixels:
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def _truth(image: LabelledImage, images: ImageSet) -> Truth:
    objects = ~image.ignored
    detections = Detections(
        boxes=image.boxes[objects],
        scores=np.ones(int(objects.sum()), np.float32),
        class_id=image.labels[objects].astype(np.int32),
        class_names=images.class_names,
    )
    ignore_class = np.where(image.hidden, EVERY_CLASS, image.labels)[~objects]
    return Truth(detections=detections, ignore=image.boxes[~objects], ignore_class=ignore_class)


def _only_people(image: LabelledImage) -> LabelledImage:
    others = ~image.ignored & ~image.by_people
    return replace(image, ignored=image.ignored | others, hidden=image.hidden | others)


def _figures(frames: Frames) -> dict[str, Any]:
    return asdict(average_precision(frames)) | {"images": len(frames)}
