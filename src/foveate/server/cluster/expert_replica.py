"""One copy of an expert on a node of the cluster."""

import asyncio
import os
import signal

import numpy as np

from foveate.server.expert_session import BatchOutcome
from foveate.server.expert_worker import LoadExpert, answer_pictures


class ExpertReplica:
    """`load` makes the expert on the node where this runs; `size`: height and width of pictures, pixels."""

    def __init__(self, load: LoadExpert, size: tuple[int, int]) -> None:
        self._model, self._size = load(), size
        self._model.logits(np.zeros((1, *size, 3), np.uint8))  # the first inference allocates: no sample should wait

    def ready(self) -> bool:
        """True: the model is loaded."""
        return True

    async def answer(self, pictures: tuple[bytes, ...]) -> BatchOutcome:
        """Decode and classify a batch, in a thread, so that the replica goes on to answer whether it is alive."""
        return await asyncio.to_thread(answer_pictures, self._model, pictures, self._size)

    def die(self) -> None:
        """End as a crash would."""
        os.kill(os.getpid(), signal.SIGKILL)
