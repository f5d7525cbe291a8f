"""The device as a state machine without I/O: frames, bytes and times in; events out.

A shell, live or simulated, passes the time with every call, carries out the events in their order, and calls
`advance` at `wake_at`. Every decision and every computation of a time is made here.
"""

from foveate.codec import EncodedFrame
from foveate.core import (
    Detections,
    Estimate,
    EstimateOptions,
    Frame,
    FrameContent,
    InputError,
    OffloadPlan,
    OffloadRecord,
    ProtocolError,
    RegionGrid,
    VersionError,
)
from foveate.device.backoff import Backoff
from foveate.device.connection import Connection
from foveate.device.events import (
    Connected,
    DecideWork,
    DeviceEvent,
    EncodeWork,
    MotionWork,
    OffloadDone,
    Seen,
    Send,
    Tracked,
)
from foveate.device.flight import Flight
from foveate.device.flights import Flights
from foveate.device.following import Following
from foveate.device.reluctance import Reluctance
from foveate.device.renderer import Renderer
from foveate.device.surroundings import Surroundings
from foveate.estimators import LinkEstimator, PerformanceEstimator
from foveate.network.messages import (
    Ack,
    Failure,
    Offload,
    Pong,
    Result,
    Stranger,
    Welcome,
    decode_from_server,
    encode,
)
from foveate.policies import DeviceState, Estimating, Overlapping, Policy
from foveate.tracking import GreyPair, Motion

OFFLOAD_TIMEOUT_S = 5.0
"""An offload without a result by then is lost."""


