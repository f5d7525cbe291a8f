"""Which clips and traces serve tuning and which evaluation: `splits.json` beside this file."""

from collections import Counter
from pathlib import Path
from typing import Literal

import msgspec

from foveate.core import InputError, MediaError, foveate_home

_FILE = Path(__file__).with_suffix(".json")


class SplitClip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A clip."""

    name: str
    """Of its file, without `.mp4` and, for a rendered clip, without what may follow."""
    kind: Literal["rendered", "real"]
    side: Literal["profiling", "evaluation"]
    frames: int | None = None
    """How many from its beginning count; None: all. A clip ends where its camera was cut."""


class SplitTrace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An uplink trace."""

    file: str
    """Relative to the folder of traces."""
    side: Literal["tuning", "evaluation", "reserve"]
    """`evaluation`: one of the standard table."""

    @property
    def technology(self) -> str:
        """`4g` or `5g`."""
        return self.file.partition("/")[0]


class Splits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    notes: list[str]
    clips: list[SplitClip]
    traces: list[SplitTrace]


def load_splits(path: Path = _FILE) -> Splits:
    """The committed splits. Raises `MediaError` on a bad file, `InputError` where something is named twice."""
    try:
        splits = msgspec.json.decode(path.read_bytes(), type=Splits)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MediaError(f"{path} does not name clips and traces: {error}") from error
    names = Counter([clip.name for clip in splits.clips] + [trace.file for trace in splits.traces])
    if twice := [name for name, count in names.items() if count > 1]:
        raise InputError(f"{path} names {', '.join(twice)} more than once")
    return splits


def find_clip(clip: SplitClip, videos: Path) -> Path | None:
    """The file of a clip: in the folder `videos` if it is real, under `$FOVEATE_HOME/world` if it is rendered.

    There itself or in a folder of its own. None where it is not. Where there are several renderings, the one of the
    standard length counts, `walk-rain-profile.mp4`; without it that of the longest name, as `walk-rain-profile-8s.mp4`.
    """
    if clip.kind == "real":
        path = videos / f"{clip.name}.mp4"
        return path if path.is_file() else None
    world = foveate_home() / "world"
    found = [*world.glob(f"{clip.name}*.mp4"), *world.glob(f"{clip.name}*/{clip.name}*.mp4")]
    return max(found, key=lambda path: (path.stem == clip.name, len(path.name), path.name)) if found else None
