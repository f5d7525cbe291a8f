"""A device that owes every frame an answer by a deadline, as a state machine without I/O (docs/hyperion.md).

The device's own model looks at the frame, a policy decides what to send, the cloud answers, both results become one.
Whatever network and cloud do, the device's result is the answer at the deadline. `Debts` keeps what is owed and
until when, `Offloads` what is on its way, `Decisions` when the policy is asked, `Briefing` what it is told.

See `DeviceSession` for the other kind of device, which tracks objects between answers of a server.
"""

from foveate.codec import EncodedFrame, EncodedParts
from foveate.core import ClassProfile, Frame, Look, PairTimes, ProtocolError, VersionError
from foveate.device.answers import Answers
from foveate.device.backoff import Backoff
from foveate.device.briefing import Briefing
from foveate.device.connection import Connection
from foveate.device.debts import Debts
from foveate.device.decisions import Decisions
from foveate.device.events import Connected, DeviceEvent, OffloadDone, Redial
from foveate.device.expectations import Expectations
from foveate.device.flight import Flight
from foveate.device.offloads import Offloads
from foveate.device.owed import Answered, AnswerRules
from foveate.device.reluctance import Reluctance
from foveate.device.uplink import Uplink
from foveate.network.messages import Ack, Failure, Pong, Probed, Result, Stranger, Welcome, decode_from_server
from foveate.policies.answering import AnswerPolicy


