"""One copy of a detector on a node of the cluster. Imported there, so it needs `ray[serve]`."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from ray import serve

from foveate.core import CodecError, FoveateError, InputError, MonotonicClock, ProtocolError
from foveate.network.messages import Welcome
from foveate.server.cluster.outcome import Outcome
from foveate.server.engine import DecodedFrame, DetectorLike, Engine, Inferred, welcome_of
from foveate.server.queue import BUDGET_TOKENS
from foveate.server.work import Batch, Work

_LOG = logging.getLogger(__name__)
BATCH_WAIT_S = 0.002
"""How long the first frame of a batch waits for others, where nobody says otherwise."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sized:
    """A frame and what it takes up in a batch: one that is larger than the budget fills a batch by itself."""

    work: Work
    size: int
    """Tokens, at most the budget."""


def _size(sized: Sequence[Sized]) -> int:
    return sum(one.size for one in sized)


class DetectorReplica:
    """`load` gives the detector by its name on the node where this runs. Batches hold at most `budget_tokens`."""

    def __init__(
        self,
        load: Callable[[str], DetectorLike],
        name: str,
        *,
        budget_tokens: int,
        batch_wait_s: float,
        settings: str,
    ) -> None:
        self._settings = settings
        detector = load(name)
        # The first inference allocates and tunes: no frame should wait for it.
        detector.detect_batch([np.zeros((720, 1280, 3), np.uint8)])
        self._welcome = welcome_of(detector)
        self._engine = Engine([detector], clock=MonotonicClock())
        self._budget = budget_tokens
        self._batched.set_max_batch_size(budget_tokens)  # type: ignore[attr-defined]  # put there by Ray's decorator
        self._batched.set_batch_wait_timeout_s(batch_wait_s)  # type: ignore[attr-defined]

    def welcome(self) -> Welcome:
        """The model, described for devices."""
        return self._welcome

    def settings(self) -> str:
        """With what it was deployed, as a gateway wrote it down."""
        return self._settings

    async def answer(self, work: Work) -> Outcome:
        """Decode and detect, together with what else is there."""
        found: Outcome = await self._batched(Sized(work=work, size=min(work.tokens, self._budget)))
        return found

    @serve.batch(max_batch_size=BUDGET_TOKENS, batch_wait_timeout_s=BATCH_WAIT_S, batch_size_fn=_size)
    async def _batched(self, sized: list[Sized]) -> list[Outcome]:
        # In a thread, so that the replica goes on to answer whether it is alive.
        return await asyncio.to_thread(self._outcomes, [one.work for one in sized])

    def _outcomes(self, works: list[Work]) -> list[Outcome]:
        decoded = [self._decode(work) for work in works]
        whole = [(work, frame) for work, frame in zip(works, decoded, strict=True) if isinstance(frame, DecodedFrame)]
        inferred = iter(self._infer(whole))
        return [frame if isinstance(frame, Outcome) else next(inferred) for frame in decoded]

    def _decode(self, work: Work) -> DecodedFrame | Outcome:
        try:
            return self._engine.decode(work)
        except (CodecError, ProtocolError, InputError) as error:
            return Outcome(reason="unusable", text=str(error))

    def _infer(self, whole: list[tuple[Work, DecodedFrame]]) -> list[Outcome]:
        if not whole:
            return []
        works, frames = zip(*whole, strict=True)
        batch = Batch(model=works[0].model, works=works, decoded=frames)
        return [_outcome(found) for found in self._engine.infer(batch)]


def _outcome(found: Inferred | Exception) -> Outcome:
    if isinstance(found, Inferred):
        return Outcome(inferred=replace(found, frame=None))
    if isinstance(found, FoveateError):
        return Outcome(reason="failed", text=str(found))
    _LOG.error("a frame failed", exc_info=found)
    return Outcome(reason="failed", text=f"internal error: {found}")
