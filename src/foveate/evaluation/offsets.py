"""Where in a trace a run starts, drawn from a seed: the same for every policy, and for a run as for an experiment."""

import hashlib
from pathlib import Path


def drawn_offset(seed: int, video: Path, trace: Path, duration_s: float) -> float:
    """Seconds; depends on the seed, the files' names and the trace's length alone: all policies meet the same link."""
    digest = hashlib.sha256(f"{seed}/{video.name}/{trace.name}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return round(share * duration_s, 1)
