"""One expert in a process of its own: it may die, and nobody else does."""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foveate.codec import decode_picture
from foveate.core import CodecError, FoveateError
from foveate.core.interrupts import interrupts_held
from foveate.server.expert_session import Batch, BatchOutcome

_SPAWN = get_context("spawn")
_STOP_S = 3.0


class ClassifierLike(Protocol):
    """What a server needs of an expert; `foveate.models.Classifier` is one."""

    def logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores of pictures: uint8 `(n, H, W, 3)` RGB -> float32 `(n, classes)`."""
        ...


LoadExpert = Callable[[], ClassifierLike]
"""Makes the model in the expert's process, so it must be importable there by its name."""


OnOutcome = Callable[[Batch, BatchOutcome | None], None]
"""Told what became of a batch; None: it was lost, and its expert goes on."""


class ExpertRunner(Protocol):
    """An expert that runs somewhere: `ExpertWorker` is one, in a process of this machine."""

    name: str

    def wait_until_ready(self) -> None:
        """Until the model is loaded. Raises `FoveateError` if it cannot be."""
        ...

    def submit(self, batch: Batch) -> None:
        """Hand over a batch; one at a time."""
        ...

    def kill(self) -> None:
        """End it as a crash would."""
        ...

    def stop(self) -> None:
        """End it; a second call does nothing."""
        ...


class StartExpert(Protocol):
    """Starts experts. `on_death` is called once if one ends for good without having been stopped."""

    def __call__(
        self,
        name: str,
        load: LoadExpert,
        *,
        size: tuple[int, int],
        on_outcome: OnOutcome,
        on_death: Callable[[ExpertRunner], None],
    ) -> ExpertRunner:
        """`size`: height and width of pictures, pixels. Handlers are called in a thread of the expert's."""
        ...


def answer_pictures(model: ClassifierLike, pictures: tuple[bytes, ...], size: tuple[int, int]) -> BatchOutcome:
    """Decode and classify a batch; a picture that cannot be decoded gets None."""
    began_at = time.monotonic()
    decoded = [_decoded(picture, size) for picture in pictures]
    decoded_at = time.monotonic()
    whole = [pixels for pixels in decoded if pixels is not None]
    rows = iter(model.logits(np.stack(whole)) if whole else ())
    return BatchOutcome(
        logits=tuple(None if pixels is None else next(rows) for pixels in decoded),
        decode_s=decoded_at - began_at,
        inference_s=time.monotonic() - decoded_at,
    )


def _decoded(picture: bytes, size: tuple[int, int]) -> NDArray[np.uint8] | None:
    try:
        return decode_picture(picture, size=size)
    except CodecError:
        return None


class ExpertWorker:
    """A process with one expert, and a thread that waits for it. Handlers are called in that thread."""

    def __init__(
        self,
        name: str,
        load: LoadExpert,
        *,
        size: tuple[int, int],
        on_outcome: OnOutcome,
        on_death: Callable[[ExpertRunner], None],
    ) -> None:
        """`on_death` is called once if the process ends without having been stopped."""
        self.name = name
        self._on_outcome, self._on_death = on_outcome, on_death
        self._pipe, other_end = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_work, args=(other_end, load, size), daemon=True, name=f"expert {name}")
        """The process itself."""
        with interrupts_held():
            self.process.start()
        other_end.close()
        self._running: Batch | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._listen, name=f"expert {name}", daemon=True)

    def wait_until_ready(self) -> None:
        """Until the model is loaded. Raises `FoveateError` with the process's own explanation if it cannot be."""
        try:
            problem = self._pipe.recv()
        except EOFError:
            problem = "its process ended"
        if problem:
            raise FoveateError(f"expert {self.name} could not start: {problem}")
        self._thread.start()

    def submit(self, batch: Batch) -> None:
        """Hand over a batch; one at a time."""
        self._running = batch
        with suppress(OSError):  # a broken pipe: the thread that listens tells of the death
            self._pipe.send(batch.pictures)

    def kill(self) -> None:
        """End the process as a crash would."""
        self.process.kill()

    def stop(self) -> None:
        """End the process; a second call does nothing."""
        self._stopped = True
        self.process.terminate()
        self.process.join(_STOP_S)

    def _listen(self) -> None:
        try:
            while True:
                outcome = self._pipe.recv()
                batch, self._running = self._running, None
                assert batch is not None
                self._on_outcome(batch, outcome)
        except (EOFError, OSError):
            if not self._stopped:
                self._on_death(self)


def _work(pipe: Connection, load: LoadExpert, size: tuple[int, int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        model = load()
        model.logits(np.zeros((1, *size, 3), np.uint8))  # the first inference allocates: it must not be measured
    except (FoveateError, OSError, ImportError) as error:
        pipe.send(str(error) or type(error).__name__)
        return
    pipe.send("")
    with suppress(EOFError):
        while True:
            pipe.send(answer_pictures(model, pipe.recv(), size))
