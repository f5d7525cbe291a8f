"""Detection losses. Sums are returned, so that micro-batches add up to exactly one batch."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.models import HeadOutput
from foveate.training.assign import AssignConfig, Assignment, assign, ignored_cells
from foveate.training.overlap import generalised_iou
from foveate.training.targets import Targets


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights of the parts."""

    class_weight: float = 1.0
    box_weight: float = 2.0
    background: float = 0.75
    """Weight of background in the class loss (alpha of varifocal loss)."""
    focus: float = 2.0
    """Power of the score by which easy background is played down (gamma of varifocal loss)."""
    assign: AssignConfig = field(default_factory=AssignConfig)


@dataclass(frozen=True, kw_only=True, eq=False)
class LossSums:
    """Sums over a batch or a part of one."""

    class_loss: Tensor
    box_loss: Tensor
    quality: Tensor
    """Sum of soft targets: what both losses are divided by."""
    positives: Tensor
    """Points that were assigned an object."""
    distillation: Tensor
    """Difference between mixed and full resolution (`distillation_loss`); 0 unless somebody adds it."""


def detection_loss(output: HeadOutput, targets: Targets, config: LossConfig = LossConfig()) -> LossSums:
    """Losses of predictions against objects, in float32; the weights of the parts are applied."""
    assignment = assign(output, targets, config.assign)
    return LossSums(
        class_loss=config.class_weight * _class_loss(output, targets, assignment, config),
        box_loss=config.box_weight * _box_loss(output, targets, assignment),
        quality=assignment.quality.sum(),
        positives=(assignment.index >= 0).sum(),
        distillation=assignment.quality.new_zeros(()),
    )


def _class_loss(output: HeadOutput, targets: Targets, assignment: Assignment, config: LossConfig) -> Tensor:
    """Varifocal loss (Zhang et al. 2021, equation 2)."""
    logits = output.class_logits.float()
    wanted = _class_targets(targets, assignment, logits.shape[2])
    with torch.no_grad():
        easy = config.background * logits.sigmoid() ** config.focus
        weight = torch.where(wanted > 0, wanted, easy * ~ignored_cells(output, targets))
    return (F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * weight).sum()


def _class_targets(targets: Targets, assignment: Assignment, classes: int) -> Tensor:
    """`(B, P, K)`: the quality in the column of the object's class."""
    labels = targets.labels.gather(1, assignment.index.clamp(min=0)).clamp(min=0)
    return F.one_hot(labels, classes) * assignment.quality[..., None]


def _box_loss(output: HeadOutput, targets: Targets, assignment: Assignment) -> Tensor:
    """1 - GIoU of assigned points, weighted by their quality."""
    taken = assignment.index >= 0
    rows = assignment.index.clamp(min=0)[..., None].expand(-1, -1, 4)
    wanted = targets.boxes.gather(1, rows)[taken]
    return ((1 - generalised_iou(output.boxes()[taken], wanted)) * assignment.quality[taken]).sum()
