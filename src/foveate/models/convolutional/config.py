"""Shape of a convolutional detector, and how its scores are read."""

from dataclasses import dataclass

from foveate.core import InputError
from foveate.models.dense_config import DenseConfig

FIRST_STRIDE = 4
"""Pixels per cell of the first stage's map; each later stage doubles it."""


@dataclass(frozen=True, kw_only=True)
class ConvDetectorConfig(DenseConfig):
    """`strides` are those of the last stages. Raises `InputError` where the numbers do not fit one another."""

    channels: tuple[int, ...] = (32, 64, 128, 256)
    """Of each stage, at 4, 8, 16... pixels per cell."""
    blocks: tuple[int, ...] = (1, 2, 2, 2)
    """Residual blocks of each stage."""
    pyramid_channels: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.channels or len(self.channels) != len(self.blocks) or min(*self.channels, *self.blocks) < 1:
            raise InputError(f"each stage needs channels and blocks, got {self.channels} and {self.blocks}")
        if not self.strides or self.strides != self.stage_strides[-len(self.strides) :]:
            raise InputError(f"the pyramid reads the last of {self.stage_strides} pixels per cell, got {self.strides}")

    @property
    def stage_strides(self) -> tuple[int, ...]:
        """Pixels per cell of every stage."""
        return tuple(FIRST_STRIDE << stage for stage in range(len(self.channels)))
