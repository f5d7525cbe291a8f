"""The device of Ask the Expert as a state machine without I/O: samples and bytes in, work, bytes and answers out.

Every sample gets an answer. One that an expert does not answer in time, or not at all, is answered by the generalist,
and its record says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.core import (
    Answerer,
    Cost,
    ExpertCard,
    InputError,
    ProtocolError,
    Route,
    RoutingState,
    SampleRecord,
    ThresholdCurve,
)
from foveate.device.contact import PERIOD_S, RETRY_S
from foveate.device.round_trip import RoundTrip
from foveate.device.sample_events import (
    ClassifySample,
    EncodeSample,
    RosterChanged,
    SampleDone,
    SampleEvent,
    SendToExperts,
)
from foveate.estimators.combination import Combination
from foveate.estimators.confidence import softmax
from foveate.estimators.sample_costs import SampleCosts
from foveate.network.expert_messages import (
    Answer,
    AskRoster,
    NoAnswer,
    NotKnown,
    Received,
    Roster,
    Sample,
    decode_from_experts,
    encode_expert_message,
)
from foveate.network.messages import Pong
from foveate.policies import Router

TIMEOUT_S = 1.0
"""So long after it was sent a sample without an answer is answered by the generalist."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceSettings:
    """What a device decides and combines with."""

    router: Router
    temperature: float
    """Of the generalist, for its confidence."""
    combination: Combination = field(default_factory=Combination)
    curve: ThresholdCurve | None = None
    """What thresholds bring, on held-out pictures; routers that follow a budget need it."""
    timeout_s: float = TIMEOUT_S
    seed: int = 0
    """For routers that draw."""

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and self.timeout_s > 0):
            raise InputError(
                f"temperature and timeout_s must be positive, got {self.temperature:g} and {self.timeout_s:g}"
            )


@dataclass(kw_only=True, eq=False)
class _Pending:
    """One sample on its way to an answer."""

    label: int
    arrived_at: float
    logits: NDArray[np.float32] | None = None
    generalist_s: float = 0.0
    wait_s: float = 0.0
    route: Route = field(default_factory=lambda: Route(expert=None))
    encode_s: float = 0.0
    sent_at: float | None = None
    received_at: float | None = None
    payload_bytes: int = 0
    given_up: str = ""
    """Why the expert's answer did not come."""


