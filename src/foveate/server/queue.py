"""Offloads that wait: one of each client, in the order of turns, decoded ahead and cut into batches of a token budget.

A batch takes what is decoded when the engine is free, and waits for nothing else; what comes meanwhile is the next one.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Generic

from foveate.core import InputError
from foveate.server.turns import Turns
from foveate.server.work import Batch, Decoded, Work

BUDGET_TOKENS = 2048
"""Most tokens of a batch where nobody says otherwise: on a CPU more brings nothing (docs/serving.md)."""
ACCELERATOR_BUDGET_TOKENS = 32768
"""The same on an accelerator, four frames of 1080p. Reasoned, not measured."""


@dataclass(kw_only=True, eq=False)
class _Waiting(Generic[Decoded]):
    work: Work
    tag: int
    """Of its client's turn."""
    number: int
    """Of its arrival, which decides between equal tags."""
    since: float
    deadline_at: float
    """When its device gives up."""
    decoding: bool = False
    """Whether its decoding has begun."""
    decode_s: float | None = None
    """How long that took; None = it is not done."""
    decoded: Decoded | None = None


class OffloadQueue(Generic[Decoded]):
    """`budget_tokens`: most tokens of a batch; a frame that has more goes alone. `now` must not run back."""

    def __init__(self, budget_tokens: int = BUDGET_TOKENS) -> None:
        if budget_tokens < 1:
            raise InputError(f"the token budget of a batch must be at least 1, got {budget_tokens}")
        self._budget = budget_tokens
        self._turns = Turns()
        self._waiting: dict[bytes, _Waiting[Decoded]] = {}
        self._count = 0
        self._at_work = 0
        self._took_s: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, client: bytes) -> bool:
        return client in self._waiting

    def put(self, work: Work, now: float) -> Work | None:
        """A frame arrived. Returns the older one of its client that it replaces, if any.

        It takes over its place, unless the older one was decoded already: that work was for its client as well.
        """
        if not self._waiting and not self._at_work:
            self._turns.rest()
        old = self._waiting.get(work.client)
        if old is not None:
            self._drop(old)
        self._count += 1
        place = old if old is not None and not old.decoding else None
        self._waiting[work.client] = _Waiting(
            work=work,
            tag=self._turns.tag(work.client) if place is None else place.tag,
            number=self._count if place is None else place.number,
            since=now,
            deadline_at=now + work.offload.patience_s,
        )
        return None if old is None else old.work

    def drop_stale(self, now: float) -> list[Work]:
        """Take out the frames that could not be answered in time."""
        stale = [waiting for waiting in self._waiting.values() if self._is_stale(waiting, now)]
        for waiting in stale:
            self._drop(waiting)
        return [waiting.work for waiting in stale]

    def forget(self, client: bytes) -> None:
        """A client is gone, and its frame with it."""
        self._waiting.pop(client, None)
        self._turns.forget(client)

    def next_decode(self, now: float) -> Work | None:
        """A frame to decode now: of those that could be in the next batch of their model, the first. Tell `decoded`."""
        ahead: Counter[str] = Counter()
        for waiting in self._in_turn(now):
            work = waiting.work
            fits = ahead[work.model] == 0 or ahead[work.model] + work.tokens <= self._budget
            if fits and not waiting.decoding:
                waiting.decoding = True
                return work
            ahead[work.model] += work.tokens
        return None

    def decoded(self, work: Work, decoded: Decoded, decode_s: float) -> None:
        """A frame was decoded in this time; nothing happens if it was replaced or dropped meanwhile."""
        waiting = self._waiting.get(work.client)
        if waiting is not None and waiting.work is work:
            waiting.decode_s, waiting.decoded = decode_s, decoded

    def remove(self, work: Work) -> bool:
        """Take out a frame that could not be decoded; whether it still waited."""
        waiting = self._waiting.get(work.client)
        if waiting is None or waiting.work is not work:
            return False
        self._drop(waiting)
        return True

    def _drop(self, waiting: _Waiting[Decoded]) -> None:
        """Take a frame out without a result. It costs its client the turn if work was done for it.

        Or one that sends frames faster than they are decoded, or with next to no patience, would keep the decoder.
        """
        client = waiting.work.client
        del self._waiting[client]
        if waiting.decoding:
            self._turns.charge(client, waiting.tag, waiting.work.tokens)

    def next_batch(self, now: float) -> Batch[Decoded] | None:
        """What a free engine starts now: the decoded frame whose turn it is, and what fits beside it of its model."""
        chosen = self._choose(now)
        if not chosen:
            return None
        self._turns.begin(chosen[0].tag)
        for waiting in chosen:
            del self._waiting[waiting.work.client]
            self._turns.charge(waiting.work.client, waiting.tag, waiting.work.tokens)
        self._at_work += len(chosen)
        return Batch(
            model=chosen[0].work.model,
            works=tuple(replace(waiting.work, queue_s=_queued(waiting, now)) for waiting in chosen),
            decoded=tuple(waiting.decoded for waiting in chosen),  # type: ignore[misc]  # those that are decoded
        )

    def done(self, work: Work, inference_s: float | None) -> None:
        """The engine is done with a frame of a batch, in this time if it could run it."""
        self._at_work -= 1
        if inference_s is not None:
            self._took_s[work.model] = inference_s

    def _choose(self, now: float) -> list[_Waiting[Decoded]]:
        """In the order of turns: the first decoded frame, and those of its model until one does not fit.

        Frames of other models, and those that are not decoded, are passed over, but by nobody who has a lead of more
        than a whole batch.
        """
        chosen: list[_Waiting[Decoded]] = []
        room, latest = self._budget, math.inf
        for waiting in self._in_turn(now):
            if waiting.decode_s is None or (chosen and waiting.work.model != chosen[0].work.model):
                latest = min(latest, (chosen[0] if chosen else waiting).tag + self._budget)
            elif chosen and (waiting.work.tokens > room or waiting.tag > latest):
                break
            else:
                chosen.append(waiting)
                room -= waiting.work.tokens
        return chosen

    def _in_turn(self, now: float) -> Iterator[_Waiting[Decoded]]:
        current = (waiting for waiting in self._waiting.values() if not self._is_stale(waiting, now))
        return iter(sorted(current, key=lambda waiting: (waiting.tag, waiting.number)))

    def _is_stale(self, waiting: _Waiting[Decoded], now: float) -> bool:
        """Whether its answer would come too late if its batch took as long as the last one of its model.

        A frame whose device has not yet waited for half of its patience is current, however long batches take.
        """
        needed_s = self._took_s.get(waiting.work.model, 0.0)
        return now + min(needed_s, waiting.work.offload.patience_s / 2) >= waiting.deadline_at


def _queued(waiting: _Waiting[Decoded], now: float) -> float:
    """Time since it came, decoding apart."""
    assert waiting.decode_s is not None
    return max(now - waiting.since - waiting.decode_s, 0.0)
