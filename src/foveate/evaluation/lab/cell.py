"""One cell: a simulated run, described by values alone, and the key under which its result is kept."""

import hashlib
from pathlib import Path

import msgspec

from foveate.policies import by_name, policy_parameters

VERSION = 1
"""Of results; raised whenever simulation or scoring changes what comes out."""


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """A video as a cell needs it."""

    path: str
    name: str
    kind: str
    sha256: str
    truths: str
    """Digest of the annotations beside it."""
    frames: int
    """How many of the file's frames may be played."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """The server's model."""

    name: str
    """Name or path."""
    weights_hash: str


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """An uplink."""

    path: str
    name: str
    sha256: str
    scale: float
    group: str
    cluster: str
    """Traces that share a recording share this name."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Whose durations."""

    profile: str
    """Name or path."""
    label: str
    sha256: str
    """Digest of the profile's file."""
    mixed_gain: float = 1.0
    codec: float = 1.0
    tracker: float = 1.0


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A simulated run. What comes out depends on nothing else."""

    clip: Clip
    model: Model
    trace: Trace
    transport: str
    timing: Timing
    policy: str
    seconds: float
    offset_number: int
    """Counts the starts in the trace from 0."""
    offset_s: float
    seed: int

    @property
    def key(self) -> str:
        """Of the content alone: where files lie and what they are called does not matter."""
        policy = by_name(self.policy)
        content = [
            VERSION,
            [self.clip.sha256, self.clip.truths, self.clip.frames],
            self.model.weights_hash,
            [self.trace.sha256, self.trace.scale, self.offset_s],
            self.transport,
            [self.timing.sha256, self.timing.mixed_gain, self.timing.codec, self.timing.tracker],
            [policy.name, policy_parameters(policy)],
            [self.seconds, self.seed],
        ]
        return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:24]

    @property
    def group(self) -> tuple[str, ...]:
        """What all contenders share: cells that differ in the policy alone."""
        return (
            self.clip.name,
            self.trace.name,
            self.trace.group,
            self.transport,
            self.timing.label,
            str(self.offset_number),
        )

    def __str__(self) -> str:
        """For progress and error messages."""
        return f"{self.policy} on {self.clip.name}, {self.trace.name} from {self.offset_s:g} s, {self.timing.label}"


def sha256_of(path: Path) -> str:
    """Digest of a file's bytes; raises `OSError` where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
