"""How fast this machine is, as earlier experiments found it: for plans, never for results."""

from pathlib import Path

import msgspec

from foveate.core import foveate_home


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of one core."""

    inference_s: float = 0.9
    """Per million pixels of a frame at full resolution."""
    frame_s: float = 0.015
    """Per simulated and scored frame, inferences apart."""
    measured: bool = False
    """False: nobody measured, the numbers are those of one old server core."""


def known_pace() -> Pace:
    """The last one measured here."""
    try:
        return msgspec.json.decode(_path().read_bytes(), type=Pace)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return Pace()


def keep_pace(*, inference_s: float | None, frame_s: float | None) -> None:
    """Remember what was measured now."""
    before = known_pace()
    pace = Pace(inference_s=inference_s or before.inference_s, frame_s=frame_s or before.frame_s, measured=True)
    _path().parent.mkdir(parents=True, exist_ok=True)
    _path().write_bytes(msgspec.json.encode(pace))


def _path() -> Path:
    return foveate_home() / "pace.json"
