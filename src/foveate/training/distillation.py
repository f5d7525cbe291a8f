"""The model's own full-resolution answer as the target of its mixed-resolution answer.

Whoever downsamples regions wants the answer that full resolution would have given; where objects are labelled badly or
not at all, that answer is the better target. The same images pass at full resolution without gradients.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.core import InputError
from foveate.models import HeadOutput
from foveate.training.overlap import generalised_iou


@dataclass(frozen=True, kw_only=True)
class DistillationConfig:
    """Weights of the parts. Raises `InputError` for negative weights or a score outside 0..1."""

    class_weight: float = 1.0
    box_weight: float = 1.0
    confident: float = 0.2
    """Least score, at full resolution, of a cell whose box is a target."""
    focus: float = 1.0
    """Power of the larger of the two scores by which cells that both take for background are played down."""

    def __post_init__(self) -> None:
        if min(self.class_weight, self.box_weight, self.focus) < 0 or not 0 <= self.confident <= 1:
            raise InputError(
                "distillation needs weights and a focus of at least 0 and a score in 0..1, got "
                f"{self.class_weight}, {self.box_weight}, {self.focus} and {self.confident}"
            )


def distillation_loss(mixed: HeadOutput, full: HeadOutput, config: DistillationConfig = DistillationConfig()) -> Tensor:
    """Sum over cells of how far the answer for mixed frames is from that for full ones, which gets no gradient.

    Classes: divergence of scores, weighted by the larger one; the difference as a weight would leave next to nothing of
    the small differences that matter at a threshold. Boxes: 1 - GIoU, weighted by the score at full resolution.
    """
    wanted = full.class_logits.detach().float().sigmoid()
    loss = config.class_weight * _class_loss(mixed.class_logits.float(), wanted, config.focus)
    score = wanted.amax(dim=2)
    sure = score >= config.confident
    overlap = generalised_iou(mixed.boxes()[sure], full.boxes().detach()[sure])
    return loss + config.box_weight * ((1 - overlap) * score[sure]).sum()


def _class_loss(logits: Tensor, wanted: Tensor, focus: float) -> Tensor:
    weight = torch.maximum(wanted, logits.detach().sigmoid()) ** focus
    # What the entropy of the target itself costs is no fault of the answer.
    least = F.binary_cross_entropy(wanted, wanted, reduction="none")
    return (weight * (F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") - least)).sum()


def rows_of(output: HeadOutput, rows: Tensor) -> HeadOutput:
    """The predictions for some images, by a bool `(B,)`."""
    return HeadOutput(
        class_logits=output.class_logits[rows],
        box_distances=output.box_distances[rows],
        points=output.points,
        strides=output.strides,
    )


def lowered(masks: Tensor | None) -> Tensor | None:
    """Bool `(B,)`: images of which any region is downsampled; None if there is none."""
    if masks is None:
        return None
    rows = masks.flatten(1).any(dim=1)
    return rows if bool(torch.any(rows)) else None
