"""The training loop of classifiers: a fixed number of steps, resumable, interruptible."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from torch import Tensor

from foveate.core import InputError, LabelledImages
from foveate.core.regions import ceil_div
from foveate.models import Classifier
from foveate.training.checkpoint import claimed, load_checkpoint, save_checkpoint
from foveate.training.classification.augment import ClassificationAugment, augment, mix, on_device, soft_targets
from foveate.training.classification.curriculum import Curriculum, Draws
from foveate.training.classification.loss import (
    ClassifierLoss,
    cross_entropy,
    distance_to_teacher,
    is_right,
    subset_cross_entropy,
)
from foveate.training.journal import Journal
from foveate.training.muon import make_muon
from foveate.training.optimise import MovingAverage
from foveate.training.parallel_gradients import ParallelGradients
from foveate.training.schedule import Phase, Schedule

LARGEST_GRADIENT = 1.0
PIXELS_AT_ONCE = {"cpu": 64 * 64 * 64}
"""Pixels that a thread computes at a time, by device: 64 pictures of 64 x 64; elsewhere a whole batch."""


@dataclass(frozen=True, kw_only=True)
class ClassifierTraining:
    """How a classifier is trained. Raises `InputError` unless all phases share one batch size and steps are given."""

    schedule: Schedule
    augment: ClassificationAugment = field(default_factory=ClassificationAugment)
    loss: ClassifierLoss = field(default_factory=ClassifierLoss)
    average_decay: float = 0.998
    seed: int = 0
    bfloat16: bool | None = None
    """Compute in bfloat16 with float32 weights; None = where the machine multiplies it fast."""
    threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    checkpoint_s: float = 240.0
    """Wall clock between checkpoints."""
    evaluate_steps: int = 0
    """Steps between looks at the pictures to choose on; 0 = none on the way."""

    def __post_init__(self) -> None:
        if self.schedule.steps is None or len({phase.batch_size for phase in self.schedule.phases}) != 1:
            raise InputError("a classifier's schedule needs a number of steps and one batch size in all phases")
        if self.threads < 1 or self.checkpoint_s <= 0:
            raise InputError(
                f"at least one thread and a positive checkpoint_s are required, got {self.threads}, {self.checkpoint_s}"
            )

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.schedule.steps or 0

    @property
    def batch_size(self) -> int:
        """Pictures a step."""
        return self.schedule.phases[0].batch_size

    def phase_of(self, step: int) -> Phase:
        """The phase that a step belongs to."""
        return self.schedule.phases[self.schedule.phase_at(step / self.steps)]


@dataclass(frozen=True, kw_only=True)
class Speciality:
    """The subset that a specialist is for, and how it gets there. Raises `InputError` for an empty subset."""

    subset: tuple[int, ...]
    """Its classes, ascending."""
    curriculum: Curriculum

    def __post_init__(self) -> None:
        if not self.subset or tuple(sorted(set(self.subset))) != self.subset:
            raise InputError(f"a subset must hold different classes in ascending order, got {self.subset}")


class ClassifierTrainer:
    """Trains `model` on `images`, keeping its state in `folder`; `run` may be called again to go on."""

    def __init__(
        self,
        model: Classifier,
        images: LabelledImages,
        config: ClassifierTraining,
        folder: Path,
        *,
        speciality: Speciality | None = None,
        teacher: Classifier | None = None,
        looked_at: LabelledImages | None = None,
    ) -> None:
        """`teacher` answers where `config.loss.distillation` is above 0. `looked_at` is judged on the way."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model, self.images, self.config, self.folder = model, images, config, folder
        self.speciality, self.looked_at = speciality, looked_at
        self.teacher = teacher if config.loss.distillation else None
        model.train().requires_grad_(requires_grad=True).float()
        self._device = model.pixel_mean.device
        self._pixels, self._labels = _resident(images, self._device)
        self.optimiser, self.average = make_muon(model), MovingAverage(model, config.average_decay)
        self.progress = load_checkpoint(
            folder, model=model, optimiser=self.optimiser, average=self.average, seed=config.seed
        )
        self._draws = _draws(images, config, speciality)
        self._subset = None if speciality is None else torch.tensor(speciality.subset, device=self._device)
        self._saved_at, self._stop = time.monotonic(), False

    @property
    def is_done(self) -> bool:
        """Whether all steps have been taken."""
        return self.progress.step >= self.config.steps

    def run(self, *, most_steps: int | None = None) -> bool:
        """Train to the end, or until SIGINT, SIGTERM or `most_steps`; True if all steps are done.

        Raises `InputError` while another process trains in the folder.
        """
        last = self.config.steps if most_steps is None else self.progress.step + most_steps
        self._stop = False
        with (
            claimed(self.folder),
            Journal(self.folder / "log.jsonl") as journal,
            ParallelGradients(self.model, threads=self.config.threads, bfloat16=self.config.bfloat16) as gradients,
            self._stopped_by_signals(),
        ):
            while not self.is_done and not self._stop and self.progress.step < last:
                began_at = time.monotonic()
                self._step(gradients, journal)
                self._spend_time(began_at)
                self._evaluate_if_due(journal)
            self.save()
        return self.is_done

    def save(self) -> None:
        """Write the checkpoint."""
        save_checkpoint(
            self.folder,
            model=self.model,
            optimiser=self.optimiser,
            average=self.average,
            progress=self.progress,
            seed=self.config.seed,
        )
        self._saved_at = time.monotonic()

    def _step(self, gradients: ParallelGradients[Classifier], journal: Journal) -> None:
        config, step = self.config, self.progress.step
        done = step / config.steps
        images, targets = self._batch(step)
        head = self.speciality.curriculum.head_at(done) if self.speciality else 0.0
        count = len(images)
        parts = self._parts(images)

        def work(part: slice) -> tuple[Tensor, tuple[Tensor, ...]]:
            return self._part(gradients, images[part], targets[part], head, count)

        figures = gradients.sum_over([slice(first, None, parts) for first in range(parts)], work)
        rate = config.schedule.learning_rate_at(step, done)
        norm = self._update(gradients, rate)
        self.progress = replace(self.progress, step=step + 1, crops=self.progress.crops + count)
        loss, distance, right = torch.stack(figures).sum(dim=0)
        shown = {"loss": loss, "distillation": distance, "accuracy": right, "gradient": norm, "rate": rate}
        journal.record(step + 1, (step + 1) / config.steps, count, shown)

    def _parts(self, images: Tensor) -> int:
        """In how many parts a batch is computed."""
        count, threads = len(images), self.config.threads
        at_once = PIXELS_AT_ONCE.get(images.device.type, images.numel()) // (images.shape[2] * images.shape[3])
        return min(count, threads * ceil_div(count, max(1, at_once) * threads))

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        config, rng = self.config, np.random.default_rng((self.config.seed, 13, step))
        index = on_device(self._draws.batch(step), self._device)
        pixels, labels = self._pixels.index_select(0, index), self._labels.index_select(0, index)
        views = augment(pixels, config.phase_of(step).size, config.augment, rng)
        targets = soft_targets(labels, len(self.model.class_names), config.augment.smoothing)
        return mix(views, targets, config.augment, rng)

    def _part(
        self, gradients: ParallelGradients[Classifier], images: Tensor, targets: Tensor, head: float, count: int
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Loss, distance to the teacher and right answers as parts of the batch's means, and the gradients."""
        logits, config = gradients.twin(images), self.config.loss
        loss = (1 - head) * cross_entropy(logits, targets)
        if head and self._subset is not None:
            loss = loss + head * subset_cross_entropy(logits, targets, self._subset)
        distance = loss.new_zeros(())
        if self.teacher is not None:
            with torch.no_grad():
                wanted = self.teacher(images)
            distance = config.distillation * distance_to_teacher(logits, wanted, config.temperature)
        total = (loss + distance) / count
        grads = torch.autograd.grad(total, gradients.twin_parameters)
        shown = torch.stack([loss.detach(), distance.detach(), is_right(logits, targets).float()]) / count
        return shown, grads

    def _update(self, gradients: ParallelGradients[Classifier], rate: float) -> Tensor:
        """One step of the optimiser; returns the gradient's norm. A gradient that is not finite counts as 0."""
        gradients.store()
        norm = gradients.clip(LARGEST_GRADIENT)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.average.update(self.progress.step)
        return norm

    def _spend_time(self, began_at: float) -> None:
        now = time.monotonic()
        self.progress = replace(self.progress, elapsed_s=self.progress.elapsed_s + now - began_at)
        if now - self._saved_at >= self.config.checkpoint_s:
            self.save()

    def _evaluate_if_due(self, journal: Journal) -> None:
        every = self.config.evaluate_steps
        if not every or self.looked_at is None or self.progress.step % every:
            return
        with self.average.applied():
            figures = self.accuracies(self.looked_at, self.model)
        journal.record_accuracy(self.progress.step, figures)

    def accuracies(self, images: LabelledImages, model: Classifier) -> dict[str, float]:
        """Share of right answers of a model: `overall`, and on the `subset` of this training if any are of it."""
        right = model.logits(images.pixels).argmax(axis=1) == images.labels
        figures = {"overall": float(right.mean())}
        inside = np.isin(images.labels, self.speciality.subset if self.speciality else ())
        if inside.any():
            figures["subset"] = float(right[inside].mean())
        return figures

    @contextmanager
    def _stopped_by_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the training after the present step."""
        before = {which: signal.signal(which, self._on_signal) for which in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for which, handler in before.items():
                signal.signal(which, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True


def _draws(images: LabelledImages, config: ClassifierTraining, speciality: Speciality | None) -> Draws:
    """The batches of the whole training; without a speciality all pictures are one deck."""
    everything, steps, batch_size = np.arange(len(images)), config.steps, config.batch_size
    if speciality is None:
        return Draws(everything, everything[:0], np.full(steps, batch_size), batch_size, config.seed)
    inside = np.isin(images.labels, speciality.subset)
    shares = [speciality.curriculum.share_at(step / steps) for step in range(steps)]
    counts = np.rint(np.array(shares) * batch_size).astype(np.int64)
    return Draws(everything[inside], everything[~inside], counts, batch_size, config.seed)


@lru_cache(maxsize=1)
def _resident(images: LabelledImages, torch_device: torch.device) -> tuple[Tensor, Tensor]:
    """Pixels and labels where they are worked on; the last set stays there from one training to the next."""
    return torch.from_numpy(images.pixels).to(torch_device), torch.from_numpy(images.labels).to(torch_device)
