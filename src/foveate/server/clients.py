"""Who has greeted, which model each of them talks to, and when it was last heard of."""

from foveate.network.messages import Welcome
from foveate.server.limits import ServerLimits


class Clients:
    """Those heard of longest ago come first. `now` must not run back."""

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._welcomes: dict[bytes, Welcome] = {}
        self._heard_at: dict[bytes, float] = {}

    def __len__(self) -> int:
        return len(self._welcomes)

    def welcome(self, client: bytes) -> Welcome:
        """What a known client was told."""
        return self._welcomes[client]

    def greet(self, client: bytes, welcome: Welcome, now: float) -> bool:
        """Get to know a client, or know it anew; False if there is no room: see `silent`."""
        if client not in self._welcomes and len(self._welcomes) >= self._limits.clients:
            return False
        self._welcomes[client] = welcome
        self.heard(client, now)
        return True

    def heard(self, client: bytes, now: float) -> bool:
        """A message came; whether its sender is known."""
        if client not in self._welcomes:
            return False
        self._heard_at.pop(client, None)
        self._heard_at[client] = now
        return True

    def silent(self, now: float) -> bytes | None:
        """Who would have to make room for another client, if anybody."""
        return self._quiet_for(self._limits.silent_s, now)

    def idle(self, now: float) -> bytes | None:
        """Who has been silent for so long that it is to be forgotten, if anybody."""
        return self._quiet_for(self._limits.idle_s, now)

    def forget(self, client: bytes) -> None:
        """It must greet again."""
        del self._welcomes[client], self._heard_at[client]

    def _quiet_for(self, span_s: float, now: float) -> bytes | None:
        first = next(iter(self._heard_at), None)
        return first if first is not None and now - self._heard_at[first] >= span_s else None
