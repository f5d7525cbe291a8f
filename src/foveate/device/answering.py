"""A device that owes every frame an answer by a deadline, as a state machine without I/O (docs/hyperion.md).

The device's own model looks at the frame, a policy decides what to send, the cloud answers, both results become one.
Whatever network and cloud do, the device's result is the answer at the deadline. See `DeviceSession` for the other kind
of device, which tracks objects between answers of a server.
"""

from functools import partial

from foveate.codec import EncodedFrame, EncodedParts
from foveate.core import (
    ClassProfile,
    Frame,
    Look,
    PairTimes,
    ProtocolError,
    RegionGrid,
    VersionError,
)
from foveate.device.answers import INSTANT_S, Answers
from foveate.device.backoff import Backoff
from foveate.device.connection import Connection
from foveate.device.events import Connected, DecideWork, DeviceEvent, EncodeWork, LookWork, OffloadDone, Redial, Send
from foveate.device.expectations import Expectations
from foveate.device.flight import Flight
from foveate.device.owed import Answered, AnswerRules, Owed
from foveate.device.parcels import offload_message
from foveate.device.reluctance import Reluctance
from foveate.device.uplink import Uplink
from foveate.estimators import refine_classes
from foveate.network.messages import (
    Ack,
    Failure,
    Pong,
    Probed,
    Result,
    Stranger,
    Welcome,
    decode_from_server,
    encode,
)
from foveate.policies.answering import AnswerPolicy, FrameState

