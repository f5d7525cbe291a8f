"""Average precision as COCO defines it, computed by faster-coco-eval (extra `train`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.core import Detections, FoveateError, InputError
from foveate.metrics.matching import areas
from foveate.metrics.truth import EVERY_CLASS, Truth


@dataclass(frozen=True, kw_only=True)
class ClassPrecision:
    """Average precision of one class."""

    ap: float
    """Mean over IoU 0.50, 0.55, ... 0.95; 0..1."""
    ap50: float
    """At IoU 0.5; 0..1."""
    n: int
    """How many true objects were to be found."""


@dataclass(frozen=True, kw_only=True)
class SizePrecision:
    """Average precision over the objects of one size, which takes the others for ignored."""

    ap: float
    """Mean of the classes' `ap`; 0 without objects."""
    ap50: float
    """Mean of the classes' `ap50`; 0 without objects."""
    n: int
    """How many true objects of that size were to be found."""
    classes: dict[str, ClassPrecision]
    """By class name; a class without true objects of that size is left out."""


@dataclass(frozen=True, kw_only=True)
class AveragePrecision:
    """Average precision over the classes that the truth has objects of."""

    ap: float
    """Mean of the classes' `ap`; 0 without objects."""
    ap50: float
    """Mean of the classes' `ap50`; 0 without objects."""
    classes: dict[str, ClassPrecision]
    """By class name; a class without true objects is left out, for nothing can be said about it."""
    sizes: dict[str, SizePrecision]
    """By `SIZES`; a size without true objects is left out."""


SIZES = ("small", "medium", "large")
"""Boxes of up to 32 x 32, up to 96 x 96, and of more square pixels; by the box, where COCO takes the annotation's area.

As COCO's ranges do, both sizes hold boxes of exactly 32 x 32 or 96 x 96.
"""
_AREAS = ((0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, np.inf))
"""Least and most area of each size, both included, square pixels."""
_RANGES = ((0.0, np.inf), *_AREAS)
"""Those of all objects and of each size; the evaluator's own end at 10^10, beyond which it would find no object."""


def average_precision(frames: Sequence[tuple[Detections, Truth]]) -> AveragePrecision:
    """AP and AP50 of predictions against truth, frame by frame, at most 100 predictions a class and frame.

    Classes go by name; predictions of a class that the truth does not know are left out, and ignored boxes are
    crowd regions of their class or of every one. Raises `InputError` if the truths' class names differ, `FoveateError`
    without faster-coco-eval.
    """
    names = {truth.detections.class_names for _, truth in frames}
    if len(names) > 1:
        raise InputError(f"all truths must share their class names, got {sorted(names)}")
    classes = next(iter(names), ())
    counts = _counts(frames, classes)
    present = np.flatnonzero(counts[0])
    if not len(present):
        return AveragePrecision(ap=0.0, ap50=0.0, classes={}, sizes={})
    precision = _precision(frames, classes, present + 1)
    tables = [_table(precision[..., i], counts[i], classes, present) for i in range(1 + len(SIZES))]
    return AveragePrecision(
        ap=_mean([entry.ap for entry in tables[0].values()]),
        ap50=_mean([entry.ap50 for entry in tables[0].values()]),
        classes=tables[0],
        sizes={name: _of_size(table) for name, table in zip(SIZES, tables[1:], strict=True) if table},
    )


def _counts(frames: Sequence[tuple[Detections, Truth]], classes: tuple[str, ...]) -> NDArray[np.int64]:
    """`(1 + sizes, classes)`: true objects, all and by size."""
    counts = np.zeros((1 + len(SIZES), len(classes)), np.int64)
    for _, truth in frames:
        class_id, area = truth.detections.class_id_in(classes), areas(truth.detections.boxes)
        for row, (least, most) in enumerate(_RANGES):
            counts[row] += np.bincount(class_id[~((area < least) | (area > most))], minlength=len(classes))
    return counts


def _table(
    precision: NDArray[np.float64], counts: NDArray[np.int64], classes: tuple[str, ...], present: NDArray[np.int64]
) -> dict[str, ClassPrecision]:
    """Figures of the classes with objects, from `(10 IoUs, 101 recalls, present classes)` of all or of one size."""
    return {
        classes[k]: ClassPrecision(ap=float(p.mean()), ap50=float(p[0].mean()), n=int(counts[k]))
        for k, p in zip(present, np.moveaxis(precision, 2, 0), strict=True)
        if counts[k]
    }


def _of_size(table: dict[str, ClassPrecision]) -> SizePrecision:
    entries = table.values()
    return SizePrecision(
        ap=_mean([entry.ap for entry in entries]),
        ap50=_mean([entry.ap50 for entry in entries]),
        n=sum(entry.n for entry in entries),
        classes=table,
    )


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def _precision(
    frames: Sequence[tuple[Detections, Truth]], classes: tuple[str, ...], present: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Interpolated precision `(10 IoUs, 101 recalls, present classes, 1 + sizes)`."""
    coco, evaluation = _import_evaluator()
    truth = coco(_truth_file(frames, classes))
    predicted = _prediction_list(frames, classes)
    if not predicted:
        return np.zeros((10, 101, len(present), 1 + len(SIZES)))
    run = evaluation(truth, truth.loadRes(predicted), "bbox")
    run.params.catIds = present.tolist()
    run.params.areaRng = [list(limits) for limits in _RANGES]
    run.evaluate()
    run.accumulate()
    return np.asarray(run.eval["precision"], np.float64)[..., -1]


def _truth_file(frames: Sequence[tuple[Detections, Truth]], classes: tuple[str, ...]) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for image, (_, truth) in enumerate(frames, 1):
        objects = truth.detections
        boxes = [(int(k) + 1, box, 0) for k, box in zip(objects.class_id_in(classes), objects.boxes, strict=True)]
        for k, box in zip(truth.ignore_class.tolist(), truth.ignore, strict=True):
            boxes += [(c + 1, box, 1) for c in (range(len(classes)) if k == EVERY_CLASS else (k,))]
        for category, box, crowd in boxes:
            entry = _entry(image, category, box)
            annotations.append(entry | {"id": len(annotations) + 1, "iscrowd": crowd})
    return {
        "images": [{"id": image} for image in range(1, len(frames) + 1)],
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in enumerate(classes, 1)],
    }


def _prediction_list(frames: Sequence[tuple[Detections, Truth]], classes: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        _entry(image, int(k) + 1, box) | {"score": float(score)}
        for image, (predicted, _) in enumerate(frames, 1)
        for k, box, score in zip(predicted.class_id_in(classes), predicted.boxes, predicted.scores, strict=True)
        if k >= 0
    ]


def _entry(image: int, category: int, box: NDArray[np.float32]) -> dict[str, Any]:
    x1, y1, x2, y2 = (float(side) for side in box)
    return {
        "image_id": image,
        "category_id": category,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": max(x2 - x1, 0.0) * max(y2 - y1, 0.0),
    }


def _import_evaluator() -> tuple[Any, Any]:
    try:
        from faster_coco_eval import COCO, COCOeval_faster  # noqa: PLC0415  # only offline work has it
    except ImportError as error:
        raise FoveateError("average precision needs faster-coco-eval: pip install 'foveate[train]'") from error
    return COCO, COCOeval_faster