class SampleSession:
    """Classifies a stream of samples with a generalist here and experts there. `now` must not run back."""

    def __init__(self, settings: DeviceSettings, costs: SampleCosts) -> None:
        self._settings, self._costs = settings, costs
        self._pending: dict[int, _Pending] = {}
        self._experts: dict[str, ExpertCard] = {}
        self._classes, self._greeted = 0, False
        self._round_trip, self._asked_at = RoundTrip(), float("-inf")

    @property
    def experts(self) -> tuple[ExpertCard, ...]:
        """Those that answer, as far as the device knows."""
        return tuple(self._experts.values())

    @property
    def unfinished(self) -> int:
        """Samples without an answer."""
        return len(self._pending)

    def arrived(self, sample: int, label: int, now: float) -> Sequence[SampleEvent]:
        """A new sample; `label` goes into its record, and to oracles."""
        self._pending[sample] = _Pending(label=label, arrived_at=now)
        if self._settings.router.asks_generalist:
            return [ClassifySample(sample=sample)]
        return self._carry_out(sample, self._settings.router.decide(self._state(sample, _uniform(self._classes))), now)

    def classified(
        self, sample: int, logits: NDArray[np.float32], now: float, *, took_s: float
    ) -> Sequence[SampleEvent]:
        """The generalist has answered `(classes,)`; it took `took_s`, the rest was waiting."""
        pending = self._pending[sample]
        pending.logits, pending.generalist_s = logits, took_s
        if pending.given_up:
            return self._done(sample, now, "fallback", int(logits.argmax()))
        pending.wait_s = max(now - pending.arrived_at - took_s, 0.0)
        probabilities = softmax(logits, self._settings.temperature)
        return self._carry_out(sample, self._settings.router.decide(self._state(sample, probabilities)), now)

    def encoded(self, sample: int, payload: bytes, now: float, *, took_s: float) -> Sequence[SampleEvent]:
        """A sample was compressed: it is sent."""
        pending = self._pending[sample]
        expert = pending.route.expert
        assert expert is not None
        if expert not in self._experts:
            return self._fall_back(sample, "its expert is gone", now)
        pending.encode_s, pending.sent_at, pending.payload_bytes = took_s, now, len(payload)
        message = Sample(sample_id=sample, expert=expert, picture=payload)
        return [SendToExperts(payload=encode_expert_message(message))]

    def receive(self, payload: bytes, now: float) -> Sequence[SampleEvent]:
        """A message of the server. Raises `ProtocolError` on a bad one before the server's first `Roster`.

        Later a bad message changes nothing: the generalist answers for those who wait.
        """
        try:
            return self._handle(payload, now)
        except ProtocolError:
            if not self._classes:
                raise
            return []

    def _handle(self, payload: bytes, now: float) -> Sequence[SampleEvent]:
        match decode_from_experts(payload):
            case Roster() as roster:
                return self._learn(roster, now)
            case Received(sample_id=sample) if self._is_away(sample):
                self._pending[sample].received_at = now
            case Answer() as answer if self._is_away(answer.sample_id):
                return self._answered(answer, now)
            case NoAnswer(sample_id=int(sample), text=text) if self._is_away(sample):
                return self._fall_back(sample, text, now)
            case NotKnown():
                return self._greet(now)
            case Pong(number=number):
                self._round_trip.pong(number, now)
                self._costs.rtt_s = self._round_trip.seconds
        return []

    def _is_away(self, sample: int) -> bool:
        """Whether the server can have anything to say about a sample: it was sent, and has no answer yet."""
        return sample in self._pending and self._pending[sample].sent_at is not None

    def tick(self, now: float) -> Sequence[SampleEvent]:
        """Time has passed: greetings, heartbeats, and samples that waited too long."""
        events: list[SampleEvent] = []
        for sample in [s for s, p in self._pending.items() if self._expires_at(p) <= now]:
            events += self._fall_back(sample, "timeout", now)
        if not self._greeted:
            if now >= self._asked_at + RETRY_S:
                events += self._greet(now)
        elif now >= self._ask_at():
            self._asked_at = now
            events.append(SendToExperts(payload=encode_expert_message(self._round_trip.ping(now, counts=self._idle))))
        return events

    @property
    def next_at(self) -> float:
        """When `tick` has something to do at the latest."""
        return min([self._ask_at(), *(self._expires_at(pending) for pending in self._pending.values())])

    def _ask_at(self) -> float:
        return self._asked_at + (PERIOD_S if self._greeted and self._round_trip.answered else RETRY_S)

    @property
    def _idle(self) -> bool:
        """Whether no sample is on the uplink, so that a heartbeat measures the round trip."""
        return all(p.sent_at is None or p.received_at is not None for p in self._pending.values())

    def _expires_at(self, pending: _Pending) -> float:
        return (
            float("inf") if pending.sent_at is None or pending.given_up else pending.sent_at + self._settings.timeout_s
        )

    def _greet(self, now: float) -> Sequence[SampleEvent]:
        self._greeted, self._asked_at = False, now
        return [SendToExperts(payload=encode_expert_message(AskRoster()))]

    def _learn(self, roster: Roster, now: float) -> Sequence[SampleEvent]:
        """Other experts: those who wait for one that is gone are answered at once."""
        cards, first = roster.cards(), not self._greeted
        self._greeted, self._classes = True, roster.classes
        self._experts = {card.name: card for card in cards}
        if first:
            self._round_trip.forget()
            self._asked_at = float("-inf")
        events: list[SampleEvent] = [RosterChanged(experts=self.experts)]
        for sample, pending in list(self._pending.items()):
            gone = pending.route.expert is not None and pending.route.expert not in self._experts
            if gone and pending.sent_at is not None and not pending.given_up:
                events += self._fall_back(sample, "its expert is gone", now)
        return events

    def _state(self, sample: int, probabilities: NDArray[np.float64]) -> RoutingState:
        cost: Callable[[str | None], Cost] | None = self._costs.cost if self._costs.known else None
        return RoutingState(
            probabilities=probabilities,
            experts=self.experts,
            sample=sample,
            seed=self._settings.seed,
            cost=cost,
            curve=self._settings.curve,
            label=self._pending[sample].label,
        )

    def _carry_out(self, sample: int, route: Route, now: float) -> Sequence[SampleEvent]:
        pending = self._pending[sample]
        pending.route = route
        if route.expert is not None:
            return [EncodeSample(sample=sample)]
        if pending.logits is None:
            return self._fall_back(sample, route.reason, now)
        return self._done(sample, now, "generalist", int(pending.logits.argmax()))

    def _answered(self, answer: Answer, now: float) -> Sequence[SampleEvent]:
        pending = self._pending[answer.sample_id]
        card = self._experts.get(pending.route.expert or "")
        if pending.given_up or card is None:
            return []
        try:
            expert = answer.scores(self._classes)
        except ProtocolError as error:
            return self._fall_back(answer.sample_id, str(error), now)
        own = expert if pending.logits is None else pending.logits
        if len(own) != len(expert):
            why = f"experts answer over {len(expert)} classes, the generalist over {len(own)}"
            return self._fall_back(answer.sample_id, why, now)
        chosen = int(self._settings.combination.answers(own[None], expert[None], card.subset)[0])
        return self._done(answer.sample_id, now, "expert", chosen, answer)

    def _fall_back(self, sample: int, why: str, now: float) -> Sequence[SampleEvent]:
        """The generalist answers; if it has not seen the sample yet, it does so first."""
        pending = self._pending[sample]
        if pending.given_up:
            return []
        pending.given_up = why
        if pending.sent_at is not None and pending.received_at is None:
            self._round_trip.blocked()
        if pending.logits is None:
            return [ClassifySample(sample=sample)]
        return self._done(sample, now, "fallback", int(pending.logits.argmax()))

    def _done(
        self, sample: int, now: float, answerer: Answerer, chosen: int, answer: Answer | None = None
    ) -> Sequence[SampleEvent]:
        pending = self._pending.pop(sample)
        stages = self._stages(pending, now, answer)
        record = self._record(sample, pending, now, answerer=answerer, chosen=chosen, stages=stages)
        self._costs.observe(record)
        return [SampleDone(record=record)]

    def _record(
        self,
        sample: int,
        pending: _Pending,
        now: float,
        *,
        answerer: Answerer,
        chosen: int,
        stages: dict[str, Any],
    ) -> SampleRecord:
        logits = pending.logits
        own = chosen if logits is None else int(logits.argmax())
        confidence = 0.0 if logits is None else float(softmax(logits, self._settings.temperature).max())
        return SampleRecord(
            sample=sample,
            label=pending.label,
            generalist_class=own,
            confidence=confidence,
            answer=chosen,
            answerer=answerer,
            expert=pending.route.expert,
            reason=pending.given_up or pending.route.reason,
            arrived_at=pending.arrived_at,
            finished_at=now,
            wait_s=pending.wait_s,
            generalist_s=pending.generalist_s,
            encode_s=pending.encode_s,
            payload_bytes=pending.payload_bytes,
            **stages,
        )

    def _stages(self, pending: _Pending, now: float, answer: Answer | None) -> dict[str, Any]:
        """What happened after sending; the stages add up to it, whatever a server claims."""
        if pending.sent_at is None or answer is None:
            return {}
        left = now - pending.sent_at
        spans: dict[str, Any] = {}
        for name in ("queue_s", "decode_s", "inference_s"):
            spans[name] = min(getattr(answer, name), left)
            left -= spans[name]
        received_at = pending.received_at if pending.received_at is not None else now
        half = (self._round_trip.seconds or 0.0) / 2
        spans["uplink_s"] = min(max(received_at - pending.sent_at - half, 0.0), left)
        spans["downlink_s"] = left - spans["uplink_s"]
        return spans | {"batch": answer.batch}


def _uniform(classes: int) -> NDArray[np.float64]:
    return np.full(max(classes, 1), 1 / max(classes, 1))
