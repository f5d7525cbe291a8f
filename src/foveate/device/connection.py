"""A session's connection to its server: greetings, heartbeats, losses. The rules are `Contact`'s."""

from foveate.core import Frame, OffloadPlan, ProtocolError, RegionGrid
from foveate.device.backoff import Backoff
from foveate.device.contact import LOST_S, Contact
from foveate.device.events import DeviceEvent, Lost, Redial, Send
from foveate.network.messages import Welcome, encode


class Connection:
    """Turns what `Contact` says into events. `model`: what the server is asked to run, empty for its own choice.

    `idle`: nothing of ours is on the uplink; `waiting`: an offload is on its way.
    """

    def __init__(self, model: str = "", backoff: Backoff | None = None) -> None:
        self.welcome: Welcome | None = None
        """What the server said of itself last; it stays known while the server is lost."""
        self.contact = Contact(model, backoff)
        self._refusal = ""

    @property
    def there(self) -> bool:
        """Whether the server knows this device."""
        return self.contact.welcomed

    @property
    def rtt_s(self) -> float:
        """Round trip of the idle link, seconds; 0 before it was measured."""
        return self.contact.round_trip.seconds or 0.0

    def grid(self, frame: Frame) -> RegionGrid:
        """Decision regions of a frame, as the server's model has them; before its first welcome, the usual ones."""
        return self._grid(*frame.size)

    def sent_grid(self, frame: Frame, plan: OffloadPlan) -> RegionGrid:
        """Regions of the picture that is sent: those of the frame, or of a smaller image of its own."""
        return self._grid(*plan.sent_size(frame.size))

    def _grid(self, height: int, width: int) -> RegionGrid:
        return RegionGrid(height=height, width=width) if self.welcome is None else self.welcome.grid(height, width)

    def wake_at(self, *, idle: bool, waiting: bool) -> float | None:
        """When `advance` has something to do."""
        times = (self.contact.ask_at(idle=idle), self.contact.redial_at(waiting=waiting))
        return min((time for time in times if time is not None), default=None)

    def greet(self, now: float) -> Send:
        """Introduce the device."""
        return Send(payload=encode(self.contact.greet(now)))

    def advance(self, now: float, *, idle: bool, waiting: bool) -> list[DeviceEvent]:
        """Time passed: connect anew, or ask for the server.

        What waits in a connection that says nothing would only delay the first words after it.
        """
        events: list[DeviceEvent] = []
        redial_at = self.contact.redial_at(waiting=waiting)
        if redial_at is not None and redial_at <= now:
            lost = [Lost(reason=f"no word from the server for {LOST_S:g} s")] if self.there else []
            self.contact.dialled(now)
            events += [*lost, Redial(), self.greet(now)]
        ask_at = self.contact.ask_at(idle=idle)
        if ask_at is not None and ask_at <= now:
            message = self.contact.ping(now, idle=idle) if self.there else self.contact.greet(now)
            events.append(Send(payload=encode(message)))
        return events

    def welcomed(self, welcome: Welcome) -> bool:
        """The server answered a greeting; whether that is news."""
        if self.there and welcome == self.welcome:
            return False  # the answer to a greeting that was repeated
        self.welcome, self._refusal = welcome, ""
        self.contact.welcome()
        return True

    def refused(self, error: ProtocolError, now: float) -> list[DeviceEvent]:
        """The server does not want this device. One that came back may be replaced by one that does: ask on.

        Raises the error before the first welcome.
        """
        if self.welcome is None:
            raise error
        self.contact.ended(now, refused=True)
        reason = str(error)
        if reason == self._refusal:
            return []
        self._refusal = reason
        return [Lost(reason=reason)]

    def greeting_refused(self, text: str, now: float) -> list[DeviceEvent]:
        """The server says why it does not want this device; as `refused`."""
        return self.refused(ProtocolError(f"the server refuses this device: {text}"), now)

    def ended(self, reason: str, now: float, *, refused: bool) -> list[DeviceEvent]:
        """The transport says that the connection is no more; a refusal is told once for each reason."""
        news = self.there or (refused and self.welcome is not None and reason != self._refusal)
        if refused:
            self._refusal = reason
        self.contact.ended(now, refused=refused)
        return [Lost(reason=reason)] if news else []

    def forgotten(self, now: float, reason: str) -> list[DeviceEvent]:
        """The server does not know this device; nothing if it said so before."""
        return [Lost(reason=reason), self.greet(now)] if self.there else []
