"""What the link of a simulation did to an offload, beside what its device could tell."""

from dataclasses import dataclass
from typing import Self

from foveate.network import Link

LINK_COLUMNS = ("link_uplink_s", "link_rtt_s", "link_capacity_bps")
"""Columns of `offloads.csv` that only a simulation has."""


@dataclass(frozen=True, kw_only=True)
class LinkTruth:
    """One message on the uplink."""

    uplink_s: float
    """From handing it to the socket to the arrival of its last byte; the device's `uplink_s` estimates it."""
    rtt_s: float
    """Round-trip time that held when it was sent; the device's is `rtt_s`."""
    capacity_bps: float
    """Mean rate of the trace from then until the last byte had left; the device's is `throughput_bps`."""

    @classmethod
    def of(cls, link: Link, *, sent_at: float, arrives_at: float) -> Self:
        """Of the message that was sent last."""
        return cls(
            uplink_s=arrives_at - sent_at,
            rtt_s=link.rtt_at(sent_at),
            capacity_bps=link.capacity_bps(sent_at, link.idle_at),
        )

    @property
    def row(self) -> tuple[str, str, int]:
        """Values of `LINK_COLUMNS`."""
        return f"{self.uplink_s:.6f}", f"{self.rtt_s:.6f}", round(self.capacity_bps)


NO_ROW = ("",) * len(LINK_COLUMNS)
"""Of an offload that was never sent."""
