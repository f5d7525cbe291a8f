"""The training loop of detectors: budgeted, resumable, interruptible."""

import copy
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from torch import nn

from foveate.core import FoveateError, InputError, MediaError, RegionGrid
from foveate.models import DenseDetector
from foveate.models.weights import choose_dtype
from foveate.training.augment import AugmentConfig
from foveate.training.checkpoint import Progress, claimed, load_checkpoint, save_checkpoint
from foveate.training.dataset import ImageSet
from foveate.training.distillation import DistillationConfig
from foveate.training.evaluate import evaluate
from foveate.training.gradients import GradientWorkers, StepLosses
from foveate.training.journal import Journal
from foveate.training.loader import PATIENCE_S, BatchPlan, Loader
from foveate.training.losses import LossConfig
from foveate.training.mixture import Mixture
from foveate.training.muon import make_muon
from foveate.training.optimise import MovingAverage, make_optimiser
from foveate.training.patience import Patience
from foveate.training.resident import PictureFeed, PicturePool, ResidentLoader, fitting_slots
from foveate.training.resolution import ResolutionConfig, draw_resolution
from foveate.training.sample import Batch
from foveate.training.schedule import Phase, Schedule
from foveate.training.stages import Stage, given, stages
from foveate.training.targets import TensorBatch, occupied_regions, to_tensors

