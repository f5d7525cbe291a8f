"""The mask head: which cells of a box belong to the object (He et al. 2017, section 3)."""

import torch.nn.functional as F
from torch import Tensor, nn

from foveate.models.rcnn.config import RcnnConfig
from foveate.models.rcnn.layers import normed_convolutions
from foveate.models.rcnn.pooling import pool_boxes

POOLED = 14
"""Side of a box's features, cells; masks have twice as many."""


class MaskHead(nn.Module):
    """Convolutions, an upsampling by two, and one map per class."""

    def __init__(self, config: RcnnConfig) -> None:
        super().__init__()
        self.strides = config.strides
        self.tower = normed_convolutions(config.channels, config.mask_convolutions)
        self.upsample = nn.ConvTranspose2d(config.channels, config.channels, 2, stride=2)
        self.logits = nn.Conv2d(config.channels, len(config.class_names), 1)
        nn.init.normal_(self.logits.weight, std=0.001)
        nn.init.zeros_(self.logits.bias)  # type: ignore[arg-type]

    def forward(self, levels: list[Tensor], boxes: Tensor, class_id: Tensor) -> Tensor:
        """Probability `(n, 28, 28)`, float32, that a cell of each box belongs to the object of its class."""
        hidden = F.relu(self.upsample(self.tower(pool_boxes(levels, self.strides, boxes, POOLED))))
        # Only the map of the found class is needed, so only its product is made.
        weight, bias = self.logits.weight[class_id, :, 0, 0], self.logits.bias[class_id]  # type: ignore[index]
        logits = (hidden * weight[:, :, None, None]).sum(dim=1) + bias[:, None, None]
        return logits.float().sigmoid()
