"""The newest answer to each client: what the live page shows. Compressed frames are kept as they came."""

from collections import deque
from dataclasses import dataclass
from threading import Lock

from foveate.core import Clock, Detections, Mask, RegionGrid
from foveate.network.messages import Offload, Welcome, unpack_mask
from foveate.server.events import ClientForgotten, OffloadAnswered, ServerEvent, ServingStarted

MOST_CLIENTS = 64
"""Clients shown; beyond that the one that was answered longest ago is left out."""
HISTORY = 60
"""Latencies kept of each client."""
GONE_AFTER_S = 60.0
"""A client without an answer for so long is no longer shown."""


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """One client as it was last answered."""

    client: bytes
    """Its name in the transport."""
    number: int
    """Counts all answers of the server: a view with another number is another view."""
    offload: Offload
    """The frame as it was sent."""
    detections: Detections
    """What the model found in it."""
    grid: RegionGrid
    """Decision regions of the frame."""
    model: str
    """Which model answered."""
    queue_s: float
    """Wait for the engine, seconds."""
    decode_s: float
    """JPEGs to tiles, seconds."""
    inference_s: float
    """Tiles to boxes, seconds."""
    latencies_s: tuple[float, ...]
    """Queue, decoding and inference together of the last answers, newest last, at most `HISTORY`."""
    answered_at: float
    """When, on the server's clock."""

    @property
    def mask(self) -> Mask:
        """Downsampled regions: bool `(regions_h, regions_w)`."""
        return self.grid.check_mask(unpack_mask(self.offload.mask, self.grid))


class Gallery:
    """An observer: written by the server's loop, read by the page's thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started_at = clock.now()
        self._lock = Lock()
        self._welcomes: dict[str, Welcome] = {}
        self._views: dict[bytes, View] = {}
        self._answers = 0

    def __call__(self, event: ServerEvent) -> None:
        """Keep what an answer shows; forget who is forgotten."""
        with self._lock:
            match event:
                case ServingStarted(welcome=welcome):
                    self._welcomes[welcome.model] = welcome
                case OffloadAnswered():
                    self._keep(event)
                case ClientForgotten(client=client):
                    self._views.pop(client, None)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that run here; empty while they are loaded."""
        with self._lock:
            return tuple(self._welcomes)

    @property
    def answers(self) -> int:
        """Offloads answered since the start."""
        return self._answers

    @property
    def uptime_s(self) -> float:
        """Seconds since this was made."""
        return self._clock.now() - self._started_at

    def age_s(self, view: View) -> float:
        """Seconds since the view was answered."""
        return self._clock.now() - view.answered_at

    def views(self) -> list[View]:
        """One view a client that is not gone, in the order of their names."""
        with self._lock:
            views = [view for view in self._views.values() if self.age_s(view) <= GONE_AFTER_S]
        return sorted(views, key=lambda view: view.client)

    def _keep(self, event: OffloadAnswered) -> None:
        welcome = self._welcomes.get(event.inferred.model)
        if welcome is None or not isinstance(event.offload, Offload):
            return  # the page draws mixed frames; parts are no whole picture
        self._answers += 1
        before = self._views.pop(event.client, None)
        inferred, offload = event.inferred, event.offload
        total_s = event.queue_s + inferred.decode_s + inferred.inference_s
        self._views[event.client] = View(
            client=event.client,
            number=self._answers,
            offload=offload,
            detections=inferred.detections,
            grid=welcome.grid(offload.height, offload.width),
            model=inferred.model,
            queue_s=event.queue_s,
            decode_s=inferred.decode_s,
            inference_s=inferred.inference_s,
            latencies_s=tuple(deque((*(before.latencies_s if before else ()), total_s), HISTORY)),
            answered_at=self._clock.now(),
        )
        if len(self._views) > MOST_CLIENTS:
            del self._views[next(iter(self._views))]
