"""Gradients of one batch of a detector's training.

A thread computes a few regions at a time, so that its activations stay near the processor.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from foveate.core import InputError
from foveate.core.regions import ceil_div
from foveate.models import DenseDetector, HeadOutput
from foveate.training.distillation import DistillationConfig, distillation_loss, lowered, rows_of
from foveate.training.losses import LossConfig, LossSums, detection_loss
from foveate.training.parallel_gradients import ParallelGradients
from foveate.training.resolution import Resolution
from foveate.training.targets import Targets

PIXELS_AT_ONCE = 4 * 288 * 288
"""Pixels that a thread computes at a time: four crops of one region (docs/log.md)."""


@dataclass(frozen=True, kw_only=True)
class StepLosses:
    """Figures of one step, per unit of quality (see `LossSums`)."""

    class_loss: float
    box_loss: float
    distillation: float
    """Difference from a teacher, or between mixed and full resolution; 0 where neither is learned."""
    positives: int

    @property
    def total(self) -> float:
        """What is minimised."""
        return self.class_loss + self.box_loss + self.distillation


class GradientWorkers(ParallelGradients[DenseDetector]):
    """Computes gradients of the detection loss in `threads` threads; leave the context to end them."""

    def __init__(
        self,
        model: DenseDetector,
        loss: LossConfig,
        *,
        threads: int,
        bfloat16: bool | None = None,
        distillation: DistillationConfig | None = None,
        teacher: DenseDetector | None = None,
    ) -> None:
        """`teacher`: whose answer at full resolution all images learn from, in place of the model's own.

        Raises `InputError` where it knows other classes or has other strides.
        """
        if teacher is not None:
            _check_teacher(teacher, model)
        super().__init__(model, threads=threads, bfloat16=bfloat16)
        self.loss, self.distillation = loss, distillation
        self.teacher = None if teacher is None else _ready(teacher, self.twin)
        if self.teacher is not None and distillation is None:
            self.distillation = DistillationConfig()

    def compute(self, images: Tensor, targets: Targets, resolution: Resolution) -> StepLosses:
        """Fill `.grad` of all parameters with the gradient of the loss of the whole batch."""
        threads = min(self.threads, len(images))
        count = threads * _parts_per_thread(images, threads)
        parts = [slice(first, None, count) for first in range(count)]
        sums = self.sum_over(parts, lambda part: self._part(images, targets, resolution, part))
        scale = 1 / max(1.0, sum(float(s.quality) for s in sums))
        self.store(scale)
        return StepLosses(
            class_loss=sum(float(s.class_loss.detach()) for s in sums) * scale,
            box_loss=sum(float(s.box_loss.detach()) for s in sums) * scale,
            distillation=sum(float(s.distillation.detach()) for s in sums) * scale,
            positives=sum(int(s.positives) for s in sums),
        )

    def _part(
        self, images: Tensor, targets: Targets, resolution: Resolution, part: slice
    ) -> tuple[LossSums, Sequence[Tensor]]:
        masks = None if resolution.masks is None else resolution.masks[part]
        output = self.twin(images[part], masks, resolution.restoration_points[part])
        sums = detection_loss(output, targets[part], self.loss)
        sums = replace(sums, distillation=self._distilled(output, images[part], masks))
        loss = sums.class_loss + sums.box_loss + sums.distillation
        return sums, torch.autograd.grad(loss, self.twin_parameters, materialize_grads=True)

    def _distilled(self, output: HeadOutput, images: Tensor, masks: Tensor | None) -> Tensor:
        """Loss against the teacher; without one, of images with low regions against their own full resolution."""
        if self.distillation is not None and self.teacher is not None:
            with torch.no_grad():
                wanted = self.teacher(images)
            own, other = output.class_logits.shape[1], wanted.class_logits.shape[1]
            if own != other:
                raise InputError(
                    f"a teacher needs the model's cells, {own} in crops of {images.shape[2]} x {images.shape[3]} "
                    f"pixels; {self.teacher.name} has {other}"
                )
            return distillation_loss(output, wanted, self.distillation)
        rows = lowered(masks)
        if self.distillation is None or rows is None:
            return output.strides.new_zeros(())
        rows = rows.to(images.device)
        with torch.no_grad():
            full = self.twin(images[rows])
        return distillation_loss(rows_of(output, rows), full, self.distillation)


def _check_teacher(teacher: DenseDetector, model: DenseDetector) -> None:
    if (teacher.class_names, teacher.config.strides) != (model.class_names, model.config.strides):
        raise InputError(
            f"a teacher needs the model's classes and strides, {model.class_names} and {model.config.strides}, "
            f"{teacher.name} has {teacher.class_names} and {teacher.config.strides}"
        )


def _ready(teacher: DenseDetector, model: DenseDetector) -> DenseDetector:
    """A copy of the teacher that computes as the model does: its numbers, its device, no gradients."""
    own = copy.deepcopy(teacher).to(model.pixel_mean.device, next(model.parameters()).dtype)
    return own.eval().requires_grad_(requires_grad=False)


def _parts_per_thread(images: Tensor, threads: int) -> int:
    """How many parts each thread's share of a batch is computed in; one on an accelerator."""
    share = ceil_div(len(images), threads)
    if images.device.type != "cpu":
        return 1
    at_once = max(1, PIXELS_AT_ONCE // (images.shape[2] * images.shape[3]))
    return ceil_div(share, at_once)
