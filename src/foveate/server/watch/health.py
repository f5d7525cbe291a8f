"""Whether a server is alive and ready, as those ask who start it again or send devices to it."""

from dataclasses import dataclass

from foveate.core import Clock
from foveate.server.events import LoopTurned, ServerEvent

STALL_S = 5.0
"""A loop that has not turned for so long is stuck; idle it turns several times a second."""


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """The answer to `/readyz`."""

    ready: bool
    """Whether devices are answered."""
    reason: str
    """Why not, or "ready"."""


class Health:
    """An observer of the loop's turns, asked by other threads: each field is written by one thread, in one step."""

    def __init__(self, clock: Clock, *, stall_s: float = STALL_S) -> None:
        self._clock, self._stall_s = clock, stall_s
        self._started_at = clock.now()
        self._turned_at: float | None = None

    @property
    def uptime_s(self) -> float:
        """Seconds since this was made."""
        return self._clock.now() - self._started_at

    @property
    def silence_s(self) -> float | None:
        """Seconds since the loop last turned; None before its first turn."""
        turned_at = self._turned_at
        return None if turned_at is None else self._clock.now() - turned_at

    def __call__(self, event: ServerEvent) -> None:
        """Note a turn; the first one comes when the model is loaded."""
        if isinstance(event, LoopTurned):
            self._turned_at = self._clock.now()

    def readiness(self) -> Readiness:
        """Whether the model is loaded and the loop turns."""
        silence_s = self.silence_s
        if silence_s is None:
            return Readiness(ready=False, reason="the model is being loaded")
        if silence_s > self._stall_s:
            return Readiness(ready=False, reason=f"the loop has not turned for {silence_s:.1f} s")
        return Readiness(ready=True, reason="ready")
