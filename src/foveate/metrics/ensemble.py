"""Weighted ensembling of the device's and the cloud's boxes (Hyperion, section III-D, equation 6)."""

from dataclasses import dataclass

from foveate.core import Detections, InputError


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
        if min(self.device_weight, self.cloud_weight) < 0 or self.device_weight + self.cloud_weight <= 0:
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
    raise NotImplementedError
