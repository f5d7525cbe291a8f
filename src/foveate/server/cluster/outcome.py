"""What comes back from a replica."""

from dataclasses import dataclass

from foveate.server.engine import Inferred


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """Of one offload: a result, or why there is none."""

    inferred: Inferred | None = None
    """Without its frame: pixels do not travel back."""
    reason: str = ""
    """One of `REFUSALS` if there is no result."""
    text: str = ""
    """What the device is told then."""
