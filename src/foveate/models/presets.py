"""Named shapes of detectors. A preset is a function that returns the object, with random weights.

All are made to be trained from nothing on region-sized crops. In the ViTs a convolutional stem replaces the patch
projection and positions repeat in every region, so that a crop of one region (288 x 288 pixels) looks to the model like
a region of a frame of any size.
"""

from foveate.core import STREET_CLASSES
from foveate.models.backbone import BackboneConfig
from foveate.models.convolutional import ConvDetector, ConvDetectorConfig
from foveate.models.detector import Detector, DetectorConfig


def vitdet_nano(class_names: tuple[str, ...] = STREET_CLASSES) -> Detector:
    """128 wide, 12 deep, 3 million parameters."""
    return _vitdet("vitdet-nano", class_names, dim=128, heads=2, pyramid_channels=64)


def vitdet_tiny(class_names: tuple[str, ...] = STREET_CLASSES) -> Detector:
    """192 wide, 12 deep, 6 million parameters."""
    return _vitdet("vitdet-tiny", class_names, dim=192, heads=3, pyramid_channels=96)


def vitdet_small(class_names: tuple[str, ...] = STREET_CLASSES) -> Detector:
    """384 wide, 12 deep, 24 million parameters."""
    return _vitdet("vitdet-small", class_names, dim=384, heads=6, pyramid_channels=128)


def vitdet_base(class_names: tuple[str, ...] = STREET_CLASSES) -> Detector:
    """768 wide, 12 deep, 93 million parameters."""
    return _vitdet("vitdet-base", class_names, dim=768, heads=12, pyramid_channels=192)


def convdet_small(class_names: tuple[str, ...] = STREET_CLASSES) -> ConvDetector:
    """A residual network of 4 million parameters: what baselines whose own networks were CNNs are run with."""
    return ConvDetector(ConvDetectorConfig(class_names=class_names), name="convdet-small")


def _vitdet(name: str, class_names: tuple[str, ...], *, dim: int, heads: int, pyramid_channels: int) -> Detector:
    backbone = BackboneConfig(dim=dim, depth=12, heads=heads, stem="convolutional", positions="tiled")
    return Detector(
        DetectorConfig(backbone=backbone, class_names=class_names, pyramid_channels=pyramid_channels), name=name
    )
