"""Where numbers come from."""

from dataclasses import dataclass, field
from typing import Literal

Origin = Literal["measured", "published"]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where the numbers of a profile come from."""

    origin: Origin
    """`published`: built from figures of a publication; what it does not say is listed in `assumed`."""
    machine: str
    date: str
    """YYYY-MM-DD."""
    versions: dict[str, str] = field(default_factory=dict)
    model: str = ""
    weights_hash: str = ""
    sources: tuple[str, ...] = ()
    """Place of each published number in its text, or the command that measured."""
    assumed: tuple[str, ...] = ()
    """Which numbers are nobody's measurement."""
