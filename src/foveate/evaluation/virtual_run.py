"""A device and a server on virtual time: what every kind of simulation does alike. Nothing here reads a clock."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from foveate.core import Detections, TransportError
from foveate.device import AnsweringSession, Clip, DeviceEvent, DeviceSession, Displayed, OffloadDone, Send
from foveate.device.live_shell import CONNECT_TIMEOUT_S
from foveate.evaluation.agenda import Agenda
from foveate.evaluation.link_truth import LinkTruth
from foveate.network import LinkSettings
from foveate.network.messages import Welcome
from foveate.server import Inferred, Reply, ServerSession, Work


@dataclass(kw_only=True)
class VirtualRun(ABC):
    """One device and one server. `run` plays the clip once; the order of events depends on their times alone.

    A kind of simulation says what there is to do and how long it takes.
    """

    clip: Clip
    welcome: Welcome
    """The server's model."""
    link: LinkSettings
    on_frame: Callable[[Displayed], None]
    on_offload: Callable[[OffloadDone, LinkTruth | None], None]
    """Also told what the link did, if the offload was sent."""
    seed: int = 0
    """Of the spread of the server's durations."""
    _agenda: Agenda = field(default_factory=Agenda, init=False)
    _truths: dict[int, LinkTruth] = field(default_factory=dict, init=False)
    _server_busy: bool = field(default=False, init=False)
    _filming: bool = field(default=False, init=False)
    _connection: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._server = ServerSession[None](self.welcome)
        self._link = self.link.start(0.0)

    @property
    @abstractmethod
    def _session(self) -> DeviceSession | AnsweringSession:
        """The device's."""

    @property
    @abstractmethod
    def _captures(self) -> int:
        """How many frames are played."""

    @abstractmethod
    def _capture(self, index: int, now: float) -> None:
        """The camera delivers a frame."""

    @abstractmethod
    def _carry_out(self, events: list[DeviceEvent], now: float) -> None:
        """Do what the session asks for, in order."""

    @abstractmethod
    def _server_seconds(self, work: Work) -> tuple[float, float]:
        """Decoding and inference of an offload."""

    @abstractmethod
    def _take_found(self, offload_id: int, arrives_at: float) -> Detections:
        """What the server's model finds in an offload; asked once. `arrives_at`: when the device hears of it."""

    def run(self) -> None:
        """From the first frame to the last display.

        Raises `TransportError` where a live device would: if the link lets no answer of the server pass at the start.
        """
        self._carry_out(self._session.start(0.0), 0.0)
        while not self._session.finished:
            self._step()

    def _start_camera(self, now: float) -> None:
        """Captures start after the server answered for the first time, as a live device's do."""
        if self._filming:
            return
        self._filming = True
        first_at = max(now, 2 * self._link.rtt_at(0.0) + 0.1)
        for index in range(self._captures):
            self._agenda.book(first_at + index / self.clip.fps, partial(self._capture, index))

    def _step(self) -> None:
        wake_at, next_at = self._session.wake_at, self._agenda.next_at
        soonest = min((at for at in (wake_at, next_at) if at is not None), default=0.0)
        if not self._filming and soonest > CONNECT_TIMEOUT_S:
            raise TransportError(f"no answer from the server within {CONNECT_TIMEOUT_S:g} s")
        if next_at is not None and (wake_at is None or next_at <= wake_at):
            self._agenda.run_next()
        elif wake_at is not None:
            # What was due while the uplink was busy is due now, not then.
            now = self._agenda.advance(wake_at)
            self._carry_out(self._session.advance(now), now)
        else:
            self._session.end()

    def _send(self, event: Send, now: float) -> None:
        arrives_at = self._link.send(now, len(event.payload))
        if event.offload_id is not None:
            self._truths[event.offload_id] = LinkTruth.of(self._link, sent_at=now, arrives_at=arrives_at)
        self._agenda.book(arrives_at, partial(self._at_server, self._client, event.payload))

    @property
    def _client(self) -> bytes:
        """Name of the device's connection: to the server each is another client."""
        return b"device %d" % self._connection

    def _redial(self, now: float) -> None:
        """What is on its way in either direction is lost with the connection."""
        self._connection += 1
        self._link.abandon(now)

    def _at_server(self, client: bytes, payload: bytes, now: float) -> None:
        if client == self._client:
            for reply in self._server.receive(client, payload, now):
                self._answer(reply, now)
            self._infer(now)

    def _answer(self, reply: Reply, now: float) -> None:
        if reply.client == self._client:
            self._agenda.book(self._link.reply(now), partial(self._at_device, reply))

    def _at_device(self, reply: Reply, now: float) -> None:
        if reply.client == self._client:
            self._carry_out(self._session.receive(reply.payload, now), now)

    def _infer(self, now: float) -> None:
        for reply in self._server.advance(now):
            self._answer(reply, now)
        work = None if self._server_busy else self._server.next_work(now)
        if work is None:
            return
        self._server_busy = True
        decode_s, inference_s = self._server_seconds(work)
        self._agenda.book(now + decode_s + inference_s, partial(self._inferred, work, decode_s, inference_s))

    def _inferred(self, work: Work, decode_s: float, inference_s: float, now: float) -> None:
        found = self._take_found(work.offload.offload_id, self._link.reply(now))
        inferred = Inferred(detections=found, decode_s=decode_s, inference_s=inference_s)
        self._answer(self._server.finished(work, inferred), now)
        self._server_busy = False
        self._infer(now)
