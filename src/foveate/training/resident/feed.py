"""Puts pictures into a pool while batches are made from it: draws of the mixture, and at once what is new in it."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager

import numpy as np

from foveate.core import FoveateError, MediaError
from foveate.training.dataset import LabelledImage
from foveate.training.mixture import Mixture
from foveate.training.patience import Patience
from foveate.training.resident.pool import GAP, PicturePool
from foveate.training.sample import Sample

READERS = 4
"""Threads that decode pictures."""
LEAST = 128
"""Pictures that must be there before a batch is made."""
REFRESH_S = 10.0
"""Wall clock between looks for new pictures."""
RENEWED_PER_S = 20.0
"""Pictures that are exchanged when the pool is full and nothing is new."""
NEW_PER_S = 80.0
"""Pictures that are exchanged when the pool is full: a batch in the making may read those in the gap."""
PATIENCE_S = 120.0
"""So long something of growing sets may be unreadable, as a file is that is being written."""
_SETS = "the sets"


class PictureFeed(AbstractContextManager["PictureFeed"]):
    """Fills `pool` in the background; leave the context to end it.

    `mixture` is called again and again: the sets may grow meanwhile, as where pictures are being rendered. If they are
    `growing`, a file that cannot be read is left for later, up to `PATIENCE_S`; otherwise it ends the feed.
    """

    def __init__(self, pool: PicturePool, mixture: Callable[[], Mixture], *, seed: int, growing: bool = False) -> None:
        self.pool, self._mixture = pool, mixture
        self._patience = Patience(PATIENCE_S if growing else None)
        self.latest: Mixture | None = None
        """What was there at the last look; None before the first."""
        self.known: set[str] = set()
        """Paths of the pictures that were there at first or have come since."""
        self._rng, self._stop = np.random.default_rng((seed, 4)), threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="picture-feed", daemon=True)

    def __enter__(self) -> "PictureFeed":
        """Start, and wait for the first pictures; raises what reading them raised."""
        self._thread.start()
        while self.pool.written < min(LEAST, self.pool.slots - GAP):
            self.check()
            time.sleep(0.02)
        return self

    def __exit__(self, *exception: object) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        """Raise what went wrong in the background."""
        if self._error is not None:
            raise FoveateError(f"no more pictures: {self._error}") from self._error

    def _run(self) -> None:
        try:
            with ThreadPoolExecutor(READERS) as readers:
                waiting: deque[tuple[str, Future[Sample]]] = deque()
                for image in self._images():
                    waiting.append((str(image.path), readers.submit(image.read)))
                    if len(waiting) > 2 * READERS:
                        self._take(*waiting.popleft())
                    if self._stop.is_set():
                        return
        except BaseException as error:
            self._error = error

    def _take(self, path: str, picture: Future[Sample]) -> None:
        """Into the pool; a picture that is not whole yet counts as new once more."""
        try:
            sample = picture.result()
        except MediaError as error:
            self._patience.put_off(path, error)
            self.known.discard(path)
            return
        self._patience.met(path)
        self.pool.put(sample)

    def _looked_again(self, before: Mixture) -> Mixture:
        """The mixture as it is now; `before` where an annotation file is not whole yet."""
        try:
            mixture = self._mixture()
        except FoveateError as error:
            self._patience.put_off(_SETS, error)
            return before
        self._patience.met(_SETS)
        return mixture

    def _images(self) -> Iterator[LabelledImage]:
        """Pictures without end, as fast as they are wanted."""
        self.latest = mixture = self._mixture()
        self.known = {str(image.path) for image in mixture.images}
        while True:
            until = time.monotonic() + REFRESH_S
            while time.monotonic() < until:
                self._pace(RENEWED_PER_S)
                yield mixture.draw(self._rng)
            self.latest = mixture = self._looked_again(mixture)
            new = [image for image in mixture.images if str(image.path) not in self.known]
            self.known.update(str(image.path) for image in new)
            for row in self._rng.permutation(len(new)):
                self._pace(NEW_PER_S)
                yield new[row]

    def _pace(self, most_per_s: float) -> None:
        if self.pool.written >= self.pool.slots:
            self._stop.wait(1 / most_per_s)
