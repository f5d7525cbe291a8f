"""Shape of an R-CNN on a plain ViT, and how its predictions are read. The defaults are those of published ViTDets.

Source: detectron2, `configs/common/models/mask_rcnn_fpn.py`, `mask_rcnn_vitdet.py` and `projects/ViTDet/configs/COCO`.
"""

from dataclasses import dataclass

from foveate.core import InputError
from foveate.models.backbone import BackboneConfig
from foveate.models.config_checks import all_positive, check_class_names, check_counts, check_shares
from foveate.models.pyramid import check_strides
from foveate.models.rcnn.boxes import Weights
from foveate.models.rcnn.coco import COCO_CLASSES

SINGLE_WEIGHTS: Weights = (10.0, 10.0, 5.0, 5.0)
CASCADE_WEIGHTS: tuple[Weights, ...] = (SINGLE_WEIGHTS, (20.0, 20.0, 10.0, 10.0), (30.0, 30.0, 15.0, 15.0))
"""Box weights of the three stages, which were trained at IoU 0.5, 0.6 and 0.7."""

_LEAST = {
    "channels": 1,
    "fc_dim": 1,
    "proposal_convolutions": 0,
    "box_convolutions": 0,
    "mask_convolutions": 0,
    "proposals_per_level": 1,
    "proposals": 1,
    "most_detections": 1,
}


@dataclass(frozen=True, kw_only=True)
class RcnnConfig:
    """Raises `InputError` where numbers do not fit one another."""

    backbone: BackboneConfig
    class_names: tuple[str, ...] = COCO_CLASSES
    stages: tuple[Weights, ...] = (SINGLE_WEIGHTS,)
    """Box weights of each stage: one of Faster and Mask R-CNN, three of Cascade R-CNN."""
    class_agnostic_boxes: bool = False
    """One box per proposal instead of one per class; cascades always have it."""
    sigmoid_scores: bool = False
    """Classes are scored each by itself, as in detectron2's models for LVIS, instead of against one another."""
    with_masks: bool = True
    """Whether there is a mask head (Mask R-CNN)."""
    channels: int = 256
    """Of the pyramid and of the convolutions of all heads."""
    fc_dim: int = 1024
    """Width of the box head's fully connected layer."""
    proposal_convolutions: int = 2
    box_convolutions: int = 4
    mask_convolutions: int = 4
    strides: tuple[int, ...] = (4, 8, 16, 32)
    """Levels that boxes are read from, pixels per cell, each twice the one before: `choose_levels` counts on it.
    One more, of twice the last stride, only makes proposals."""
    anchor_sizes: tuple[float, ...] = (32.0, 64.0, 128.0, 256.0, 512.0)
    """Side of the square anchor of each level, pixels."""
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Height to width."""
    proposals_per_level: int = 1000
    """Best predictions of a level that enter suppression."""
    proposals: int = 1000
    """Proposals per frame that leave it."""
    proposal_iou: float = 0.7
    nms_iou: float = 0.5
    most_detections: int = 100
    """Per frame."""
    score_threshold: float = 0.05
    """Detections below it are not shown; 0.05 is what published AP is measured with."""

    def __post_init__(self) -> None:
        check_shares(self, "score_threshold", "nms_iou", "proposal_iou")
        check_counts(self, _LEAST)
        check_class_names(self.class_names)
        check_strides(self.strides, self.backbone.patch_size)
        first = self.strides[0]
        if first & (first - 1) or self.strides != tuple(first << level for level in range(len(self.strides))):
            raise InputError(f"strides must be powers of two, each twice the one before, got {self.strides}")
        if len(self.anchor_sizes) != len(self.strides) + 1:
            raise InputError(
                f"need one anchor size for each of {len(self.strides)} strides and one more, got {self.anchor_sizes}"
            )
        if not self.anchor_ratios or not all_positive((*self.anchor_sizes, *self.anchor_ratios)):
            raise InputError(f"anchors need sizes and ratios above 0, got {self.anchor_sizes} and {self.anchor_ratios}")
        if not all(len(weights) == len(SINGLE_WEIGHTS) and all_positive(weights) for weights in self.stages):
            raise InputError(f"each stage needs four box weights above 0, got {self.stages}")
        if not self.stages or (len(self.stages) > 1 and not self.class_agnostic_boxes):
            raise InputError("a detector has one stage, or several with class_agnostic_boxes")

    @property
    def proposal_strides(self) -> tuple[int, ...]:
        """Levels that proposals are made from, pixels per cell."""
        return (*self.strides, 2 * self.strides[-1])