class DeviceSession:
    """Every frame displayed on time, whatever the server does; one offload at a time, or two if the policy says so.

    A server that is lost (see `Contact`) is looked for until it is found; meanwhile nothing is offloaded, nor for a
    while after the server was too busy for a frame (see `Reluctance`). `model` is what the server is asked to run,
    empty for its own choice. A result never replaces that of a fresher frame. At equal times displays come
    first: what arrives at the very instant of a display is shown one frame later. Raises `InputError` where the policy
    lacks a profile, and on spans that are not above 0.
    """

    def __init__(
        self,
        *,
        policy: Policy,
        frame_interval_s: float,
        offload_timeout_s: float = OFFLOAD_TIMEOUT_S,
        model: str = "",
        estimator: PerformanceEstimator | None = None,
        link: LinkEstimator | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        if policy.needs_profile and estimator is None:
            raise InputError(f"policy {policy.name} needs a profile with estimators of size and accuracy")
        if not (frame_interval_s > 0 and offload_timeout_s > 0):
            raise InputError(
                f"a device needs spans above 0 between frames and until an offload is lost, got {frame_interval_s:g} "
                f"and {offload_timeout_s:g} s"
            )
        self._policy, self._interval_s = policy, frame_interval_s
        self._timeout_s = offload_timeout_s
        self._flights = Flights(offload_timeout_s)
        self._most_in_flight = policy.in_flight if isinstance(policy, Overlapping) else 1
        options = policy.estimate_options if isinstance(policy, Estimating) else EstimateOptions()
        self._estimator = None if estimator is None else estimator.with_options(options)
        self._link = LinkEstimator(options.link) if link is None else link
        self._following = Following() if policy.tracks else None
        self._motion_busy = False
        self._unmeasured: Seen | None = None
        self._surroundings = Surroundings()
        self._newest_grey: GreyPair | None = None
        self._deciding = False
        self._last_latency_s: float | None = None
        self._renderer = Renderer(frame_interval_s)
        backoff = Backoff() if backoff is None else backoff
        self._connection = Connection(model, backoff)
        self._reluctance = Reluctance(backoff.apart())
        self._newest: Frame | None = None
        self._last_sent: Frame | None = None
        self._result: Detections | None = None
        self._result_frame: Frame | None = None
        self._next_id = 0
        self._ended = False

    @property
    def finished(self) -> bool:
        """True once `end` was called, every frame was displayed and no offload is on its way."""
        return self._ended and not self._flights and self._renderer.due_at is None

    @property
    def wake_at(self) -> float | None:
        """When `advance` must be called next, unless something else happens first; None = nothing is due."""
        connection_at = self._connection.wake_at(idle=self._idle, waiting=bool(self._flights))
        times = (self._renderer.due_at, self._flights.timeout_at, connection_at, self._reluctance.until)
        return min((time for time in times if time is not None), default=None)

    def start(self, now: float) -> list[DeviceEvent]:
        """Greet the server. Frames may be captured before it answers; they are displayed without detections."""
        return [self._connection.greet(now)]

    @property
    def wants_grey(self) -> bool:
        """Whether `capture` needs the frame in grey: only a policy that tracks does."""
        return self._following is not None

    def capture(self, frame: Frame, now: float, grey: GreyPair | None = None) -> list[DeviceEvent]:
        """The camera delivered a frame; it becomes the newest. See `wants_grey`."""
        events = self.advance(now)
        self._renderer.capture(frame)
        self._newest = frame
        if self._following is not None and grey is not None:
            self._following.capture(frame, grey)
            self._unmeasured = Seen(index=frame.index, grey=grey)
            self._newest_grey = grey
        return [*events, *self._measure(), *self._follow(), *self._consider()]

    def moved(self, motion: Motion, now: float) -> list[DeviceEvent]:
        """A `MotionWork` is done."""
        events = self.advance(now)
        self._surroundings.motion, self._motion_busy = motion, False
        return [*events, *self._measure()]

    def tracked(self, tracked: Tracked, now: float) -> list[DeviceEvent]:
        """A `TrackWork` is done."""
        events = self.advance(now)
        assert self._following is not None
        self._following.tracked(tracked)
        self._renderer.update(tracked.detections, tracked.source)
        return [*events, *self._follow(), *self._consider()]

    def encoded(self, offload_id: int, encoded: EncodedFrame, now: float) -> list[DeviceEvent]:
        """The codec finished an `EncodeWork`; its bytes leave now."""
        events = self.advance(now)
        flight = self._flights.get(offload_id)
        if flight is None or self._connection.welcome is None:
            return events  # given up in the meantime
        flight.sent_at, flight.payload_bytes = now, encoded.size_bytes
        flight.pings_before = self._connection.contact.round_trip.number
        message = Offload.of(
            flight.plan,
            offload_id=offload_id,
            frame_index=flight.frame.index,
            grid=_sent_grid(flight.frame, flight.plan, self._connection.welcome),
            score_threshold=self._connection.welcome.score_threshold,
            patience_s=max(self._flights.timeout_of(flight) - now, 0.0),
            full=encoded.full,
            low=encoded.low,
        )
        return [*events, Send(payload=encode(message), offload_id=offload_id)]

    def receive(self, payload: bytes, now: float) -> list[DeviceEvent]:
        """A message arrived. Raises `ProtocolError` on a bad one, or a refusal, before the server's first `Welcome`.

        Later a bad message only fails what is on its way, and a refusal has the device ask again, ever more rarely:
        the picture goes on.
        """
        self._connection.contact.heard(now)
        events = self.advance(now)
        try:
            return [*events, *self._handle(payload, now)]
        except VersionError as error:
            return [*events, *self._connection.refused(error, now), *self._give_up_all(str(error), now)]
        except ProtocolError as error:
            if self._connection.welcome is None:
                raise
            return [*events, *self._give_up_all(str(error), now)]

    def disconnected(self, reason: str, now: float, *, refused: bool = False) -> list[DeviceEvent]:
        """The transport says that the connection ended; `refused`: before any message could pass."""
        events = self.advance(now)
        events += self._connection.ended(reason, now, refused=refused)
        return [*events, *self._give_up_all(reason, now)]

    def advance(self, now: float) -> list[DeviceEvent]:
        """Time passed: display, give up, look for the server."""
        events: list[DeviceEvent] = [*self._renderer.display(now)]
        events += self._give_up(self._flights.overdue(now), f"no result within {self._timeout_s:g} s", now)
        events += self._connection.advance(now, idle=self._idle, waiting=bool(self._flights))
        return [*events, *self._consider()] if self._reluctance.over(now) else events

    def end(self) -> None:
        """The camera ended: no further offload is started."""
        self._ended = True

    def abandon(self, now: float) -> list[DeviceEvent]:
        """The user ended the run: neither is an offload on its way awaited."""
        self.end()
        return [*self.advance(now), *self._give_up_all("the run was ended", now)]

    @property
    def _idle(self) -> bool:
        """Whether a heartbeat would find the uplink empty."""
        return self._flights.on_uplink is None

    def _forgotten(self, now: float) -> list[DeviceEvent]:
        """The server does not know this device: what was on its way to it is lost."""
        reason = "the server has forgotten this device"
        events = self._connection.forgotten(now, reason)
        return [*events, *self._give_up_all(reason, now)] if events else []

    def _handle(self, payload: bytes, now: float) -> list[DeviceEvent]:
        match decode_from_server(payload):
            case Welcome() as welcome:
                return self._welcomed(welcome, now)
            case Pong(number=number):
                return self._answered(number, now)
            case Stranger():
                return self._forgotten(now)
            case Ack() | Result() | Failure() as told:
                return self._told(told, now)
        return []

    def _told(self, told: Ack | Result | Failure, now: float) -> list[DeviceEvent]:
        """Something about an offload; one that is not on its way any more does not matter."""
        flight = self._flights.get(told.offload_id)
        match told:
            case Failure(offload_id=None, text=text):
                return self._failure(text, now)
            case Failure(text=text, busy=busy) if flight is not None:
                if busy:
                    self._reluctance.busy(now)
                return self._give_up([flight], text, now)
            case Ack() if flight is not None:
                flight.acked_at = now
                return self._consider()
            case Result() if flight is not None:
                return self._land(flight, told, now)
        return []

    def _answered(self, number: int, now: float) -> list[DeviceEvent]:
        """A heartbeat came back. Had the server got the frame in front of it, it would have said so before."""
        self._connection.contact.round_trip.pong(number, now)
        flight = self._flights.on_uplink
        if flight is not None and number > flight.pings_before:
            return self._give_up([flight], "the frame was lost on its way", now)
        return []

    def _failure(self, text: str, now: float) -> list[DeviceEvent]:
        """Of all that is on its way; before the server's welcome, of the greeting."""
        if self._connection.there:
            return self._give_up_all(text, now)
        return self._connection.refused(ProtocolError(f"the server refuses this device: {text}"), now)

    def _welcomed(self, welcome: Welcome, now: float) -> list[DeviceEvent]:
        is_first = self._connection.welcome is None
        if not self._connection.welcomed(welcome):
            return []
        self._reluctance.forget()
        if is_first:
            self._renderer.update(Detections.empty(tuple(welcome.class_names)), None)
        return [Connected(welcome=welcome), *self.advance(now), *self._consider()]

    def _land(self, flight: Flight, result: Result, now: float) -> list[DeviceEvent]:
        welcome = self._connection.welcome
        assert welcome is not None
        record = flight.landed(
            now,
            queue_s=result.queue_s,
            decode_s=result.decode_s,
            inference_s=result.inference_s,
            rtt_s=self._connection.rtt_s,
        )
        detections = _in_full_size(result.detections(tuple(welcome.class_names)), flight, welcome)
        done = OffloadDone(record=record, captured_at=flight.frame.captured_at, result=detections)
        self._flights.end(flight, landed=True)
        self._link.observe(record)
        self._reluctance.landed()
        if self._result_frame is None or flight.frame.index > self._result_frame.index:
            self._apply(record, detections, flight.frame)
        self._await()
        return [done, *self._follow(), *self._consider()]

    def _apply(self, record: OffloadRecord, detections: Detections, frame: Frame) -> None:
        """The result of the freshest frame that has one."""
        self._surroundings.landed(record, detections, frame_height=frame.size[0])
        self._last_latency_s = record.e2e_latency_s
        self._result, self._result_frame = detections, frame
        if self._following is None:
            self._renderer.update(detections, frame)
        else:
            self._renderer.cache(detections, frame)
            self._following.landed(frame, detections)

    def _give_up_all(self, reason: str, now: float) -> list[DeviceEvent]:
        return self._give_up(list(self._flights), reason, now)

    def _give_up(self, flights: list[Flight], reason: str, now: float) -> list[DeviceEvent]:
        """No result is waited for any more."""
        if not flights:
            return []
        for flight in flights:
            self._flights.end(flight, landed=False)
            if flight.uplink_busy:
                self._connection.contact.round_trip.blocked()
        self._await()
        records = [flight.failed(now, rtt_s=self._connection.rtt_s) for flight in flights]
        done = [
            OffloadDone(record=record, captured_at=flight.frame.captured_at, result=None, reason=reason)
            for record, flight in zip(records, flights, strict=True)
        ]
        return [*done, *self._consider()]

    def _await(self) -> None:
        """Let the tracker know which frames it may have to start from."""
        if self._following is not None:
            self._following.awaits(self._flights.frames)

    def _measure(self) -> list[DeviceEvent]:
        """Have the motion of the newest frame measured, if nobody is at it."""
        if self._unmeasured is None or self._motion_busy or self._connection.welcome is None or self._newest is None:
            return []
        seen, self._unmeasured, self._motion_busy = self._unmeasured, None, True
        return [MotionWork(seen=seen, grid=self._connection.welcome.grid(*self._newest.size))]

    def _follow(self) -> list[DeviceEvent]:
        """Let the tracker go on, if there is something for it to do."""
        work = None if self._following is None else self._following.next_work()
        return [] if work is None else [work]

    @property
    def _may_offload(self) -> bool:
        """Whether a frame that was not sent yet could be sent now; not before its result was caught up with."""
        willing = self._connection.there and self._reluctance.until is None
        free = willing and self._flights.room(self._most_in_flight) and not self._ended
        present = self._following is None or not self._following.catching_up
        return free and present and self._newest is not None and self._newest is not self._last_sent

    def _consider(self) -> list[DeviceEvent]:
        """Ask for a decision, if there is one to make."""
        if self._deciding or not self._may_offload:
            return []
        self._deciding = True
        return [DecideWork()]

    def decide(self, now: float) -> list[DeviceEvent]:
        """A `DecideWork` is done: ask the policy about the frame that is the newest now."""
        events = self.advance(now)
        self._deciding = False
        frame, welcome = self._newest, self._connection.welcome
        if not self._may_offload or frame is None or welcome is None:
            return events
        if self._estimator is not None and self._newest_grey is not None:
            self._surroundings.look(self._newest_grey, welcome.grid(*frame.size))
        plan = self._policy.decide(self._state(frame, welcome))
        if plan is None:
            return events
        latest = None if self._following is None else self._following.latest
        self._surroundings.offloaded(frame, plan, welcome.grid(*frame.size), latest)
        flight = Flight(offload_id=self._next_id, frame=frame, plan=plan, started_at=now)
        self._flights.start(flight)
        self._next_id += 1
        self._last_sent = frame
        self._await()
        grid = _sent_grid(frame, plan, welcome)
        return [*events, EncodeWork(offload_id=flight.offload_id, frame=frame, grid=grid, plan=plan)]

    def _state(self, frame: Frame, welcome: Welcome) -> DeviceState:
        grid = welcome.grid(*frame.size)
        latest = None if self._following is None else self._following.latest
        content = None
        if self._following is not None:
            content = self._surroundings.content(grid, frame_index=frame.index, latest=latest)
        return DeviceState(
            grid=grid,
            restoration_points=range(welcome.subsets + 1),
            frame_index=frame.index,
            offloaded_frame=None if self._last_sent is None else self._last_sent.index,
            result=self._result,
            result_frame=None if self._result_frame is None else self._result_frame.index,
            frame_interval_s=self._interval_s,
            content=content,
            retention=1.0 if latest is None else latest.retention,
            last_latency_s=self._last_latency_s,
            estimate=self._estimate(grid, content),
        )

    def _estimate(self, grid: RegionGrid, content: FrameContent | None) -> Estimate | None:
        link = self._link.state()
        if self._estimator is None or content is None or link is None:
            return None
        return self._estimator.bind(grid=grid, content=content, link=link)


def _sent_grid(frame: Frame, plan: OffloadPlan, welcome: Welcome) -> RegionGrid:
    """Regions of the picture that is sent: those of the frame, or of a smaller image of its own."""
    return welcome.grid(*plan.sent_size(frame.size))


def _in_full_size(detections: Detections, flight: Flight, welcome: Welcome) -> Detections:
    """Boxes in pixels of the frame, whatever size was sent."""
    sent, (height, width) = _sent_grid(flight.frame, flight.plan, welcome), flight.frame.size
    if (sent.height, sent.width) == (height, width):
        return detections
    return detections.scaled(height / sent.height, width / sent.width)
