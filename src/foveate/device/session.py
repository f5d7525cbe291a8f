"""The device as a state machine without I/O: frames, bytes and times in; events out.

A shell, live or simulated, passes the time with every call, carries out the events in their order, and calls
`advance` at `wake_at`. Every decision and every computation of a time is made here and by what stands beside it:
`Departures` says which frame leaves, `Outlook` what its policy is told, `Flights` what is on its way, `Results` what
is shown, `Following` and `Measuring` what the tracker and the analysis of motion work on, `Connection` whether the
server is there.
"""

from foveate.codec import EncodedFrame
from foveate.core import Frame, InputError, ProtocolError, VersionError
from foveate.device.backoff import Backoff
from foveate.device.connection import Connection
from foveate.device.departures import Departures
from foveate.device.events import Connected, DeviceEvent, OffloadDone, Tracked
from foveate.device.flight import Flight
from foveate.device.flights import Flights
from foveate.device.following import Following
from foveate.device.measuring import Measuring
from foveate.device.outlook import Outlook
from foveate.device.reluctance import Reluctance
from foveate.device.results import Results
from foveate.device.surroundings import Surroundings
from foveate.estimators import LinkEstimator, PerformanceEstimator
from foveate.network.messages import Ack, Failure, Pong, Result, Stranger, Welcome, decode_from_server
from foveate.policies import Policy
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
        backoff = Backoff() if backoff is None else backoff
        self.wants_grey = policy.tracks
        """Whether `capture` needs frames in grey: only a policy that tracks does."""
        self._connection = connection = Connection(model, backoff)
        self._reluctance = reluctance = Reluctance(backoff.apart())
        self._flights = flights = Flights(offload_timeout_s, connection)
        self._following = following = Following()
        surroundings = Surroundings()
        self._measuring = measuring = Measuring(surroundings, connection)
        self._results = results = Results(
            frame_interval_s, tracks=policy.tracks, following=following, surroundings=surroundings
        )
        self._outlook = outlook = Outlook(
            policy,
            frame_interval_s,
            estimator,
            link,
            results=results,
            following=following,
            surroundings=surroundings,
            measuring=measuring,
        )
        self._departures = Departures(
            policy,
            outlook=outlook,
            flights=flights,
            following=following,
            connection=connection,
            reluctance=reluctance,
        )

    @property
    def finished(self) -> bool:
        """True once `end` was called, every frame was displayed and no offload is on its way."""
        return self._departures.closed and not self._flights and self._results.due_at is None

    @property
    def wake_at(self) -> float | None:
        """When `advance` must be called next, unless something else happens first; None = nothing is due."""
        connection_at = self._connection.wake_at(idle=self._flights.idle, waiting=bool(self._flights))
        times = (self._results.due_at, self._flights.timeout_at, connection_at, self._reluctance.until)
        return min((time for time in times if time is not None), default=None)

    def start(self, now: float) -> list[DeviceEvent]:
        """Greet the server. Frames may be captured before it answers; they are displayed without detections."""
        return [self._connection.greet(now)]

    def capture(self, frame: Frame, now: float, grey: GreyPair | None = None) -> list[DeviceEvent]:
        """The camera delivered a frame; it becomes the newest. See `wants_grey`."""
        events = self.advance(now)
        self._results.capture(frame)
        self._departures.capture(frame)
        if self.wants_grey and grey is not None:
            self._following.capture(frame, grey)
            self._measuring.capture(frame, grey)
        return [*events, *self._measure(), *self._follow(), *self._consider()]

    def moved(self, motion: Motion, now: float) -> list[DeviceEvent]:
        """A `MotionWork` is done."""
        events = self.advance(now)
        self._measuring.moved(motion)
        return [*events, *self._measure()]

    def tracked(self, tracked: Tracked, now: float) -> list[DeviceEvent]:
        """A `TrackWork` is done."""
        events = self.advance(now)
        self._results.tracked(tracked)
        return [*events, *self._follow(), *self._consider()]

    def decide(self, now: float) -> list[DeviceEvent]:
        """A `DecideWork` is done: ask the policy about the frame that is the newest now."""
        return [*self.advance(now), *self._departures.decide(now)]

    def encoded(self, offload_id: int, encoded: EncodedFrame, now: float) -> list[DeviceEvent]:
        """The codec finished an `EncodeWork`; its bytes leave now, unless it was given up in the meantime."""
        events = self.advance(now)
        flight, welcome = self._flights.get(offload_id), self._connection.welcome
        if flight is None or welcome is None:
            return events
        try:
            return [*events, self._flights.send(flight, encoded, score_threshold=welcome.score_threshold, now=now)]
        except ProtocolError as error:
            return [*events, *self._failed([self._flights.give_up(flight, str(error), now)])]

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
        events: list[DeviceEvent] = [*self._results.display(now)]
        events += self._failed(self._flights.give_up_overdue(now))
        events += self._connection.advance(now, idle=self._flights.idle, waiting=bool(self._flights))
        return [*events, *self._consider()] if self._reluctance.over(now) else events

    def end(self) -> None:
        """The camera ended: no further offload is started."""
        self._departures.closed = True

    def abandon(self, now: float) -> list[DeviceEvent]:
        """The user ended the run: neither is an offload on its way awaited."""
        self.end()
        return [*self.advance(now), *self._give_up_all("the run was ended", now)]

    def _handle(self, payload: bytes, now: float) -> list[DeviceEvent]:
        match decode_from_server(payload):
            case Welcome() as welcome:
                return self._welcomed(welcome, now)
            case Pong(number=number):
                self._connection.contact.round_trip.pong(number, now)
                return self._failed(self._flights.overtaken(number, now))
            case Stranger():
                return self._forgotten(now)
            case Failure(offload_id=None, text=text):
                return self._refused(text, now)
            case Ack() | Result() | Failure() as told:
                return self._told(told, now)
        return []

    def _welcomed(self, welcome: Welcome, now: float) -> list[DeviceEvent]:
        is_first = self._connection.welcome is None
        if not self._connection.welcomed(welcome):
            return []
        self._reluctance.forget()
        if is_first:
            self._results.name_classes(tuple(welcome.class_names))
        return [Connected(welcome=welcome), *self.advance(now), *self._consider()]

    def _forgotten(self, now: float) -> list[DeviceEvent]:
        """The server does not know this device: what was on its way to it is lost."""
        reason = "the server has forgotten this device"
        events = self._connection.forgotten(now, reason)
        return [*events, *self._give_up_all(reason, now)] if events else []

    def _refused(self, text: str, now: float) -> list[DeviceEvent]:
        """All that is on its way was refused; before the server's welcome, the greeting."""
        if self._connection.there:
            return self._give_up_all(text, now)
        return self._connection.greeting_refused(text, now)

    def _told(self, told: Ack | Result | Failure, now: float) -> list[DeviceEvent]:
        """Something about an offload; one that is not on its way any more does not matter."""
        flight = self._flights.get(told.offload_id)
        match told:
            case Ack() if flight is not None:
                flight.acked_at = now
                return self._consider()
            case Result() if flight is not None:
                return self._landed(flight, told, now)
            case Failure(text=text, busy=busy) if flight is not None:
                if busy:
                    self._reluctance.busy(now)
                return self._failed([self._flights.give_up(flight, text, now)])
        return []

    def _landed(self, flight: Flight, result: Result, now: float) -> list[DeviceEvent]:
        done = self._flights.land(flight, result, now)
        self._outlook.landed(done.record)
        self._reluctance.landed()
        self._results.landed(flight.frame, done)
        self._following.awaits(self._flights.frames)
        return [done, *self._follow(), *self._consider()]

    def _give_up_all(self, reason: str, now: float) -> list[DeviceEvent]:
        return self._failed(self._flights.give_up_all(reason, now))

    def _failed(self, offloads: list[OffloadDone]) -> list[DeviceEvent]:
        """No result of these is waited for any more: another frame may leave."""
        if not offloads:
            return []
        self._following.awaits(self._flights.frames)
        return [*offloads, *self._consider()]

    def _measure(self) -> list[DeviceEvent]:
        """Have the motion of the newest frame measured, if nobody is at it."""
        work = self._measuring.next_work()
        return [] if work is None else [work]

    def _follow(self) -> list[DeviceEvent]:
        """Let the tracker go on, if there is something for it to do."""
        work = self._following.next_work()
        return [] if work is None else [work]

    def _consider(self) -> list[DeviceEvent]:
        """Have the next frame decided about, if one may leave."""
        return [*self._departures.consider()]