LARGEST_GRADIENT = 5.0
"""Norm to which gradients are clipped."""
ALIKE = 8
"""Crops of several regions that share a mask on an accelerator."""
FOLLOW_S = 60.0
"""Wall clock between looks for new pictures where batches are made beside a CPU."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a detector is trained. Raises `InputError` for spans or threads below their least values."""

    schedule: Schedule
    seed: int = 0
    average_decay: float = 0.999
    """Decay of the moving average of weights."""
    bfloat16: bool | None = None
    """Compute in bfloat16 with float32 weights; None = where the machine multiplies it fast."""
    threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    """Parts of a batch that are computed side by side on a CPU."""
    resident: bool | None = None
    """Whether batches are made on the device, from pictures in its memory (`resident`); None = on an accelerator."""
    resident_pictures: int = 4000
    """How many pictures, 6 MB each, as far as half of the free memory holds them."""
    checkpoint_s: float = 240.0
    """Wall clock between checkpoints."""
    evaluate_s: float | None = None
    """Wall clock between evaluations of the averaged weights on the way; None = none."""
    evaluate_images: int = 40
    """Most pictures of each set that such an evaluation looks at, spread evenly."""
    loss: LossConfig = field(default_factory=LossConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    resolution: ResolutionConfig = field(default_factory=ResolutionConfig)
    muon: bool = False
    """Muon for the hidden layers' matrices in place of AdamW."""
    distillation: DistillationConfig | None = None
    """How frames of mixed resolution learn from the model's own full resolution; None = from labels alone."""

    def __post_init__(self) -> None:
        if self.threads < 1 or self.checkpoint_s <= 0 or not 0 <= self.average_decay < 1:
            raise InputError(
                "training needs at least one thread, a positive checkpoint_s and a decay in 0..1, "
                f"got {self.threads}, {self.checkpoint_s} and {self.average_decay}"
            )


class Trainer:
    """Trains `model` on `mixture`, keeping its state in `folder`; `run` may be called again to go on."""

    def __init__(
        self,
        model: DenseDetector,
        mixture: Mixture,
        config: TrainConfig,
        folder: Path,
        evaluation: Mapping[str, ImageSet] | None = None,
        *,
        growing: Callable[[], Mixture] | None = None,
        teacher: DenseDetector | None = None,
    ) -> None:
        """`teacher`: another detector, whose answers at full resolution are learned beside the labels.

        `growing` returns the mixture with what came since; asked on the way, and at the start of each phase.

        With it, files that are not whole yet are waited for (see `PictureFeed` and `Loader`), and figures on the way
        left out. On a CPU batches stay a function of seed, step and the pictures that were there at the last look.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.model, self.mixture, self.config, self.folder = model, mixture, config, folder
        self.evaluation = {name: images.some(config.evaluate_images) for name, images in (evaluation or {}).items()}
        _prepare(model)
        self._device = model.pixel_mean.device
        self._growing = growing
        self.teacher = teacher
        self.optimiser = make_muon(model) if config.muon else make_optimiser(model)
        self.average = MovingAverage(model, config.average_decay)
        self.progress = load_checkpoint(
            folder, model=model, optimiser=self.optimiser, average=self.average, seed=config.seed
        )
        # Of a checkpoint that does not tell its stages, all is taken for this command's.
        self._since = self.progress if self.progress.stages else Progress()
        self._stop = False
        self._feed: PictureFeed | None = None
        self._patience = Patience(PATIENCE_S)
        self._saved_at = self._evaluated_at = self._looked_at = time.monotonic()

    @property
    def _is_resident(self) -> bool:
        wanted = self.config.resident
        return self._device.type != "cpu" if wanted is None else wanted

    @property
    def share_done(self) -> float:
        """Progress of the schedule, 0..1."""
        return self.config.schedule.progress(self.progress.step, self.progress.elapsed_s)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What each command of this training gave and did, this one's last."""
        mixture = (self._feed and self._feed.latest) or self.mixture
        stage = given(mixture, self.config.schedule, teacher=self.teacher.name if self.teacher else None)
        return stages(self._since, stage, self.progress)

    def run(self, *, most_steps: int | None = None) -> bool:
        """Train to the end, or until SIGINT, SIGTERM or `most_steps`; True if the schedule is complete.

        Raises `InputError` while another process trains in the folder.
        """
        last = None if most_steps is None else self.progress.step + most_steps
        self._stop = False
        with (
            claimed(self.folder),
            Journal(self.folder / "log.jsonl") as journal,
            self._workers() as workers,
            self._stopped_by_signals(),
            self._fed(),
        ):
            journal.note(f"step {self.progress.step}, {self.share_done:.1%} done, state in {self.folder}")
            while self.share_done < 1 and not self._stop and self.progress.step != last:
                self._run_phase(workers, journal, last)
            self.save()
        return self.share_done >= 1

    def _workers(self) -> GradientWorkers:
        config = self.config
        return GradientWorkers(
            self.model,
            config.loss,
            threads=config.threads if self._device.type == "cpu" else 1,
            bfloat16=config.bfloat16,
            distillation=config.distillation,
            teacher=self.teacher,
        )

    def save(self) -> None:
        """Write the checkpoint."""
        self.progress = replace(self.progress, stages=self.stages)
        save_checkpoint(
            self.folder,
            model=self.model,
            optimiser=self.optimiser,
            average=self.average,
            progress=self.progress,
            seed=self.config.seed,
        )
        self._saved_at = time.monotonic()

    def _run_phase(self, workers: GradientWorkers, journal: Journal, last: int | None) -> None:
        """Steps of the present phase, until it or the training ends."""
        schedule = self.config.schedule
        number = schedule.phase_at(self.share_done)
        phase = schedule.phases[number]
        journal.note(f"crops of {phase.size[0]}x{phase.size[1]} pixels in batches of {phase.batch_size}")
        with self._batches(phase, journal) as (batches, loader):
            began_at = time.monotonic()
            for batch in batches:
                self._step(workers, journal, batch)
                began_at = self._spend_time(began_at)
                self._follow(loader, phase, journal)
                if self._evaluate_if_due(journal):
                    began_at = time.monotonic()  # looking is not training
                ends = self.share_done >= 1 or schedule.phase_at(self.share_done) != number
                if ends or self._stop or self.progress.step == last:
                    return

    @contextmanager
    def _fed(self) -> Iterator[None]:
        """Within the context pictures come to where batches are made, if that is on the device."""
        self._feed = None
        with ExitStack() as stack:
            if self._is_resident:
                pool = PicturePool(fitting_slots(self.config.resident_pictures, self._device), self._device)
                mixture, grows = self._growing or (lambda: self.mixture), self._growing is not None
                self._feed = stack.enter_context(PictureFeed(pool, mixture, seed=self.config.seed, growing=grows))
            yield
            if self._feed is not None:
                self.mixture = self._feed.latest or self.mixture

    @contextmanager
    def _batches(self, phase: Phase, journal: Journal) -> Iterator[tuple[Iterator[TensorBatch], Loader | None]]:
        """Batches, and the loader that must be told of new pictures; a feed looks for them itself."""
        grid = self.model.region_grid(*phase.size)
        if self._feed is not None:
            with ResidentLoader(self._batch_plan(phase), self.progress.step, self._feed, grid) as resident:
                yield iter(resident), None
        else:
            self._look_again(journal)
            growing = self._growing is not None
            with Loader(self._batch_plan(phase), self.progress.step, growing=growing) as loader:
                yield (_on_device(batch, self._device, grid) for batch in loader), loader

    def _follow(self, loader: Loader | None, phase: Phase, journal: Journal) -> None:
        """Tell a loader what came since, if it is time to look."""
        if loader is None or time.monotonic() - self._looked_at < FOLLOW_S:
            return
        if self._look_again(journal):
            loader.renew(self._batch_plan(phase), self.progress.step)

    def _look_again(self, journal: Journal) -> bool:
        """Take in what came since, where the sets grow; whether there was something."""
        self._looked_at = time.monotonic()
        if self._growing is None:
            return False
        try:
            found = self._growing()
        except FoveateError as error:
            self._patience.put_off("the sets", error)  # an annotation file that is being written
            return False
        self._patience.met("the sets")
        before, self.mixture = self.mixture, found
        new = {image.path for image in found.images} - {image.path for image in before.images}
        if new:
            journal.note(f"{len(new)} pictures have come, {len(found.images)} are there")
        return _contents(before) != _contents(found)

    def _batch_plan(self, phase: Phase) -> BatchPlan:
        return BatchPlan(
            mixture=self.mixture,
            size=phase.size,
            batch_size=phase.batch_size,
            seed=self.config.seed,
            augment=self.config.augment,
        )

    def _step(self, workers: GradientWorkers, journal: Journal, batch: TensorBatch) -> None:
        step, count = self.progress.step, len(batch.images)
        resolution = draw_resolution(
            self.config.resolution,
            count,
            (batch.occupied.shape[1], batch.occupied.shape[2]),
            self.model.restoration_points[-1],
            np.random.default_rng((self.config.seed, 3, step)),
            occupied=batch.occupied,
            alike=1 if self._device.type == "cpu" else ALIKE,
        )
        losses = workers.compute(batch.images, batch.targets, resolution)
        rate = self.config.schedule.learning_rate_at(step, self.share_done)
        norm = self._update(rate)
        self.progress = replace(self.progress, step=step + 1, crops=self.progress.crops + count)
        journal.record(step + 1, self.share_done, count, _figures(losses, count, rate, norm))

    def _update(self, rate: float) -> float:
        """One step of the optimiser; returns the gradient's norm. A gradient that is not finite is left out."""
        norm = float(nn.utils.clip_grad_norm_(self.average.parameters, LARGEST_GRADIENT))
        if np.isfinite(norm):
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            self.optimiser.step()
            self.average.update(self.progress.step)
        return norm

    def _spend_time(self, since: float) -> float:
        """Book the wall clock since `since`, checkpoint if it is time, and return the present."""
        now = time.monotonic()
        self.progress = replace(self.progress, elapsed_s=self.progress.elapsed_s + now - since)
        if now - self._saved_at >= self.config.checkpoint_s:
            self.save()
        return now

    def _evaluate_if_due(self, journal: Journal) -> bool:
        """Report figures of the averaged weights on the evaluation sets, if it is time."""
        every = self.config.evaluate_s
        if every is None or not self.evaluation or time.monotonic() - self._evaluated_at < every:
            return False
        with self.average.applied():
            shown = copy.deepcopy(self.model).eval().to(choose_dtype("auto", self.model.pixel_mean.device))
        try:
            figures = {name: evaluate(shown, images) for name, images in self.evaluation.items()}
        except MediaError as error:
            if self._growing is None:
                raise
            journal.note(f"no figures this time: {error}")  # a picture that is being written
        else:
            journal.record_evaluation(self.progress.step, figures)
        self._evaluated_at = time.monotonic()
        return True

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


def _prepare(model: DenseDetector) -> None:
    """Training mode, float32, and the memory order in which convolutions are fastest."""
    model.train().requires_grad_(requires_grad=True).float()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub


def _contents(mixture: Mixture) -> list[tuple[Path, int]]:
    """Pictures, and how many boxes each has: what sets gain while they are being written."""
    return [(image.path, len(image.labels)) for image in mixture.images]


def _on_device(batch: Batch, torch_device: torch.device, grid: RegionGrid) -> TensorBatch:
    images, targets = to_tensors(batch, torch_device)
    return TensorBatch(images=images, targets=targets, occupied=occupied_regions(targets, grid).cpu().numpy())


def _figures(losses: StepLosses, images: int, rate: float, norm: float) -> dict[str, float]:
    return {
        "loss": losses.total,
        "class_loss": losses.class_loss,
        "box_loss": losses.box_loss,
        "distillation": losses.distillation,
        "positives": losses.positives / images,
        "gradient": norm,
        "rate": rate,
    }
