"""A server of experts as a state machine without I/O: bytes of devices in, bytes and batches out.

Each expert is a deployment of its own: it may come, go, be replaced or die while others answer. Samples wait by expert;
a free expert takes those that wait, up to `most_in_batch`, once there are as many or the first has waited `wait_s`.
Devices take turns, a sample each: one that floods an expert waits behind its own samples, and others do not.
"""

from collections import Counter
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from foveate.core import ExpertCard, InputError, ProtocolError
from foveate.network.expert_messages import (
    Answer,
    AskRoster,
    FromExperts,
    NoAnswer,
    NotKnown,
    Received,
    Roster,
    Sample,
    decode_from_edge,
    encode_expert_message,
)
from foveate.network.messages import MAX_TEXT, Ping, Pong
from foveate.server.session import Reply

MOST_KNOWN = 1024
"""Devices that need not ask for the roster again; beyond that the one that was silent longest is forgotten."""
MOST_WAITING = 256
"""Samples that wait for one expert; of further ones the newest of the device with most of them gets no answer."""


@dataclass(frozen=True, kw_only=True)
class Batching:
    """How samples are gathered. Raises `InputError` for empty batches or negative waits."""

    most_in_batch: int = 16
    wait_s: float = 0.002
    """How long the first sample of a batch waits for others, seconds."""

    def __post_init__(self) -> None:
        if self.most_in_batch < 1 or not self.wait_s >= 0:
            raise InputError(
                f"a batch holds at least one sample and waits 0 s or more, got {self.most_in_batch} and {self.wait_s:g}"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Waiting:
    client: bytes
    sample: Sample
    since: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Samples for one expert; hand the outcome to `ExpertServerSession.finished` or `failed`."""

    expert: str
    pictures: tuple[bytes, ...]
    """Compressed, as they came."""
    sample_ids: tuple[int, ...]
    """What their devices call them."""
    started_at: float
    _members: tuple[_Waiting, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchOutcome:
    """What an expert made of a batch."""

    logits: tuple[NDArray[np.float32] | None, ...]
    """For each picture `(classes,)`, or None where it could not be decoded."""
    decode_s: float
    """Of the whole batch, seconds."""
    inference_s: float


@dataclass(kw_only=True, eq=False)
class _Deployment:
    card: ExpertCard
    waiting: list[_Waiting] = field(default_factory=list)
    """In the order in which they came."""
    running: Batch | None = None

    def take(self, most: int) -> tuple[_Waiting, ...]:
        """The next batch: the first sample of every device, then the second ones, each in the order of arrival."""
        turns: Counter[bytes] = Counter()
        ranked = []
        for one in self.waiting:
            turns[one.client] += 1
            ranked.append((turns[one.client], one))
        members = tuple(one for _, one in sorted(ranked, key=itemgetter(0))[:most])
        self.waiting = [one for one in self.waiting if one not in members]
        return members

    def crowded_out(self) -> _Waiting:
        """Remove the newest sample of the device with most of them; of equal ones that whose sample came last."""
        counts = Counter(one.client for one in self.waiting)
        place = max(range(len(self.waiting)), key=lambda place: (counts[self.waiting[place].client], place))
        return self.waiting.pop(place)


class ExpertServerSession:
    """Any number of devices and experts. `now` must not run back."""

    def __init__(self, classes: int, *, batching: Batching | None = None) -> None:
        self._classes, self._batching = classes, batching or Batching()
        self._deployments: dict[str, _Deployment] = {}
        self._known: dict[bytes, None] = {}
        self._revision = 0

    @property
    def experts(self) -> tuple[ExpertCard, ...]:
        """Those that answer at present."""
        return tuple(deployment.card for deployment in self._deployments.values())

    def check(self, card: ExpertCard) -> None:
        """Raise `InputError` unless an expert is for classes that there are; from any thread."""
        if card.subset[-1] >= self._classes:
            raise InputError(f"expert {card.name} must be for classes below {self._classes}, got {card.subset[-1]}")

    def deploy(self, card: ExpertCard) -> list[Reply]:
        """A new expert answers from now on, or another one under the name of an old one; devices are told.

        Samples that wait for the old one are answered by the new one. Raises `InputError` for classes out of range.
        """
        self.check(card)
        old = self._deployments.pop(card.name, None)
        self._deployments[card.name] = _Deployment(card=card, waiting=old.waiting if old else [])
        lost = self._refuse(old.running, "its expert was replaced") if old and old.running else []
        return [*lost, *self._announce()]

    def withdraw(self, name: str, *, reason: str = "its expert is gone") -> list[Reply]:
        """An expert was taken away or died; whoever waits for it is told. Raises `InputError` for an unknown one."""
        if name not in self._deployments:
            raise InputError(f"no expert {name!r}; there are {', '.join(self._deployments) or 'none'}")
        gone = self._deployments.pop(name)
        members = [*(gone.running._members if gone.running else ()), *gone.waiting]  # noqa: SLF001
        return [*(_no_answer(w.client, w.sample.sample_id, reason) for w in members), *self._announce()]

    def receive(self, client: bytes, payload: bytes, now: float) -> list[Reply]:
        """A message of a device -> what must be answered at once."""
        try:
            message = decode_from_edge(payload)
        except ProtocolError as error:
            return [_no_answer(client, None, str(error))]
        if not self._knows(client, greeted=isinstance(message, AskRoster)):
            return [_reply(client, NotKnown())]
        match message:
            case AskRoster():
                return [_reply(client, self._roster())]
            case Ping(number=number):
                return [_reply(client, Pong(number=number))]
            case Sample():
                return self._enqueue(client, message, now)

    def next_batch(self, now: float) -> Batch | None:
        """A batch for an expert that is free, the one whose first sample waited longest; None if none is due."""
        free = [d for d in self._deployments.values() if d.running is None and self._due(d, now)]
        if not free:
            return None
        chosen = min(free, key=lambda d: d.waiting[0].since)
        members = chosen.take(self._batching.most_in_batch)
        batch = Batch(
            expert=chosen.card.name,
            pictures=tuple(member.sample.picture for member in members),
            sample_ids=tuple(member.sample.sample_id for member in members),
            started_at=now,
            _members=members,
        )
        chosen.running = batch
        return batch

    @property
    def due_at(self) -> float | None:
        """When a batch that is still gathering is due; None if nothing gathers for a free expert."""
        starts = [d.waiting[0].since for d in self._deployments.values() if d.running is None and d.waiting]
        return min(starts) + self._batching.wait_s if starts else None

    def finished(self, batch: Batch, outcome: BatchOutcome) -> list[Reply]:
        """An expert's outcome -> the answers; none if the expert has gone or was replaced meanwhile."""
        if not self._release(batch):
            return []
        replies = []
        for member, logits in zip(batch._members, outcome.logits, strict=True):  # noqa: SLF001
            if logits is None:
                replies.append(_no_answer(member.client, member.sample.sample_id, "the picture cannot be decoded"))
                continue
            answer = Answer(
                sample_id=member.sample.sample_id,
                logits=logits.astype("<f4").tobytes(),
                queue_s=batch.started_at - member.since,
                decode_s=outcome.decode_s,
                inference_s=outcome.inference_s,
                batch=len(batch.pictures),
            )
            replies.append(_reply(member.client, answer))
        return replies

    def failed(self, batch: Batch, reason: str) -> list[Reply]:
        """The expert could not answer a batch, but lives."""
        return self._refuse(batch, reason) if self._release(batch) else []

    def _release(self, batch: Batch) -> bool:
        """Whether the batch was still wanted; its expert is free again."""
        deployment = self._deployments.get(batch.expert)
        if deployment is None or deployment.running is not batch:
            return False
        deployment.running = None
        return True

    def _refuse(self, batch: Batch, reason: str) -> list[Reply]:
        return [_no_answer(m.client, m.sample.sample_id, reason) for m in batch._members]  # noqa: SLF001

    def _due(self, deployment: _Deployment, now: float) -> bool:
        if not deployment.waiting:
            return False
        full = len(deployment.waiting) >= self._batching.most_in_batch
        return full or now >= deployment.waiting[0].since + self._batching.wait_s

    def _enqueue(self, client: bytes, sample: Sample, now: float) -> list[Reply]:
        received = _reply(client, Received(sample_id=sample.sample_id))
        deployment = self._deployments.get(sample.expert)
        if deployment is None:
            return [received, _no_answer(client, sample.sample_id, f"there is no expert {sample.expert!r}")]
        deployment.waiting.append(_Waiting(client=client, sample=sample, since=now))
        if len(deployment.waiting) <= MOST_WAITING:
            return [received]
        refused = deployment.crowded_out()
        return [received, _no_answer(refused.client, refused.sample.sample_id, "its expert is busy")]

    def _announce(self) -> list[Reply]:
        self._revision += 1
        return [_reply(client, self._roster()) for client in self._known]

    def _roster(self) -> Roster:
        return Roster.of(self.experts, revision=self._revision, classes=self._classes)

    def _knows(self, client: bytes, *, greeted: bool) -> bool:
        """Whether the device has asked for the roster; keeps those that were heard of last."""
        if not greeted and client not in self._known:
            return False
        self._known.pop(client, None)
        self._known[client] = None
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return True


def _reply(client: bytes, message: FromExperts) -> Reply:
    return Reply(client=client, payload=encode_expert_message(message))


def _no_answer(client: bytes, sample_id: int | None, text: str) -> Reply:
    return _reply(client, NoAnswer(sample_id=sample_id, text=text[:MAX_TEXT]))
