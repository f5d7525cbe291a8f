"""The box head: class and exact box of a proposal (Girshick 2015; He et al. 2019 for the convolutions)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foveate.models.rcnn.boxes import Weights, apply_deltas
from foveate.models.rcnn.config import RcnnConfig
from foveate.models.rcnn.layers import normed_convolutions

POOLED = 7
"""Side of a box's features, cells."""


class BoxHead(nn.Module):
    """Convolutions, one fully connected layer, and two linear predictors. `weights`: of the deltas."""

    def __init__(self, config: RcnnConfig, weights: Weights) -> None:
        super().__init__()
        self.weights, self.sigmoid_scores = weights, config.sigmoid_scores
        classes = len(config.class_names)
        self.tower = normed_convolutions(config.channels, config.box_convolutions)
        self.fc = nn.Linear(config.channels * POOLED * POOLED, config.fc_dim)
        self.class_logits = nn.Linear(config.fc_dim, classes + 1)
        self.deltas = nn.Linear(config.fc_dim, 4 if config.class_agnostic_boxes else 4 * classes)
        nn.init.normal_(self.class_logits.weight, std=0.01)
        nn.init.normal_(self.deltas.weight, std=0.001)
        for layer in (self.class_logits, self.deltas):
            nn.init.zeros_(layer.bias)

    def forward(self, pooled: Tensor, proposals: Tensor) -> tuple[Tensor, Tensor]:
        """Features `(n, C, 7, 7)` of boxes `(n, 4)` -> probabilities `(n, K + 1)`, background last, and boxes.

        The boxes are `(n, K, 4)`, or `(n, 1, 4)` where one serves all classes; both results are float32.
        """
        hidden = F.relu(self.fc(self.tower(pooled).flatten(1)))
        deltas = self.deltas(hidden).view(len(pooled), self.deltas.out_features // 4, 4)
        logits = self.class_logits(hidden).float()
        probabilities = logits.sigmoid() if self.sigmoid_scores else torch.softmax(logits, dim=1)
        return probabilities, apply_deltas(proposals, deltas, self.weights)
