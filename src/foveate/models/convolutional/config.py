"""Shape of a convolutional detector, and how its scores are read."""

from dataclasses import dataclass

from foveate.core import STREET_CLASSES, InputError

FIRST_STRIDE = 4
"""Pixels per cell of the first stage's map; each later stage doubles it."""


@dataclass(frozen=True, kw_only=True)
class ConvDetectorConfig:
    """Raises `InputError` where the numbers do not fit one another."""

    channels: tuple[int, ...] = (32, 64, 128, 256)
    """Of each stage, at 4, 8, 16... pixels per cell."""
    blocks: tuple[int, ...] = (1, 2, 2, 2)
    """Residual blocks of each stage."""
    class_names: tuple[str, ...] = STREET_CLASSES
    pyramid_channels: int = 64
    strides: tuple[int, ...] = (8, 16, 32)
    """Levels of the pyramid, pixels per cell, finest first: those of the last stages."""
    head_convolutions: int = 2
    nms_iou: float = 0.5
    score_threshold: float = 0.3
    """Detections below it are not shown; from the model card."""

    def __post_init__(self) -> None:
        if not 0 <= self.score_threshold <= 1:
            raise InputError(f"score_threshold must lie in 0..1, got {self.score_threshold}")
        if not self.class_names:
            raise InputError("a detector needs the names of its classes, got none")
        if not self.channels or len(self.channels) != len(self.blocks) or min(*self.channels, *self.blocks) < 1:
            raise InputError(f"each stage needs channels and blocks, got {self.channels} and {self.blocks}")
        if not self.strides or self.strides != self.stage_strides[-len(self.strides) :]:
            raise InputError(f"the pyramid reads the last of {self.stage_strides} pixels per cell, got {self.strides}")

    @property
    def stage_strides(self) -> tuple[int, ...]:
        """Pixels per cell of every stage."""
        return tuple(FIRST_STRIDE << stage for stage in range(len(self.channels)))