MOST_OWED = 3
"""Frames that a pipelined device works on at once."""


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
        self._policy, self._interval_s, self._rules = policy, frame_interval_s, rules
        self._expected = Expectations(times, profile, policy.cost_model)
        backoff = Backoff() if backoff is None else backoff
        self._connection = Connection(model, backoff)
        self._reluctance = Reluctance(backoff.apart())
        self._answers = Answers(frame_interval_s=frame_interval_s, fusion=policy.fusion)
        self._uplink = Uplink(probe_bytes=rules.probe_bytes)
        self._newest: Frame | None = None
        self._last_taken: Frame | None = None
        self._owed: list[Owed] = []
        self._looking: int | None = None
        self._deciding: Owed | None = None
        self._flights: dict[int, Flight] = {}
        self._probe_wanted = policy.offloads and policy.looks_first
        self._taken = self._offloads = 0
        self._ended = False

    @property
    def finished(self) -> bool:
        """True once `end` was called, and nothing is owed, displayed or on its way any more."""
        return self._ended and not self._owed and not self._flights and self._answers.due_at is None

    @property
    def probe_bytes(self) -> int:
        """Sum of all probes so far."""
        return self._uplink.probe_bytes

    @property
    def wake_at(self) -> float | None:
        """When `advance` must be called next, unless something else happens first; None = nothing is due."""
        times = [self._answers.due_at, self._connection.wake_at(idle=self._idle, waiting=bool(self._flights))]
        times.append(self._reluctance.until)
        times += [flight.started_at + self._rules.offload_timeout_s for flight in self._flights.values()]
        times += [self._gives_up_at(owed) for owed in self._owed]
        return min((time for time in times if time is not None), default=None)

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
        self._looking = None
        owed = self._find(number)
        if owed is not None:
            owed.look, owed.looked_at = look, now
        return self.advance(now)

    def decide(self, now: float) -> list[DeviceEvent]:
        """A `DecideWork` is done: ask the policy."""
        events = self._pass_time(now)
        owed, self._deciding = self._deciding, None
        if owed is not None and owed in self._owed and not owed.alone:
            events += self._decided(owed, now)
        return [*events, *self._go_on(now)]

    def encoded(self, offload_id: int, encoded: EncodedFrame | EncodedParts, now: float) -> list[DeviceEvent]:
        """The codec finished an `EncodeWork`; its bytes leave now, unless the frame was answered meanwhile."""
        events = self._pass_time(now)
        flight = self._flights.get(offload_id)
        if flight is None:
            return [*events, *self._go_on(now)]
        grid, owed = self._grid(flight.frame), self._find(offload_id)
        self._expected.encoded(
            flight.plan,
            grid,
            took_s=now - flight.started_at,
            size_bytes=encoded.size_bytes,
            look=None if owed is None else owed.look,
        )
        if owed is None or owed.alone or not self._connection.there:
            return [*events, *self._give_up(offload_id, "answered before it was sent", now), *self._go_on(now)]
        flight.sent_at, flight.payload_bytes = now, encoded.size_bytes
        flight.pings_before = self._connection.contact.round_trip.number
        waits_until = owed.due_at if self._rules.late == "device" else flight.started_at + self._rules.offload_timeout_s
        message = offload_message(
            flight,
            encoded,
            grid=grid,
            score_threshold=self._rules.score_threshold,
            patience_s=max(waits_until - now, 0.0),
        )
        return [*events, Send(payload=encode(message), offload_id=offload_id), *self._go_on(now)]

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
        for number in list(self._flights):
            events += self._give_up(number, "the run was ended", now)
        for owed in list(self._owed):
            owed.alone = True
            events += self._answer_alone(owed, now)
        return events

    def _pass_time(self, now: float) -> list[DeviceEvent]:
        events: list[DeviceEvent] = [*self._answers.display(now)]
        self._reluctance.over(now)
        for number, flight in list(self._flights.items()):
            if flight.started_at + self._rules.offload_timeout_s <= now:
                events += self._give_up(number, f"no result within {self._rules.offload_timeout_s:g} s", now)
        for owed in list(self._owed):
            given_up_at = self._gives_up_at(owed)
            if given_up_at is not None and given_up_at <= now:
                owed.alone = True
                # At the very deadline what arrives is still in time; after it, it is not.
                events += self._answer_alone(owed, now) if owed.due_at + INSTANT_S < now else []
        asked = self._connection.advance(now, idle=self._idle, waiting=bool(self._flights))
        if any(isinstance(event, Redial) for event in asked):
            self._uplink.forget_probe()
        return [*events, *asked]

    def _go_on(self, now: float) -> list[DeviceEvent]:
        """Whatever can be done now, in the order of the stations of a frame."""
        events: list[DeviceEvent] = []
        for owed in list(self._owed):
            events += self._answer_alone(owed, now)
        for step in (self._consider, self._take, self._look, self._consider, self._probe):
            events += step(now)
        return events

    @property
    def _wants_looks(self) -> bool:
        """Whether the device's model looks at every frame: to decide, or to have an answer at the deadline."""
        return self._policy.looks_first or self._rules.late == "device"

    @property
    def _uplink_busy(self) -> bool:
        return any(flight.acked_at is None for flight in self._flights.values())

    @property
    def _idle(self) -> bool:
        """Whether a heartbeat would find the uplink empty."""
        return not self._uplink.probing and not any(flight.uplink_busy for flight in self._flights.values())

    def _find(self, number: int) -> Owed | None:
        return next((owed for owed in self._owed if owed.number == number), None)

    def _grid(self, frame: Frame) -> RegionGrid:
        welcome, (height, width) = self._connection.welcome, frame.size
        return RegionGrid(height=height, width=width) if welcome is None else welcome.grid(height, width)

    def _gives_up_at(self, owed: Owed) -> float | None:
        """When the device has to answer alone; None if that is settled, or if the cloud is waited for."""
        if owed.alone or (self._rules.late == "kept" and owed.flight is not None):
            return None
        if owed.look is not None and self._policy.looks_first and not owed.decided:
            # Waiting for the uplink any longer cannot succeed.
            return owed.due_at - self._expected.least_s(self._grid(owed.frame), rtt_s=self._connection.rtt_s)
        return owed.due_at - (self._rules.guard_s if self._rules.late == "device" else 0.0)

    def _take(self, now: float) -> list[DeviceEvent]:
        """Begin with the newest frame, if the device is free for it."""
        frame = self._newest
        if self._ended or frame is None or frame is self._last_taken or not self._free:
            return []
        owed = Owed(
            number=self._taken,
            frame=frame,
            taken_at=now,
            due_at=frame.captured_at + self._rules.deadline_s,
            look_plan=self._policy.look(self._state(frame)),
        )
        self._last_taken, self._taken = frame, self._taken + 1
        self._owed.append(owed)
        return []

    @property
    def _free(self) -> bool:
        if not self._wants_looks and not self._connection.there:
            return False  # neither end could answer
        if not self._rules.pipelined:
            return not self._owed
        return len(self._owed) < MOST_OWED and not any(owed.on_device for owed in self._owed)

    def _look(self, _now: float) -> list[DeviceEvent]:
        """Hand the next frame to the device's model, one at a time."""
        if self._looking is not None or not self._wants_looks:
            return []
        for owed in self._owed:
            if not owed.asked_to_look:
                owed.asked_to_look, self._looking = True, owed.number
                return [LookWork(number=owed.number, frame=owed.frame, plan=owed.look_plan)]
        return []

    def _consider(self, now: float) -> list[DeviceEvent]:
        """Ask for the next decision, or leave a frame to the device."""
        for owed in list(self._owed):
            if owed.decided or owed.alone or self._deciding is not None:
                continue
            if self._policy.looks_first and owed.look is None:
                continue
            blocked = self._uplink_busy or self._uplink.probing
            willing = self._connection.there and self._reluctance.until is None
            if self._policy.offloads and willing and not blocked:
                owed.decided, self._deciding = True, owed
                return [DecideWork()]
            if self._policy.looks_first and not (blocked and self._worth_waiting(now)):
                owed.alone = True
                return [*self._answer_alone(owed, now), *self._take(now), *self._look(now)]
        return []

    def _worth_waiting(self, now: float) -> bool:
        """Whether what is on the uplink is expected to leave it in time: a pipelined frame waits for that."""
        in_time = {owed.number for owed in self._owed if owed.due_at > now}
        ours = [number for number, flight in self._flights.items() if flight.acked_at is None]
        return self._rules.pipelined and not self._uplink.probing and all(number in in_time for number in ours)

    def _decided(self, owed: Owed, now: float) -> list[DeviceEvent]:
        state = self._state(owed.frame, owed, now)
        plan, owed.costs, owed.classes = self._policy.decide(state), state.costs, state.classes
        if plan is None:
            owed.alone = True
            return []
        owed.plan, owed.budget_bytes = plan, state.budget_bytes(plan)
        owed.flight = Flight(offload_id=owed.number, frame=owed.frame, plan=plan, started_at=now)
        self._flights[owed.number] = owed.flight
        self._offloads += 1
        return [EncodeWork(offload_id=owed.number, frame=owed.frame, grid=self._grid(owed.frame), plan=plan)]

    def _state(self, frame: Frame, owed: Owed | None = None, now: float = 0.0) -> FrameState:
        """What the policy is told; without `owed` the device has not looked yet."""
        grid = self._grid(frame)
        look = None if owed is None else owed.look
        classes = None if look is None else look.importance_class
        if classes is not None and look is not None and self._policy.confidence is not None:
            classes = refine_classes(classes, look.detections, confidence=self._policy.confidence)
        times = self._expected.times
        return FrameState(
            grid=grid,
            frame_index=frame.index,
            frame_interval_s=self._interval_s,
            deadline_s=self._rules.deadline_s,
            look_scale=times.look_scale,
            look_s=times.look_s,
            slicing=times.slicing,
            answers=self._answers.latest,
            taken=self._taken if owed is None else owed.number,
            offloads=self._offloads,
            look=look,
            classes=classes,
            costs=self._expected.costs(classes, look),
            budget_bytes=partial(
                self._expected.budget_bytes,
                frame,
                grid,
                now=now,
                deadline_s=self._rules.deadline_s,
                rate_bps=self._uplink.rate_bps,
                rtt_s=self._connection.rtt_s,
            ),
        )

    def _probe(self, now: float) -> list[DeviceEvent]:
        """Measure an idle uplink that nothing else will measure, once the round trip that belongs to it is known."""
        round_trip = self._connection.contact.round_trip
        idle = self._connection.there and not self._flights and not self._uplink.probing
        if not (self._probe_wanted and idle) or self._deciding is not None or round_trip.seconds is None:
            return []
        self._probe_wanted = False
        probe = self._uplink.probe(now, pings_before=round_trip.number)
        return [Send(payload=encode(probe))]

    def _handle(self, payload: bytes, now: float) -> list[DeviceEvent]:
        match decode_from_server(payload):
            case Welcome() as welcome if self._connection.welcomed(welcome):
                self._answers.class_names = tuple(welcome.class_names)
                self._reluctance.forget()
                return [Connected(welcome=welcome)]
            case Pong(number=number):
                return self._answered_ping(number, now)
            case Probed(number=number):
                self._uplink.probed(number, now, rtt_s=self._connection.rtt_s)
            case Stranger():
                return self._forgotten(now)
            case Ack(offload_id=number) if number in self._flights:
                flight = self._flights[number]
                if flight.uplink_busy:
                    flight.acked_at = now
                    self._uplink.acknowledged(flight, rtt_s=self._connection.rtt_s)
            case Result(offload_id=number) as result if number in self._flights:
                return self._land(result, now)
            case Failure() as failure:
                return self._refused(failure, now)
        return []

    def _answered_ping(self, number: int, now: float) -> list[DeviceEvent]:
        """A heartbeat came back. Had the server got what was in front of it, it would have said so before."""
        self._connection.contact.round_trip.pong(number, now)
        self._uplink.overtaken(number)
        events: list[DeviceEvent] = []
        for offload_id, flight in list(self._flights.items()):
            if flight.uplink_busy and number > flight.pings_before:
                events += self._give_up(offload_id, "the frame was lost on its way", now)
        return events

    def _forgotten(self, now: float) -> list[DeviceEvent]:
        """The server does not know this device: what was on its way to it is lost."""
        reason = "the server has forgotten this device"
        events = self._connection.forgotten(now, reason)
        return [*events, *self._lose_all(reason, now)] if events else []

    def _refused(self, failure: Failure, now: float) -> list[DeviceEvent]:
        """An offload was refused; where none is named, the greeting, or what was no message."""
        number, text = failure.offload_id, failure.text
        if number is not None:
            if failure.busy and number in self._flights:
                self._reluctance.busy(now)
            return self._give_up(number, text, now)
        if self._connection.there:
            return []
        return self._connection.refused(ProtocolError(f"the server refuses this device: {text}"), now)

    def _lose_all(self, reason: str, now: float) -> list[DeviceEvent]:
        """What was on its way is lost."""
        self._uplink.forget_probe()
        return [event for number in list(self._flights) for event in self._give_up(number, reason, now)]

    def _land(self, result: Result, now: float) -> list[DeviceEvent]:
        """The cloud's result, in time or not."""
        flight, welcome = self._flights[result.offload_id], self._connection.welcome
        assert welcome is not None
        try:
            cloud = result.detections(tuple(welcome.class_names))
        except ProtocolError as error:
            return self._give_up(result.offload_id, str(error), now)
        del self._flights[result.offload_id]
        record = flight.landed(
            now,
            queue_s=result.queue_s,
            decode_s=result.decode_s,
            inference_s=result.inference_s,
            rtt_s=self._connection.rtt_s,
        )
        self._expected.landed(record, self._grid(flight.frame))
        self._reluctance.landed()
        done = OffloadDone(record=record, captured_at=flight.frame.captured_at, result=cloud)
        owed = self._find(result.offload_id)
        if owed is None:
            return [done]
        if self._rules.late == "kept" and now > owed.due_at + INSTANT_S:
            return [done, self._settled(owed, self._answers.kept(owed, now))]
        return [done, self._settled(owed, self._answers.with_cloud(owed, cloud, now))]

    def _give_up(self, number: int, reason: str, now: float) -> list[DeviceEvent]:
        """No result of this offload will come."""
        flight = self._flights.pop(number, None)
        if flight is None:
            return []
        if flight.uplink_busy:
            self._connection.contact.round_trip.blocked()
        record = flight.failed(now, rtt_s=self._connection.rtt_s)
        owed = self._find(number)
        if owed is not None:
            owed.alone, owed.flight = True, None
        self._probe_wanted = self._policy.looks_first
        return [OffloadDone(record=record, captured_at=flight.frame.captured_at, result=None, reason=reason)]

    def _answer_alone(self, owed: Owed, now: float) -> list[DeviceEvent]:
        """What the device can say by itself, if that is due and known."""
        if not owed.alone or owed not in self._owed:
            return []
        missed = now > owed.due_at + INSTANT_S
        if self._rules.late == "kept" and (owed.look is None or missed):
            awaited = self._wants_looks and owed.look is None
            return [] if awaited else [self._settled(owed, self._answers.kept(owed, now))]
        if owed.look is None:
            return []
        self._probe_wanted = self._policy.offloads and self._policy.looks_first
        return [self._settled(owed, self._answers.by_device(owed, owed.look, now))]

    def _settled(self, owed: Owed, answer: Answered) -> Answered:
        self._owed.remove(owed)
        return answer
