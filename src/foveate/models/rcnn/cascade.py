"""Box heads in a row, each on the boxes of the one before (Cai and Vasconcelos 2018); one head alone is Fast R-CNN."""

import torch
from torch import Tensor, nn

from foveate.models.rcnn.box_head import POOLED, BoxHead
from foveate.models.rcnn.boxes import clip_boxes
from foveate.models.rcnn.config import RcnnConfig
from foveate.models.rcnn.pooling import pool_boxes


class Cascade(nn.Module):
    """As many `BoxHead`s as the configuration has stages."""

    def __init__(self, config: RcnnConfig) -> None:
        super().__init__()
        self.strides = config.strides
        self.stages = nn.ModuleList(BoxHead(config, weights) for weights in config.stages)

    def forward(self, levels: list[Tensor], proposals: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Proposals `(n, 4)` -> probabilities `(n, K + 1)`, the mean of all stages, and the boxes of the last.

        `levels`: one map per stride. Boxes `(n, 1 or K, 4)` are clipped to the frame; between stages they keep their
        number, even where they are empty, since probabilities of one proposal are averaged.
        """
        total = torch.zeros((), device=proposals.device)
        boxes = proposals[:, None]
        for stage in self.stages:
            proposals = boxes[:, 0]
            probabilities, boxes = stage(pool_boxes(levels, self.strides, proposals, POOLED), proposals)
            total, boxes = total + probabilities, clip_boxes(boxes, height, width)
        return total / len(self.stages), boxes
