"""What changes as training goes on: learning rate and crops, as functions of progress (0..1)."""

import math
from dataclasses import dataclass

from foveate.core import InputError


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of training with crops of one size. Raises `InputError` on sizes that the pyramid cannot halve."""

    share: float
    """Part of the whole training, up to a common factor of all phases."""
    size: tuple[int, int] = (288, 288)
    """Height and width of crops, pixels, multiples of 32; 288 is one region."""
    batch_size: int = 16

    def __post_init__(self) -> None:
        if (
            not 0 < self.share < math.inf
            or self.batch_size < 1
            or min(self.size) < 32
            or any(s % 32 for s in self.size)
        ):
            raise InputError(
                "a phase needs a positive share and batch size and sides that are multiples of 32, got "
                f"share {self.share}, {self.size[0]}x{self.size[1]} pixels, batches of {self.batch_size}"
            )


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Length and course of a training. Raises `InputError` unless steps or minutes limit it, or on impossible rates."""

    steps: int | None = None
    """Optimiser steps; None = as many as the minutes allow."""
    minutes: float | None = None
    """Wall-clock budget, over all resumptions; None = no limit."""
    phases: tuple[Phase, ...] = (Phase(share=1.0),)
    learning_rate: float = 1e-3
    """Its largest value, after the warm-up."""
    last_share: float = 0.02
    """Part of the learning rate that is left at the end."""
    warmup_steps: int = 200

    def __post_init__(self) -> None:
        limits = [limit for limit in (self.steps, self.minutes) if limit is not None]
        if not limits or not all(0 < limit < math.inf for limit in limits):
            raise InputError(
                f"training needs a finite, positive number of steps or minutes, got {self.steps} and {self.minutes}"
            )
        if not self.phases or not 0 < self.learning_rate < math.inf:
            raise InputError(
                f"training needs at least one phase and a finite, positive learning rate, got {self.learning_rate}"
            )
        if not 0 <= self.last_share <= 1 or self.warmup_steps < 0:
            raise InputError(
                "training needs a last_share in 0..1 and no fewer than 0 warmup_steps, "
                f"got {self.last_share} and {self.warmup_steps}"
            )

    def progress(self, step: int, elapsed_s: float) -> float:
        """How much is done, by steps or by time, whichever is further; training ends at 1."""
        by_step = step / self.steps if self.steps else 0.0
        by_time = elapsed_s / (60 * self.minutes) if self.minutes else 0.0
        return min(1.0, max(by_step, by_time))

    def learning_rate_at(self, step: int, progress: float) -> float:
        """Linear warm-up by steps, times half a cosine by progress."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        cosine = (1 + math.cos(math.pi * progress)) / 2
        return self.learning_rate * warm * (self.last_share + (1 - self.last_share) * cosine)

    def phase_at(self, progress: float) -> int:
        """Number of the phase that holds `progress`."""
        total, passed = sum(phase.share for phase in self.phases), 0.0
        for number, phase in enumerate(self.phases):
            passed += phase.share / total
            if progress < passed:
                return number
        return len(self.phases) - 1
