"""Whether a server is alive and ready, as those ask who start it again or send devices to it."""

from dataclasses import dataclass

from foveate.core import Clock
from foveate.server.events import LoopTurned, OffloadAnswered, OffloadRefused, ServerEvent

STALL_S = 5.0
"""A loop that has not turned for so long is stuck; idle it turns several times a second."""
HANG_S = 60.0
"""A model that has worked for so long and answered nothing hangs."""


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """The answer to `/readyz`."""

    ready: bool
    """Whether devices are answered."""
    reason: str
    """Why not, or "ready"."""


class Health:
    """An observer of turns and answers, asked by other threads: each field is written by one thread, in one step."""

    def __init__(self, clock: Clock, *, stall_s: float = STALL_S, hang_s: float = HANG_S) -> None:
        self._clock, self._stall_s, self._hang_s = clock, stall_s, hang_s
        self._started_at = clock.now()
        self._turned_at: float | None = None
        self._working_since: float | None = None

    @property
    def uptime_s(self) -> float:
        """Seconds since this was made."""
        return self._clock.now() - self._started_at

    def __call__(self, event: ServerEvent) -> None:
        """Note a turn or an answer; the first turn comes when the model is loaded."""
        match event:
            case LoopTurned(running=running):
                self._turned_at = now = self._clock.now()
                if not running:
                    self._working_since = None
                elif self._working_since is None:
                    self._working_since = now
            case OffloadAnswered() | OffloadRefused(by_engine=True):
                self._working_since = None

    def readiness(self) -> Readiness:
        """Whether the model is loaded, the loop turns and the model gets done with its work."""
        now, turned_at, since = self._clock.now(), self._turned_at, self._working_since
        if turned_at is None:
            return Readiness(ready=False, reason="the model is being loaded")
        if now - turned_at > self._stall_s:
            return Readiness(ready=False, reason=f"the loop has not turned for {now - turned_at:.1f} s")
        if since is not None and now - since > self._hang_s:
            return Readiness(ready=False, reason=f"the model has answered nothing for {now - since:.0f} s of work")
        return Readiness(ready=True, reason="ready")
