"""How long a client may talk nonsense before it is ignored for a while."""

from dataclasses import dataclass

from foveate.server.limits import ServerLimits

MOST_OFFENDERS = 4096
"""Remembered at a time; the one whose last offence is longest ago goes first."""


@dataclass(kw_only=True)
class _Offender:
    offences: float
    """Not yet forgiven, at `at`."""
    at: float
    ignored_until: float = float("-inf")


class Tolerance:
    """A bucket of malformed messages for each client that sent any. `now` must not run back."""

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._offenders: dict[bytes, _Offender] = {}

    def ignores(self, client: bytes, now: float) -> bool:
        """Whether what the client sends is not to be read."""
        offender = self._offenders.get(client)
        return offender is not None and now < offender.ignored_until

    def offended(self, client: bytes, now: float) -> bool:
        """A malformed message came; whether its sender is ignored from now on."""
        limits = self._limits
        offender = self._offenders.pop(client, None) or _Offender(offences=0.0, at=now)
        self._offenders[client] = offender
        if len(self._offenders) > MOST_OFFENDERS:
            del self._offenders[next(iter(self._offenders))]
        offender.offences = max(offender.offences - (now - offender.at) * limits.malformed_per_s, 0.0) + 1
        offender.at = now
        if offender.offences <= limits.malformed:
            return False
        offender.offences, offender.ignored_until = 0.0, now + limits.ignored_s
        return True
