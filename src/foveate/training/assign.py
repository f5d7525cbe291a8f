"""Which prediction answers for which object: task-aligned assignment (Feng et al. 2021, TOOD, section 3.2).

An object takes the points on which classification and localisation already agree best. Training from nothing needs no
other rule at first: the head's biases make every cell begin as a box about four cells wide, so that the overlap alone
prefers central points on the level that suits the object's size.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from foveate.core import InputError
from foveate.models import HeadOutput
from foveate.training.overlap import batched_iou
from foveate.training.targets import Targets


@dataclass(frozen=True, kw_only=True)
class AssignConfig:
    """Constants of the alignment `score^alpha * iou^beta`. Raises `InputError` unless `top_k` is positive."""

    top_k: int = 10
    """Most points per object."""
    alpha: float = 0.5
    beta: float = 6.0

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise InputError(f"top_k must be at least 1, got {self.top_k}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Assignment:
    """The object of each point."""

    index: Tensor
    """int64 `(B, P)`: row in `Targets.boxes`, or -1 for background."""
    quality: Tensor
    """float32 `(B, P)`: soft target of the class score, 0 for background. An object's best point gets its IoU."""


@torch.no_grad()
def assign(output: HeadOutput, targets: Targets, config: AssignConfig = AssignConfig()) -> Assignment:
    """Match points and objects; a point that several objects want goes to the one it overlaps most."""
    overlaps = batched_iou(targets.boxes, output.boxes())
    alignment = _own_scores(output, targets) ** config.alpha * overlaps**config.beta
    alignment *= _candidates(output, targets)
    wanted = _best(alignment, config.top_k)
    overlap, index = torch.where(wanted, overlaps, -1.0).max(dim=1)
    taken = torch.zeros_like(wanted).scatter_(1, index[:, None], (overlap >= 0)[:, None])
    return Assignment(
        index=torch.where(overlap >= 0, index, -1),
        quality=_quality(torch.where(taken, alignment, 0.0), torch.where(taken, overlaps, 0.0)),
    )


def ignored_cells(output: HeadOutput, targets: Targets) -> Tensor:
    """Bool `(B, P, K)`: points in an ignore region of class k, which are no background of that class."""
    inside = _inside(output.points, targets.ignored_boxes)
    classes = torch.arange(output.class_logits.shape[2], device=inside.device)
    of_class = targets.ignored_labels[..., None] == classes
    return torch.einsum("bnp,bnk->bpk", inside.float(), of_class.float()) > 0


def _own_scores(output: HeadOutput, targets: Targets) -> Tensor:
    """`(B, M, P)`: the score that each point gives to each object's class."""
    scores = output.class_logits.float().sigmoid().transpose(1, 2)
    rows = targets.labels.clamp(min=0)[:, :, None].expand(-1, -1, scores.shape[2])
    return scores.gather(1, rows)


def _candidates(output: HeadOutput, targets: Targets) -> Tensor:
    """Bool `(B, M, P)`: points inside an object. One thinner than a cell still has the cell it lies in."""
    boxes, reach = targets.boxes, output.strides.min() / 2
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    halves = ((boxes[..., 2:] - boxes[..., :2]) / 2).clamp(min=reach)
    widened = torch.cat([centres - halves, centres + halves], dim=-1)
    return _inside(output.points, widened) & (targets.labels >= 0)[..., None]


def _inside(points: Tensor, boxes: Tensor) -> Tensor:
    """Points `(P, 2)` in boxes `(B, M, 4)`: bool `(B, M, P)`."""
    near, far = boxes[:, :, None, :2], boxes[:, :, None, 2:]
    return ((points > near) & (points < far)).all(dim=-1)


def _best(alignment: Tensor, top_k: int) -> Tensor:
    """Bool, shape of `alignment` `(B, M, P)`: its `top_k` largest values along P, as far as they are positive."""
    best = alignment.topk(min(top_k, alignment.shape[2]), dim=2).indices
    return torch.zeros_like(alignment, dtype=torch.bool).scatter_(2, best, value=True) & (alignment > 0)


def _quality(alignment: Tensor, overlaps: Tensor) -> Tensor:
    """Alignment scaled per object so that its largest value is the object's largest IoU: `(B, M, P)` -> `(B, P)`."""
    scale = overlaps.amax(dim=2, keepdim=True) / alignment.amax(dim=2, keepdim=True).clamp(min=1e-12)
    return (alignment * scale).amax(dim=1)