class AnsweringSession:
    """One frame at a time, or pipelined; at most one offload on the uplink. A shell carries out the events in order.

    `times`: what work is expected to take before any was seen. `profile`: what classes cost; without one a policy that
    compares costs sends nothing. `model`: what the server is asked to run, empty for its own choice.
    """

    def __init__(
        self,
        *,
        policy: AnswerPolicy,
        frame_interval_s: float,
        rules: AnswerRules,
        times: PairTimes,
        profile: ClassProfile | None = None,
        model: str = "",
        backoff: Backoff | None = None,
    ) -> None:
        backoff = Backoff() if backoff is None else backoff
        self._connection = connection = Connection(model, backoff)
        self._uplink = uplink = Uplink(probe_bytes=rules.probe_bytes)
        self._answers = answers = Answers(frame_interval_s=frame_interval_s, fusion=policy.fusion)
        expected = Expectations(times, profile, policy.cost_model)
        self._debts = Debts(
            rules,
            looks_first=policy.looks_first,
            looks=rules.looks(policy),
            answers=answers,
            expected=expected,
            connection=connection,
        )
        self._offloads = Offloads(
            rules,
            probes=policy.schedules,
            expected=expected,
            connection=connection,
            uplink=uplink,
            reluctance=Reluctance(backoff.apart()),
        )
        briefing = Briefing(
            policy, rules, frame_interval_s, answers=answers, expected=expected, connection=connection, uplink=uplink
        )
        self._decisions = Decisions(
            policy, rules, briefing=briefing, debts=self._debts, offloads=self._offloads, connection=connection
        )
        self._newest: Frame | None = None
        self._ended = False

    @property
    def finished(self) -> bool:
        """True once `end` was called, and nothing is owed, displayed or on its way any more."""
        return self._ended and not self._debts and not self._offloads and self._answers.due_at is None

    @property
    def probe_bytes(self) -> int:
        """Sum of all probes so far."""
        return self._uplink.probe_bytes

    @property
    def wake_at(self) -> float | None:
        """When `advance` must be called next, unless something else happens first; None = nothing is due."""
        connection_at = self._connection.wake_at(idle=self._offloads.idle, waiting=bool(self._offloads))
        times = (self._answers.due_at, connection_at, self._offloads.wake_at, self._debts.wake_at)
        return min((time for time in times if time is not None), default=None)

    def awaits(self, offload_id: int, at: float) -> bool:
        """Whether a result of an offload that arrives at that time could become part of an answer."""
        owed = self._debts.get(offload_id)
        return owed is not None and not owed.missed(at)

    def start(self, now: float) -> list[DeviceEvent]:
        """Greet the server. Frames may be captured before it answers: the device's own model answers them."""
        return [self._connection.greet(now)]

    def capture(self, frame: Frame, now: float) -> list[DeviceEvent]:
        """The camera delivered a frame; it becomes the newest."""
        events = self._pass_time(now)
        self._answers.capture(frame)
        self._newest = frame
        return [*events, *self._go_on(now)]

    def looked(self, number: int, look: Look, now: float) -> list[DeviceEvent]:
        """A `LookWork` is done."""
        self._debts.looked(number, look, now)
        return self.advance(now)

    def decide(self, now: float) -> list[DeviceEvent]:
        """A `DecideWork` is done: ask the policy, unless the frame was answered meanwhile."""
        return [*self._pass_time(now), *self._decisions.decide(now), *self._go_on(now)]

    def encoded(self, offload_id: int, encoded: EncodedFrame | EncodedParts, now: float) -> list[DeviceEvent]:
        """The codec finished an `EncodeWork`; its bytes leave now, unless the frame was answered meanwhile."""
        events = self._pass_time(now)
        flight = self._offloads.get(offload_id)
        if flight is not None:
            events += self._send(flight, encoded, now)
        return [*events, *self._go_on(now)]

    def receive(self, payload: bytes, now: float) -> list[DeviceEvent]:
        """A message arrived. Raises `ProtocolError` on a bad one, or a refusal, before the server's first `Welcome`.

        Later a bad message changes nothing but the offload that it names, if any, which fails: the device answers.
        """
        self._connection.contact.heard(now)
        events = self._pass_time(now)
        try:
            events += self._handle(payload, now)
        except VersionError as error:
            events += [*self._connection.refused(error, now), *self._lose_all(str(error), now)]
        except ProtocolError:
            if self._connection.welcome is None:
                raise
        return [*events, *self._go_on(now)]

    def disconnected(self, reason: str, now: float, *, refused: bool = False) -> list[DeviceEvent]:
        """The transport says that the connection ended; `refused`: before any message could pass."""
        events = self._pass_time(now)
        events += self._connection.ended(reason, now, refused=refused)
        return [*events, *self._lose_all(reason, now), *self._go_on(now)]

    def advance(self, now: float) -> list[DeviceEvent]:
        """Time passed: display, answer what is due, look for the server."""
        return [*self._pass_time(now), *self._go_on(now)]

    def end(self) -> None:
        """The camera ended: no further frame is taken."""
        self._ended = True

    def abandon(self, now: float) -> list[DeviceEvent]:
        """The user ended the run: nothing that is on its way is awaited."""
        self.end()
        events = self._pass_time(now)
        events += self._done(self._offloads.give_up_all("the run was ended", now), now)
        return [*events, *self._alone(self._debts.abandon(now))]

    def _pass_time(self, now: float) -> list[DeviceEvent]:
        """Whatever is due by now, before anything else happens."""
        events: list[DeviceEvent] = [*self._answers.display(now)]
        events += self._done(self._offloads.give_up_overdue(now), now)
        events += self._alone(self._debts.give_up(now))
        asked = self._connection.advance(now, idle=self._offloads.idle, waiting=bool(self._offloads))
        if any(isinstance(event, Redial) for event in asked):
            self._uplink.forget_probe()
        return [*events, *asked]

    def _go_on(self, now: float) -> list[DeviceEvent]:
        """Whatever can be done now, in the order of the stations of a frame; one that is answered lets in another."""
        events: list[DeviceEvent] = self._answer(now)
        for step in 2 * (self._decisions.consider, self._answer, self._take, self._look):
            events += step(now)
        return [*events, *self._probe(now)]

    def _answer(self, now: float) -> list[DeviceEvent]:
        """Answer what is left to the device."""
        return [*self._alone(self._debts.answer(now))]

    def _alone(self, answers: list[Answered]) -> list[Answered]:
        """Answers without the cloud; a device's own says that nothing was sent that would measure the uplink."""
        if any(answer.made_of == "device" for answer in answers):
            self._offloads.want_probe()
        return answers

    def _take(self, now: float) -> list[DeviceEvent]:
        """Begin with the newest frame, if the device is free for it."""
        frame = self._newest
        if self._ended or frame is None or not self._debts.room:
            return []
        self._debts.take(frame, self._decisions.look_plan(frame, now), now)
        self._newest = None
        return []

    def _look(self, _now: float) -> list[DeviceEvent]:
        """Hand the next frame to the device's model, one at a time."""
        work = self._debts.next_look()
        return [] if work is None else [work]

    def _probe(self, now: float) -> list[DeviceEvent]:
        """Measure an idle uplink that nothing else will measure."""
        return [] if self._decisions.pending else [*self._offloads.probe(now)]

    def _send(self, flight: Flight, encoded: EncodedFrame | EncodedParts, now: float) -> list[DeviceEvent]:
        owed = self._debts.get(flight.offload_id)
        self._offloads.encoded(flight, encoded.size_bytes, None if owed is None else owed.decided_by, now)
        if owed is None or owed.alone or not self._connection.there:
            return self._done([self._offloads.give_up(flight, "answered before it was sent", now)], now)
        try:
            return [self._offloads.send(flight, encoded, due_at=owed.due_at, now=now)]
        except ProtocolError as error:
            return self._done([self._offloads.give_up(flight, str(error), now)], now)

    def _handle(self, payload: bytes, now: float) -> list[DeviceEvent]:
        match decode_from_server(payload):
            case Welcome() as welcome if self._connection.welcomed(welcome):
                self._answers.class_names = tuple(welcome.class_names)
                self._offloads.welcomed()
                return [Connected(welcome=welcome)]
            case Pong(number=number):
                self._connection.contact.round_trip.pong(number, now)
                return self._done(self._offloads.overtaken(number, now), now)
            case Probed(number=number):
                self._uplink.probed(number, now, rtt_s=self._connection.rtt_s)
            case Stranger():
                return self._forgotten(now)
            case Failure(offload_id=None, text=text):
                return self._refused(text, now)
            case Ack() | Result() | Failure() as told:
                return self._done(self._offloads.told(told, now), now)
        return []

    def _done(self, offloads: list[OffloadDone], now: float) -> list[DeviceEvent]:
        """Offloads ended; each may settle the frame that it was made for, or leaves it to the device."""
        events: list[DeviceEvent] = []
        for done in offloads:
            events += [done, *self._debts.offload_ended(done.record.offload_id, done.result, now)]
        return events

    def _forgotten(self, now: float) -> list[DeviceEvent]:
        """The server does not know this device: what was on its way to it is lost."""
        reason = "the server has forgotten this device"
        events = self._connection.forgotten(now, reason)
        return [*events, *self._lose_all(reason, now)] if events else []

    def _refused(self, text: str, now: float) -> list[DeviceEvent]:
        """Something that names no offload was refused: the greeting, or what was no message."""
        if self._connection.there:
            return []
        return self._connection.greeting_refused(text, now)

    def _lose_all(self, reason: str, now: float) -> list[DeviceEvent]:
        """What was on its way is lost."""
        self._uplink.forget_probe()
        return self._done(self._offloads.give_up_all(reason, now), now)
