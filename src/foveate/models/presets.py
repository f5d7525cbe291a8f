"""Named shapes of detectors. A preset is a function that returns the object, with random weights."""

from foveate.core import STREET_CLASSES
from foveate.models.backbone import BackboneConfig
from foveate.models.detector import Detector, DetectorConfig


def vitdet_tiny(class_names: tuple[str, ...] = STREET_CLASSES) -> Detector:
    """192 wide, 12 deep, 6 million parameters; made to be trained from nothing on region-sized crops.

    A convolutional stem replaces the patch projection and positions repeat in every region, so that a crop of one
    region (288 x 288 pixels) looks to the model like a region of a frame of any size.
    """
    backbone = BackboneConfig(dim=192, depth=12, heads=3, stem="convolutional", positions="tiled")
    return Detector(DetectorConfig(backbone=backbone, class_names=class_names), name="vitdet-tiny")
