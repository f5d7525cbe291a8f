"""What a session hands to its engine."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from foveate.core import Mask, RegionGrid
from foveate.network.messages import AnyOffload

Decoded = TypeVar("Decoded")
"""What a decoder makes of an offload; the session only keeps it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """One offload for the engine; hand the outcome to `ServerSession.finished` or `failed`."""

    client: bytes
    """Who waits for it."""
    model: str
    """Name of the model that is to run."""
    offload: AnyOffload
    """What to run."""
    tokens: int
    """Tokens that a block of the backbone will see of this frame, averaged over the subsets."""
    full_tokens: int
    """Tokens of the whole frame at full resolution."""
    queue_s: float = 0.0
    """How long it has waited for the engine, decoding apart, seconds."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch(Generic[Decoded]):
    """Offloads that go through one model together."""

    model: str
    """Its name."""
    works: tuple[Work, ...]
    """At least one."""
    decoded: tuple[Decoded, ...]
    """What was made of each."""


def seen_tokens(grid: RegionGrid, mask: Mask | None, restoration_point: int, subsets: int) -> int:
    """Tokens that a block sees of a frame, averaged over the subsets: with restoration point k, k of them see fewer.

    With one beyond the last subset, after the last block, all of them do.
    """
    if subsets == 0:
        return grid.tokens()
    fewer = min(restoration_point, subsets) / subsets
    return round(fewer * grid.tokens(mask) + (1 - fewer) * grid.tokens())
