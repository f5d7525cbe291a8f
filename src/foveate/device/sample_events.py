"""What a device that classifies samples is asked to do, and what it tells."""

from dataclasses import dataclass

from foveate.core import ExpertCard, SampleRecord


@dataclass(frozen=True, kw_only=True)
class ClassifySample:
    """Run the generalist on a sample; then call `SampleSession.classified`."""

    sample: int


@dataclass(frozen=True, kw_only=True)
class EncodeSample:
    """Compress a sample; then call `SampleSession.encoded`."""

    sample: int


@dataclass(frozen=True, kw_only=True)
class SendToExperts:
    """Hand a message to the transport."""

    payload: bytes


@dataclass(frozen=True, kw_only=True)
class SampleDone:
    """A sample has its answer."""

    record: SampleRecord


@dataclass(frozen=True, kw_only=True)
class RosterChanged:
    """Other experts answer from now on."""

    experts: tuple[ExpertCard, ...]


SampleEvent = ClassifySample | EncodeSample | SendToExperts | SampleDone | RosterChanged
