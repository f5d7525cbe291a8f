"""The device as a state machine without I/O: frames, bytes and times in; events out.

A shell, live or simulated, passes the time with every call, carries out the events in their order, and calls
`advance` at `wake_at`. Every decision and every computation of a time is made here.
"""

from foveate.codec import EncodedFrame
from foveate.core import Detections, Frame, ProtocolError
from foveate.device.events import Connected, DeviceEvent, EncodeWork, OffloadDone, Send
from foveate.device.flight import Flight
from foveate.device.renderer import Renderer
from foveate.device.round_trip import RoundTrip
from foveate.network.messages import (
    Ack,
    Failure,
    Hello,
    Offload,
    Pong,
    Result,
    Welcome,
    decode_from_server,
    encode,
)
from foveate.policies import DeviceState, Policy

OFFLOAD_TIMEOUT_S = 5.0
"""An offload without a result by then is lost."""


class DeviceSession:
    """One offload at a time, every frame displayed on time, whatever the server does.

    At equal times displays come first: what arrives at the very instant of a display is shown one frame later.
    """

    def __init__(
        self, *, policy: Policy, frame_interval_s: float, offload_timeout_s: float = OFFLOAD_TIMEOUT_S
    ) -> None:
        self._policy = policy
        self._timeout_s = offload_timeout_s
        self._renderer = Renderer(frame_interval_s)
        self._round_trip = RoundTrip()
        self._welcome: Welcome | None = None
        self._newest: Frame | None = None
        self._flight: Flight | None = None
        self._last_sent: Frame | None = None
        self._result: Detections | None = None
        self._result_frame: Frame | None = None
        self._next_id = 0
        self._ended = False

    @property
    def finished(self) -> bool:
        """True once `end` was called, every frame was displayed and no offload is on its way."""
        return self._ended and self._flight is None and self._renderer.due_at is None

    @property
    def wake_at(self) -> float | None:
        """When `advance` must be called next, unless something else happens first; None = nothing is due."""
        times = [self._renderer.due_at, self._lost_at, self._round_trip.due_at if self._may_ping else None]
        return min((time for time in times if time is not None), default=None)

    def start(self) -> list[DeviceEvent]:
        """Greet the server. Frames may be captured before it answers; they are displayed without detections."""
        return [Send(payload=encode(Hello()))]

    def capture(self, frame: Frame, now: float) -> list[DeviceEvent]:
        """The camera delivered a frame; it becomes the newest."""
        events = self.advance(now)
        self._renderer.capture(frame)
        self._newest = frame
        return [*events, *self._consider(now)]

    def encoded(self, offload_id: int, encoded: EncodedFrame, now: float) -> list[DeviceEvent]:
        """The codec finished an `EncodeWork`; its bytes leave now."""
        events = self.advance(now)
        flight = self._flight
        if flight is None or flight.offload_id != offload_id or self._welcome is None:
            return events  # given up in the meantime
        flight.sent_at, flight.payload_bytes = now, encoded.size_bytes
        height, width = flight.frame.size
        message = Offload.of(
            flight.plan,
            offload_id=offload_id,
            frame_index=flight.frame.index,
            grid=self._welcome.grid(height, width),
            score_threshold=self._welcome.score_threshold,
            full=encoded.full,
            low=encoded.low,
        )
        return [*events, Send(payload=encode(message))]

    def receive(self, payload: bytes, now: float) -> list[DeviceEvent]:
        """A message arrived. Raises `ProtocolError` on a bad one before the server's `Welcome`.

        Later a bad message only fails the offload on its way: the picture goes on.
        """
        events = self.advance(now)
        try:
            return [*events, *self._handle(payload, now)]
        except ProtocolError as error:
            if self._welcome is None:
                raise
            return [*events, *self._give_up(str(error), now)]

    def advance(self, now: float) -> list[DeviceEvent]:
        """Time passed: display, give up, measure."""
        events: list[DeviceEvent] = [*self._renderer.display(now)]
        if self._lost_at is not None and self._lost_at <= now:
            events += self._give_up(f"no result within {self._timeout_s:g} s", now)
        if self._may_ping and self._round_trip.due_at <= now:
            events.append(Send(payload=encode(self._round_trip.ping(now))))
        return events

    def end(self) -> None:
        """The camera ended: no further offload is started."""
        self._ended = True

    @property
    def _lost_at(self) -> float | None:
        return None if self._flight is None else self._flight.started_at + self._timeout_s

    @property
    def _may_ping(self) -> bool:
        """Whether a heartbeat would measure an idle link."""
        return self._welcome is not None and not (self._flight is not None and self._flight.uplink_busy)

    @property
    def _rtt_s(self) -> float:
        return self._round_trip.seconds or 0.0

    def _handle(self, payload: bytes, now: float) -> list[DeviceEvent]:
        match decode_from_server(payload):
            case Welcome() as welcome:
                return self._welcomed(welcome, now)
            case Pong(number=number):
                self._round_trip.pong(number, now)
            case Ack(offload_id=offload_id) if self._on_its_way(offload_id):
                assert self._flight is not None
                self._flight.acked_at = now
            case Result(offload_id=offload_id) as result if self._on_its_way(offload_id):
                return self._land(result, now)
            case Failure(offload_id=offload_id, text=text) if offload_id is None or self._on_its_way(offload_id):
                return self._give_up(text, now)
        return []

    def _on_its_way(self, offload_id: int | None) -> bool:
        return self._flight is not None and self._flight.offload_id == offload_id

    def _welcomed(self, welcome: Welcome, now: float) -> list[DeviceEvent]:
        self._welcome = welcome
        self._renderer.update(Detections.empty(tuple(welcome.class_names)), None)
        return [Connected(welcome=welcome), *self.advance(now), *self._consider(now)]

    def _land(self, result: Result, now: float) -> list[DeviceEvent]:
        flight, welcome = self._flight, self._welcome
        assert flight is not None
        assert welcome is not None
        detections = result.detections(tuple(welcome.class_names))
        record = flight.landed(now, decode_s=result.decode_s, inference_s=result.inference_s, rtt_s=self._rtt_s)
        done = OffloadDone(record=record, captured_at=flight.frame.captured_at, result=detections)
        self._flight = None
        self._result, self._result_frame = detections, flight.frame
        self._renderer.update(detections, flight.frame)
        return [done, *self._consider(now)]

    def _give_up(self, reason: str, now: float) -> list[DeviceEvent]:
        flight, self._flight = self._flight, None
        if flight is None:
            return []
        record = flight.failed(now, rtt_s=self._rtt_s)
        done = OffloadDone(record=record, captured_at=flight.frame.captured_at, result=None, reason=reason)
        return [done, *self._consider(now)]

    def _consider(self, now: float) -> list[DeviceEvent]:
        """Ask the policy, if a frame that was not sent yet could be sent now."""
        frame, welcome = self._newest, self._welcome
        if frame is None or welcome is None or self._flight is not None or self._ended or frame is self._last_sent:
            return []
        grid = welcome.grid(*frame.size)
        plan = self._policy.decide(self._state(frame, welcome))
        if plan is None:
            return []
        self._flight = Flight(offload_id=self._next_id, frame=frame, plan=plan, started_at=now)
        self._next_id += 1
        self._last_sent = frame
        return [EncodeWork(offload_id=self._flight.offload_id, frame=frame, grid=grid, plan=plan)]

    def _state(self, frame: Frame, welcome: Welcome) -> DeviceState:
        return DeviceState(
            grid=welcome.grid(*frame.size),
            restoration_points=range(welcome.subsets + 1),
            frame_index=frame.index,
            offloaded_frame=None if self._last_sent is None else self._last_sent.index,
            result=self._result,
            result_frame=None if self._result_frame is None else self._result_frame.index,
        )
