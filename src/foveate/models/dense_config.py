"""What detectors with a dense head have in common: levels, head, and how scores are read."""

from dataclasses import dataclass

from foveate.core import STREET_CLASSES, InputError


@dataclass(frozen=True, kw_only=True)
class DenseConfig:
    """Raises `InputError` on a threshold outside 0..1, on counts that are none, and without classes."""

    class_names: tuple[str, ...] = STREET_CLASSES
    pyramid_channels: int = 96
    strides: tuple[int, ...] = (8, 16, 32)
    """Levels of the pyramid, pixels per cell, finest first."""
    head_convolutions: int = 2
    nms_iou: float = 0.5
    score_threshold: float = 0.3
    """Detections below it are not shown; from the model card."""

    def __post_init__(self) -> None:
        if not 0 <= self.score_threshold <= 1:
            raise InputError(f"score_threshold must lie in 0..1, got {self.score_threshold}")
        for name, least in (("pyramid_channels", 1), ("head_convolutions", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise InputError(f"{name} must be a whole number of at least {least}, got {value!r}")
        if not self.class_names:
            raise InputError("a detector needs the names of its classes, got none")
