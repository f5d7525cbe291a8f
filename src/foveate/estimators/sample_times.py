"""Durations of generalist and experts in files, and those that ship."""

from dataclasses import asdict
from pathlib import Path

import msgspec

from foveate.core import InputError, MediaError, SampleTimes

ZEN4_CORE = SampleTimes(
    source="one core of an EPYC Zen 4, bfloat16, processor time of calls 20 ms apart, other work beside it",
    generalist_s=0.0058,
    expert_on_device_s=0.0080,
    encode_s=0.00012,
    decode_s=0.00015,
    batch_s=0.0038,
    sample_s=0.0038,
)
"""What `foveate profile experts` measures for the models of `configs/experts_tiny_imagenet.py` (docs/results.md)."""

SAMPLE_TIMES = {"zen4-core": ZEN4_CORE}
"""By name."""


def load_sample_times(name_or_path: str) -> SampleTimes:
    """Durations by name or from a file; raises `InputError` for an unknown name, `MediaError` for a bad file."""
    if name_or_path in SAMPLE_TIMES:
        return SAMPLE_TIMES[name_or_path]
    path = Path(name_or_path)
    if not path.is_file():
        raise InputError(f"no durations named {name_or_path!r}; known: {', '.join(SAMPLE_TIMES)}, or a file")
    try:
        return msgspec.json.decode(path.read_bytes(), type=SampleTimes)
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise MediaError(f"{path} does not hold durations of generalist and experts: {error}") from error


def save_sample_times(times: SampleTimes, path: Path) -> None:
    """Write durations as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(asdict(times)), indent=2) + b"\n")
