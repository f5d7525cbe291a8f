"""The region proposal network: where objects of any class may be (Ren et al. 2015, section 3)."""

import torch
from torch import Tensor, nn

from foveate.models.nms import nms
from foveate.models.rcnn.anchors import cell_anchors, level_anchors
from foveate.models.rcnn.boxes import apply_deltas, clip_boxes
from foveate.models.rcnn.config import RcnnConfig

ANCHOR_WEIGHTS = (1.0, 1.0, 1.0, 1.0)


class ProposalHead(nn.Module):
    """Objectness and box deltas of every anchor; the same weights for all levels."""

    def __init__(self, config: RcnnConfig) -> None:
        super().__init__()
        self.config = config
        channels, anchors = config.channels, len(config.anchor_ratios)
        layers: list[nn.Module] = []
        for _ in range(config.proposal_convolutions):
            layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()]
        self.tower = nn.Sequential(*layers)
        self.objectness = nn.Conv2d(channels, anchors, 1)
        self.deltas = nn.Conv2d(channels, 4 * anchors, 1)
        for layer in (*self.tower, self.objectness, self.deltas):
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, levels: list[Tensor], height: int, width: int) -> Tensor:
        """One map `(1, C, h, w)` per level -> the best proposals, xyxy `(n, 4)` inside the frame, best first."""
        best = [self._best(level, number) for number, level in enumerate(levels)]
        boxes = clip_boxes(torch.cat([boxes for boxes, _ in best]), height, width)
        scores = torch.cat([scores for _, scores in best])
        number = torch.cat([torch.full((len(part),), i, device=scores.device) for i, (part, _) in enumerate(best)])
        whole = torch.isfinite(boxes).all(dim=1) & torch.isfinite(scores) & (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
        boxes, scores, number = boxes[whole], scores[whole], number[whole]
        return boxes[nms(boxes, scores, number, self.config.proposal_iou)[: self.config.proposals]]

    def _best(self, level: Tensor, number: int) -> tuple[Tensor, Tensor]:
        """Boxes `(k, 4)` and logits `(k,)` of a level's most promising anchors, before suppression."""
        hidden = self.tower(level)
        logits = self.objectness(hidden)[0].permute(1, 2, 0).reshape(-1).float()
        scores, chosen = logits.topk(min(len(logits), self.config.proposals_per_level))
        deltas = self.deltas(hidden)[0].permute(1, 2, 0).reshape(-1, 4)[chosen]
        cell = cell_anchors(self.config.anchor_sizes[number], self.config.anchor_ratios).to(scores.device)
        anchors = level_anchors(cell, level.shape[2], level.shape[3], self.config.proposal_strides[number])[chosen]
        return apply_deltas(anchors, deltas[:, None], ANCHOR_WEIGHTS)[:, 0], scores
