"""Batches by number: every batch is a function of the plan and the step, made ahead by another process."""

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

import cv2
import numpy as np

from foveate.core import FoveateError, InputError, MediaError
from foveate.core.interrupts import interrupts_held
from foveate.training.augment import AugmentConfig, Augmenter
from foveate.training.mixture import Mixture
from foveate.training.patience import Patience
from foveate.training.sample import Batch, Sample

REUSE = 4
"""How often a decoded picture is used on average: decoding costs more than cropping."""
POOL_BATCHES = 3
"""Decoded pictures that are kept, in batches. One stays for REUSE * POOL_BATCHES steps."""
AHEAD = 6
"""Batches that wait in the queue."""
PATIENCE_S = 120.0
"""So long a picture of sets that grow may be unreadable, as a file is that is being written."""
_PAUSE_S = 0.05
"""After a picture that could not be read."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchPlan:
    """What batches are made of. Raises `InputError` on sizes below 32 pixels or empty batches."""

    mixture: Mixture
    size: tuple[int, int]
    """Height and width of a crop, pixels."""
    batch_size: int
    seed: int
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        if min(self.size) < 32 or self.batch_size < 1:
            raise InputError(
                "a batch needs crops of at least 32 pixels and at least one of them, "
                f"got {self.size} and {self.batch_size}"
            )


class BatchSource:
    """Makes batch number `step`: crops from a pool of decoded pictures, a few of which change at every step.

    `patience`: another picture is drawn in the place of one that cannot be read, as long as that is waited for.
    """

    def __init__(self, plan: BatchPlan, patience: Patience | None = None) -> None:
        self.plan = plan
        self._patience = patience or Patience(None)
        self._augment = Augmenter(plan.augment, plan.mixture.class_weights)
        self._pool: dict[int, tuple[int, Sample]] = {}

    def batch(self, step: int) -> Batch:
        """Batch number `step`; the same for the same plan and files, whatever was made before. Raises `MediaError`."""
        slots = range(POOL_BATCHES * self.plan.batch_size)
        pool = [self._picture(slot, step) for slot in slots]
        rng = np.random.default_rng((self.plan.seed, 1, step))
        return Batch.collate([self._augment(pool, self.plan.size, rng) for _ in range(self.plan.batch_size)])

    def _picture(self, slot: int, step: int) -> Sample:
        """The picture that occupies a slot of the pool; slots change in turn."""
        lifetime = REUSE * POOL_BATCHES
        generation = (step + slot * lifetime // (POOL_BATCHES * self.plan.batch_size)) // lifetime
        held = self._pool.get(slot)
        if held is None or held[0] != generation:
            rng = np.random.default_rng((self.plan.seed, 2, slot, generation))
            held = generation, self._drawn(rng)
            self._pool[slot] = held
        return held[1]

    def _drawn(self, rng: np.random.Generator) -> Sample:
        while True:
            image = self.plan.mixture.draw(rng)
            try:
                sample = image.read()
            except MediaError as error:
                self._patience.put_off(str(image.path), error)
                time.sleep(_PAUSE_S)
                continue
            self._patience.met(str(image.path))
            return sample


_Order = tuple[int, BatchPlan, int]
"""Number of the plan, the plan, and the step from which on it holds."""
_Made = tuple[int, Batch | FoveateError]
"""Number of the plan, and what came of it."""


class Loader(AbstractContextManager["Loader"]):
    """Batches `first_step`, `first_step + 1`, ... from a process of its own; leave the context to end it.

    `growing`: files that are being written are waited for.
    """

    def __init__(self, plan: BatchPlan, first_step: int, *, growing: bool = False) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy torch's threads in mid-work
        self._made: multiprocessing.queues.Queue[_Made] = context.Queue(AHEAD)
        self._orders: multiprocessing.queues.Queue[_Order] = context.Queue()
        self._orders.cancel_join_thread()  # nobody reads an order that is left when the process is ended
        self._number = 0
        patience_s = PATIENCE_S if growing else None
        words = ((0, plan, first_step), self._orders, self._made, patience_s)
        self._process = context.Process(target=_produce, args=words, daemon=True)
        with interrupts_held():
            self._process.start()

    def __iter__(self) -> Iterator[Batch]:
        """Batches in order, without end; raises what the process raised."""
        while True:
            yield self._next()

    def renew(self, plan: BatchPlan, step: int) -> None:
        """The next batch is number `step` of this plan; those that were made ahead are dropped."""
        self._number += 1
        self._orders.put((self._number, plan, step))

    def __exit__(self, *exception: object) -> None:
        """End the process; batches that wait are lost."""
        self._process.terminate()
        self._process.join()
        self._orders.close()
        self._made.close()

    def _next(self) -> Batch:
        while True:
            try:
                number, item = self._made.get(timeout=5)
            except queue.Empty:
                if not self._process.is_alive():
                    code = self._process.exitcode
                    raise FoveateError(f"the process that makes batches ended with code {code}") from None
                continue
            if isinstance(item, FoveateError):
                raise item
            if number == self._number:
                return item


def _produce(
    order: _Order,
    orders: "multiprocessing.queues.Queue[_Order]",
    made: "multiprocessing.queues.Queue[_Made]",
    patience_s: float | None,
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    number, plan, step = order
    patience = Patience(patience_s)
    source = BatchSource(plan, patience)
    try:
        while True:
            with suppress(queue.Empty):
                number, plan, step = orders.get_nowait()
                source = BatchSource(plan, patience)
            made.put((number, source.batch(step)))
            step += 1
    except FoveateError as error:
        made.put((number, error))


def _end_with_parent() -> None:
    """A parent that was killed cannot tell, and batches that wait for it would keep this process for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
