"""Ask the Expert on virtual time: sessions, wire, link and bytes as live; durations come from `SampleTimes`."""

from collections.abc import Callable, Iterable

from foveate.core import InputError, SampleRecord
from foveate.device.sample_events import ClassifySample, EncodeSample, SampleDone, SampleEvent, SendToExperts
from foveate.device.sample_session import SampleSession
from foveate.estimators.sample_costs import SampleCosts
from foveate.evaluation.agenda import Agenda, Cores
from foveate.evaluation.experts.stream import Change, Conditions, Stream
from foveate.server.expert_session import Batch, BatchOutcome, ExpertServerSession
from foveate.server.session import Reply

Call = Callable[[float], None]
CLIENT = b"device"
WARM_UP_S = 1.0
"""Before the first sample the device greets and measures the round trip."""


def simulate_experts(stream: Stream, conditions: Conditions) -> list[SampleRecord]:
    """Records of all samples, in their order. Times count from the first sample."""
    return _Simulation(stream, conditions).run()


class _Simulation:
    def __init__(self, stream: Stream, conditions: Conditions) -> None:
        self._stream, self._times = stream, conditions.times
        self._agenda, self._core = Agenda(), Cores(1)
        self._link = conditions.link.start(0.0)
        self._device = SampleSession(conditions.settings, SampleCosts(conditions.times, conditions.power))
        self._server = ExpertServerSession(stream.generalist.shape[1], batching=conditions.batching)
        self._sizes = {card.name: card.relative_size for card in (*stream.cards, *stream.spare.values())}
        self._free = conditions.times.accelerators
        self._ticks_at = float("inf")
        self._records: list[SampleRecord] = []

    def run(self) -> list[SampleRecord]:
        for card in self._stream.cards:
            self._deliver(self._server.deploy(card), 0.0)
        self._agenda.book(0.0, self._tick)
        for sample in range(len(self._stream.labels)):
            self._agenda.book(WARM_UP_S + self._stream.arrives_at(sample), self._arrival(sample))
        for change in self._stream.changes:
            self._agenda.book(WARM_UP_S + change.at_s, self._change(change))
        while len(self._records) < len(self._stream.labels):
            self._agenda.run_next()
        return sorted(self._records, key=lambda record: record.sample)

    def _arrival(self, sample: int) -> Call:
        label = int(self._stream.labels[sample])
        return lambda now: self._carry_out(self._device.arrived(sample, label, now), now)

    def _carry_out(self, events: Iterable[SampleEvent], now: float) -> None:
        for event in events:
            match event:
                case ClassifySample(sample=sample):
                    took = self._times.generalist_s
                    self._agenda.book(self._core.take(now, took), self._classified(sample, took))
                case EncodeSample(sample=sample):
                    took = self._times.encode_s
                    self._agenda.book(self._core.take(now, took), self._encoded(sample, took))
                case SendToExperts(payload=payload):
                    self._agenda.book(self._link.send(now, len(payload)), self._arrived_there(payload))
                case SampleDone(record=record):
                    self._records.append(record)
        if self._device.next_at < self._ticks_at:
            self._ticks_at = self._device.next_at
            self._agenda.book(max(now, self._ticks_at), self._tick)

    def _tick(self, now: float) -> None:
        if now < min(self._ticks_at, self._device.next_at) and now > 0:
            return
        self._ticks_at = float("inf")
        self._carry_out(self._device.tick(now), now)

    def _classified(self, sample: int, took_s: float) -> Call:
        logits = self._stream.generalist[sample]
        return lambda now: self._carry_out(self._device.classified(sample, logits, now, took_s=took_s), now)

    def _encoded(self, sample: int, took_s: float) -> Call:
        payload = self._stream.payloads[sample]
        return lambda now: self._carry_out(self._device.encoded(sample, payload, now, took_s=took_s), now)

    def _arrived_there(self, payload: bytes) -> Call:
        def arrived(now: float) -> None:
            self._deliver(self._server.receive(CLIENT, payload, now), now)
            self._pump(now)

        return arrived

    def _deliver(self, replies: Iterable[Reply], now: float) -> None:
        for reply in replies:
            self._agenda.book(self._link.reply(now), self._arrived_here(reply.payload))

    def _arrived_here(self, payload: bytes) -> Call:
        return lambda now: self._carry_out(self._device.receive(payload, now), now)

    def _pump(self, now: float) -> None:
        """Batches for accelerators that are free."""
        while self._free and (batch := self._server.next_batch(now)) is not None:
            self._free -= 1
            decode_s = self._times.decode_s * len(batch.pictures)
            inference_s = self._times.batch_duration_s(len(batch.pictures), self._sizes[batch.expert])
            self._agenda.book(now + decode_s + inference_s, self._computed(batch, decode_s, inference_s))
        due_at = self._server.due_at
        if self._free and due_at is not None:
            self._agenda.book(max(due_at, now), self._pump)

    def _computed(self, batch: Batch, decode_s: float, inference_s: float) -> Call:
        rows = self._stream.experts[batch.expert]
        outcome = BatchOutcome(
            logits=tuple(rows[sample] for sample in batch.sample_ids), decode_s=decode_s, inference_s=inference_s
        )

        def computed(now: float) -> None:
            self._free += 1
            self._deliver(self._server.finished(batch, outcome), now)
            self._pump(now)

        return computed

    def _change(self, change: Change) -> Call:
        def happen(now: float) -> None:
            if change.kind == "add":
                cards = {card.name: card for card in self._stream.cards} | self._stream.spare
                if change.expert not in cards:
                    raise InputError(f"no expert {change.expert!r} to add; there are {', '.join(cards)}")
                self._deliver(self._server.deploy(cards[change.expert]), now)
            else:
                self._deliver(self._server.withdraw(change.expert, reason=_REASONS[change.kind]), now)
            self._pump(now)

        return happen


_REASONS = {"remove": "its expert was taken away", "die": "its expert died"}
