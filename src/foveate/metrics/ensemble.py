"""Weighted ensembling of the device's and the cloud's boxes (Hyperion, section III-D, equation 6)."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foveate.core import Detections, InputError, join_detections
from foveate.metrics.matching import Indices, Matches, match
from foveate.metrics.suppression import suppress

Weights = NDArray[np.float32]
"""w x confidence of each box, `(n,)`."""


@dataclass(frozen=True, kw_only=True)
class EnsembleOptions:
    """How two results become one. Raises `InputError` on weights or thresholds that cannot be."""

    device_weight: float = 0.4
    """w_device; only its ratio to `cloud_weight` matters."""
    cloud_weight: float = 0.6
    match_iou: float = 0.5
    """Boxes of one class that overlap by at least this may be the same object."""
    nms_iou: float = 0.5
    """Of the fused boxes."""

    def __post_init__(self) -> None:
        both = self.device_weight + self.cloud_weight
        if min(self.device_weight, self.cloud_weight) < 0 or not 0 < both < float("inf"):
            raise InputError(
                f"weights must be at least 0 and not both 0, got {self.device_weight} and {self.cloud_weight}"
            )
        if not (0 < self.match_iou <= 1 and 0 < self.nms_iou <= 1):
            raise InputError(f"overlaps must lie in (0, 1], got {self.match_iou} and {self.nms_iou}")

    @property
    def shares(self) -> tuple[float, float]:
        """Weights of device and cloud, summing to 1."""
        both = self.device_weight + self.cloud_weight
        return self.device_weight / both, self.cloud_weight / both


def ensemble(device: Detections, cloud: Detections, options: EnsembleOptions | None = None) -> Detections:
    """One result of two, by descending score; class names are those of the cloud and whatever else the device knows.

    Pairs are matched one to one within a class name (`metrics.match`). A pair's box is the mean of both, weighted by
    w x confidence; its confidence is w_device conf_device + w_cloud conf_cloud. A box without a partner keeps its place
    and has its confidence scaled by its model's weight. Then non-maximum suppression.
    """
    chosen = options or EnsembleOptions()
    names = (*cloud.class_names, *(name for name in device.class_names if name not in cloud.class_names))
    ours, theirs = device.with_classes(names), cloud.with_classes(names)
    pairs = match(ours, theirs, iou=chosen.match_iou)
    weights = [share * found.scores for share, found in zip(chosen.shares, (ours, theirs), strict=True)]
    fused = _fused(ours, theirs, weights, pairs)
    alone = [_others(ours, weights[0], pairs.predicted), _others(theirs, weights[1], pairs.truth)]
    return suppress(join_detections([fused, *alone]), chosen.nms_iou)


def _fused(device: Detections, cloud: Detections, weights: list[Weights], pairs: Matches) -> Detections:
    """Matched pairs as one box each."""
    ours, theirs = weights[0][pairs.predicted], weights[1][pairs.truth]
    both = ours + theirs
    share = np.divide(ours, both, out=np.full_like(both, 0.5), where=both > 0)[:, None]
    return Detections(
        boxes=share * device.boxes[pairs.predicted] + (1 - share) * cloud.boxes[pairs.truth],
        scores=both,
        class_id=cloud.class_id[pairs.truth],
        class_names=cloud.class_names,
    )


def _others(found: Detections, weights: Weights, matched: Indices) -> Detections:
    """What has no partner, with scaled confidence."""
    alone = np.ones(len(found), np.bool_)
    alone[matched] = False
    return replace(found, scores=weights).select(alone)
