"""Batches from a pool of pictures, made ahead by a thread on a stream of its own while others are computed."""

import queue
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress

import torch

from foveate.core import RegionGrid
from foveate.training.loader import BatchPlan
from foveate.training.resident.boxes import compact, counts, move_boxes
from foveate.training.resident.colour import recolour_batch
from foveate.training.resident.feed import PictureFeed
from foveate.training.resident.pixels import cut
from foveate.training.resident.pool import own_stream
from foveate.training.resident.views import draw_views
from foveate.training.targets import Targets, TensorBatch, occupied_regions

AHEAD = 2
"""Batches that wait."""


class ResidentLoader(AbstractContextManager["ResidentLoader"]):
    """Batches `first_step`, `first_step + 1`, ... of what `feed` put into its pool; leave the context to end it.

    Draws follow seed and step; which pictures they meet depends on what was there in time.
    """

    def __init__(self, plan: BatchPlan, first_step: int, feed: PictureFeed, grid: RegionGrid) -> None:
        self._plan, self._feed, self._grid = plan, feed, grid
        self._device = feed.pool.torch_device
        self._class_weights = torch.from_numpy(plan.mixture.class_weights).float().to(self._device)
        self._stream = own_stream(self._device)
        self._ready: queue.Queue[TensorBatch | Exception] = queue.Queue(AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._produce, args=(first_step,), name="batches", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[TensorBatch]:
        """Batches in order, without end; raises what making them or reading pictures raised."""
        while True:
            batch = self._ready.get()
            if isinstance(batch, Exception):
                raise batch
            if self._stream is not None:
                _hand_over(batch, self._stream, torch.cuda.current_stream(self._device))
            yield batch

    def __exit__(self, *exception: object) -> None:
        """End the thread; batches that wait are lost."""
        self._stop.set()
        self._thread.join()

    def _produce(self, step: int) -> None:
        try:
            with torch.no_grad(), torch.cuda.stream(self._stream):
                while not self._stop.is_set():
                    self._feed.check()
                    self._put(self._batch(step))
                    step += 1
        except Exception as error:
            self._put(error)

    def _put(self, item: TensorBatch | Exception) -> None:
        while not self._stop.is_set():
            with suppress(queue.Full):
                self._ready.put(item, timeout=0.1)
                break

    def _batch(self, step: int) -> TensorBatch:
        plan, pool = self._plan, self._feed.pool
        generator = torch.Generator(self._device).manual_seed(plan.seed * 1_000_003 + step)
        views = draw_views(
            pool,
            plan.batch_size,
            plan.size,
            plan.augment,
            class_weights=self._class_weights,
            generator=generator,
        )
        images = recolour_batch(cut(pool, views), plan.augment.colour, generator)
        targets = move_boxes(pool, views, plan.augment)
        objects, ignored = counts(targets).tolist()
        targets = compact(targets, (objects, ignored))
        return TensorBatch(
            images=images.contiguous(memory_format=torch.channels_last),
            targets=targets,
            occupied=occupied_regions(targets, self._grid).cpu().numpy(),
        )


def _hand_over(batch: TensorBatch, made_on: torch.cuda.Stream, used_on: torch.cuda.Stream) -> None:
    """Let a stream use what another one made: after it is made, and before its memory is taken again."""
    used_on.wait_stream(made_on)
    for tensor in (batch.images, *_tensors(batch.targets)):
        tensor.record_stream(used_on)


def _tensors(targets: Targets) -> tuple[torch.Tensor, ...]:
    return targets.boxes, targets.labels, targets.ignored_boxes, targets.ignored_labels
