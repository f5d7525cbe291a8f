"""What classifiers minimise: cross-entropy over all classes and among a subset, and the distance to a teacher."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.core import InputError


@dataclass(frozen=True, kw_only=True)
class ClassifierLoss:
    """Weights of the loss. Raises `InputError` for negative weights or a temperature of 0."""

    distillation: float = 0.0
    """Weight of the distance to the teacher; 0 = no teacher runs."""
    temperature: float = 2.0
    """Softens both answers before they are compared (Hinton et al. 2015)."""

    def __post_init__(self) -> None:
        if self.distillation < 0 or self.temperature <= 0:
            raise InputError(
                f"distillation must be at least 0 and temperature above 0, got {self.distillation}, {self.temperature}"
            )


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum over pictures; `targets` `(B, classes)` are shares."""
    return -(F.log_softmax(logits.float(), dim=1) * targets).sum()


def subset_cross_entropy(logits: Tensor, targets: Tensor, subset: Tensor) -> Tensor:
    """Cross-entropy among the classes of `subset` (their numbers), each picture weighted by its share in them."""
    chosen, inside = (x.index_select(1, subset) for x in (logits, targets))
    return -(F.log_softmax(chosen.float(), dim=1) * inside).sum()


def distance_to_teacher(logits: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Kullback-Leibler divergence of the softened answers, times the square of the temperature; sum over pictures."""
    student = F.log_softmax(logits.float() / temperature, dim=1)
    wanted = F.log_softmax(teacher.float() / temperature, dim=1)
    return F.kl_div(student, wanted, reduction="sum", log_target=True) * temperature**2


@torch.no_grad()
def is_right(logits: Tensor, targets: Tensor) -> Tensor:
    """How many pictures have their highest score where their greatest share is."""
    return (logits.argmax(dim=1) == targets.argmax(dim=1)).sum()
