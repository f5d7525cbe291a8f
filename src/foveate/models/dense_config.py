"""What detectors with a dense head have in common: levels, head, and how scores are read."""

from dataclasses import dataclass

from foveate.core import STREET_CLASSES
from foveate.models.config_checks import check_class_names, check_counts, check_shares


@dataclass(frozen=True, kw_only=True)
class DenseConfig:
    """Raises `InputError` on shares outside 0..1, on counts that are none, and without names of classes."""

    class_names: tuple[str, ...] = STREET_CLASSES
    pyramid_channels: int = 96
    strides: tuple[int, ...] = (8, 16, 32)
    """Levels of the pyramid, pixels per cell, finest first."""
    head_convolutions: int = 2
    nms_iou: float = 0.5
    score_threshold: float = 0.3
    """Detections below it are not shown; from the model card."""

    def __post_init__(self) -> None:
        check_shares(self, "score_threshold", "nms_iou")
        check_counts(self, {"pyramid_channels": 1, "head_convolutions": 0})
        check_class_names(self.class_names)
