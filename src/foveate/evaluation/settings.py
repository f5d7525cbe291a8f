"""What `foveate run` was asked for."""

from dataclasses import dataclass
from pathlib import Path

from foveate.core import InputError
from foveate.network import LinkSettings, Outage, UplinkTrace
from foveate.network.trace import LATEST_START_S


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """One run. Raises `InputError` on numbers out of range."""

    video: Path
    """The clip."""
    trace: Path
    """The uplink."""
    policy: str
    """`NAME[:parameter=value,...]`."""
    out: Path
    """Folder for tables, summary and video."""
    model: str
    """Name or path of the server's model."""
    simulate: bool = False
    """On virtual time, with the durations of `profile`."""
    profile: str | None = None
    """Name or path; simulations need one, and policies that compare estimates."""
    seed: int | None = None
    """What `trace_offset_s` was drawn from, if it was not given, and durations of a simulation are."""
    trace_offset_s: float = 0.0
    """Where in the trace the run starts, seconds."""
    trace_rtt_s: float | None = None
    """Round-trip time of a mahimahi trace, which holds none; None = 40 ms, or the trace's own."""
    transport: str = "ideal"
    """Who sends over the link: a name of `foveate.network.TRANSPORTS`."""
    outages: tuple[Outage, ...] = ()
    """When the link is cut, seconds since its first byte."""
    pin: bool = False
    """Device and server on one CPU core each."""
    with_video: bool = True
    """Make `annotated.mp4`."""
    view: bool = False
    """Show the run in the Rerun viewer afterwards."""
    view_file: Path | None = None
    """Save that as a recording (`.rrd`) instead."""
    with_truth: bool = True
    """Score the run."""
    loop: int = 1
    """How often the clip is played, alternately forward and backward."""

    def __post_init__(self) -> None:
        if not 0 <= self.trace_offset_s <= LATEST_START_S:
            raise InputError(f"the trace offset must lie in 0..{LATEST_START_S:g} s, got {self.trace_offset_s:g}")

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Files that the run reads, and exact truth beside the clip. What is only a name, or missing, is among them."""
        video = Path(self.video)
        others = (self.trace, self.model, self.profile)
        return (video, video.with_suffix(".json"), *(Path(name) for name in others if name is not None))

    def link(self) -> LinkSettings:
        """The link between device and server. Raises `InputError` if trace or transport cannot be used."""
        trace = UplinkTrace.load(self.trace, rtt_s=self.trace_rtt_s, offset_s=self.trace_offset_s)
        return LinkSettings(trace=trace, transport=self.transport, outages=self.outages)
