"""Gradients of one batch, computed by as many threads as there are cores.

Each thread takes every n-th image and computes alone. That beats n threads inside every operation by a fifth on a quiet
two-core machine and by far on a shared one, where an operation ends only when the slowest of its threads does.

A thread computes a few regions at a time, so that its activations stay near the processor.

In bfloat16 a twin of the model computes, whose parameters are rounded once a step; the weights that the optimiser
changes stay float32. Autocast would round every weight at every use, and activations between operations.
"""

import copy
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from foveate.core.regions import ceil_div
from foveate.models import Detector, HeadOutput
from foveate.training.distillation import DistillationConfig, distillation_loss, lowered, rows_of
from foveate.training.losses import LossConfig, LossSums, detection_loss
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
    """Difference between mixed and full resolution; 0 where it is not learned."""
    positives: int

    @property
    def total(self) -> float:
        """What is minimised."""
        return self.class_loss + self.box_loss + self.distillation


class GradientWorkers(AbstractContextManager["GradientWorkers"]):
    """Computes gradients in `threads` threads; leave the context to end them."""

    def __init__(
        self,
        model: Detector,
        loss: LossConfig,
        *,
        threads: int,
        bfloat16: bool,
        distillation: DistillationConfig | None = None,
    ) -> None:
        self.loss, self.distillation, self.threads = loss, distillation, threads
        self.parameters = _trainable(model)
        self._twin = copy.deepcopy(model).to(torch.bfloat16) if bfloat16 else model
        self._twin_parameters = _trainable(self._twin)
        self._inner_threads = torch.get_num_threads()
        torch.set_num_threads(1)  # the optimiser's many small operations suffer most on a shared machine
        self._pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))

    def __exit__(self, *exception: object) -> None:
        """End the threads and give operations their own ones back."""
        self._pool.shutdown()
        torch.set_num_threads(self._inner_threads)

    def compute(self, images: Tensor, targets: Targets, resolution: Resolution) -> StepLosses:
        """Fill `.grad` of all parameters with the gradient of the loss of the whole batch."""
        self._round_weights()
        threads = min(self.threads, len(images))
        count = threads * _parts_per_thread(images, threads)
        parts = [slice(first, None, count) for first in range(count)]

        def work(thread: int) -> tuple[list[LossSums], list[Tensor]]:
            return self._add_up(images, targets, resolution, parts[thread::threads])

        # Each thread has its own parts, whoever is faster: sums are the same in every run.
        results = list(self._pool.map(work, range(threads)))
        sums = [part for parts, _ in results for part in parts]
        scale = 1 / max(1.0, sum(float(s.quality) for s in sums))
        self._store([grads for _, grads in results], scale)
        return StepLosses(
            class_loss=sum(float(s.class_loss.detach()) for s in sums) * scale,
            box_loss=sum(float(s.box_loss.detach()) for s in sums) * scale,
            distillation=sum(float(s.distillation.detach()) for s in sums) * scale,
            positives=sum(int(s.positives) for s in sums),
        )

    @torch.no_grad()
    def _round_weights(self) -> None:
        if self._twin_parameters[0] is not self.parameters[0]:
            torch._foreach_copy_(self._twin_parameters, self.parameters)

    def _add_up(
        self, images: Tensor, targets: Targets, resolution: Resolution, parts: list[slice]
    ) -> tuple[list[LossSums], list[Tensor]]:
        """Losses of some parts of a batch, and the float32 sums of their gradients."""
        losses, totals = [], [torch.zeros_like(p) for p in self.parameters]
        for part in parts:
            sums, grads = self._part(images, targets, resolution, part)
            losses.append(sums)
            torch._foreach_add_(totals, list(grads))
        return losses, totals

    def _part(
        self, images: Tensor, targets: Targets, resolution: Resolution, part: slice
    ) -> tuple[LossSums, Sequence[Tensor]]:
        masks = None if resolution.masks is None else resolution.masks[part]
        output = self._twin(images[part], masks, resolution.restoration_points[part])
        sums = detection_loss(output, targets[part], self.loss)
        sums = replace(sums, distillation=self._distilled(output, images[part], masks))
        loss = sums.class_loss + sums.box_loss + sums.distillation
        return sums, torch.autograd.grad(loss, self._twin_parameters, materialize_grads=True)

    def _distilled(self, output: HeadOutput, images: Tensor, masks: Tensor | None) -> Tensor:
        """Loss of the images of which something is downsampled, against their own full resolution."""
        rows = lowered(masks)
        if self.distillation is None or rows is None:
            return output.strides.new_zeros(())
        rows = rows.to(images.device)
        with torch.no_grad():
            full = self._twin(images[rows])
        return distillation_loss(rows_of(output, rows), full, self.distillation)

    def _store(self, threads: list[list[Tensor]], scale: float) -> None:
        total, *others = threads
        for other in others:
            torch._foreach_add_(total, other)
        torch._foreach_mul_(total, scale)
        for parameter, grad in zip(self.parameters, total, strict=True):
            parameter.grad = grad


def _trainable(model: Detector) -> list[Tensor]:
    return [p for p in model.parameters() if p.requires_grad]


def _parts_per_thread(images: Tensor, threads: int) -> int:
    """How many parts each thread's share of a batch is computed in; one on an accelerator."""
    share = ceil_div(len(images), threads)
    if images.device.type != "cpu":
        return 1
    at_once = max(1, PIXELS_AT_ONCE // (images.shape[2] * images.shape[3]))
    return ceil_div(share, at_once)
