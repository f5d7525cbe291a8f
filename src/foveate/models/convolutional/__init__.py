"""A small convolutional detector: what a plain ViT is compared with where a baseline's own network was a CNN."""

from foveate.models.convolutional.config import ConvDetectorConfig
from foveate.models.convolutional.detector import ConvDetector

__all__ = ["ConvDetector", "ConvDetectorConfig"]
