"""`summary.json`: one run in figures. Spans are seconds, sizes bytes."""

import os
import platform
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from foveate.core import OffloadRecord
from foveate.evaluation.live_log import LiveLog

STAGES = ("encode", "uplink", "decode", "inference", "downlink")


def live_figures(log: LiveLog) -> dict[str, Any]:
    """What a run measured: counts, latencies, sizes. A figure without observations is None."""
    records = [done.record for done in log.offloads]
    landed = [done.record for done in log.succeeded]
    return {
        "frames": len(log.shown),
        "dropped_frames": log.dropped_frames,
        "offloads": len(records),
        "failed_offloads": len(records) - len(landed),
        "e2e_latency_s": spread([record.e2e_latency_s for record in landed]),
        "stages_s": {stage: median([_stage(record, stage) for record in landed]) for stage in STAGES},
        "rtt_s": median([record.rtt_s for record in landed]),
        "choices": choices(records),
        "offload_interval_frames": spread([after - before for before, after in pairwise(_sent_frames(records))]),
        "bytes_per_offload": _without(spread([record.payload_bytes for record in landed]), "p90"),
        "staleness_s": spread([shown.staleness_s for shown in log.shown if shown.staleness_s is not None]),
    }


def choices(records: Sequence[OffloadRecord]) -> dict[str, int]:
    """How often each reason for a plan occurs; one with two reasons, such as `lost stale`, counts in both."""
    counted = Counter(word for record in records for word in record.plan.reason.split())
    return dict(sorted(counted.items()))


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Mean, median and 90th percentile."""
    if not values:
        return {"mean": None, "p50": None, "p90": None}
    return {
        "mean": float(np.mean(values)),
        "p50": float(np.percentile(values, 50)),
        "p90": float(np.percentile(values, 90)),
    }


def median(values: Sequence[float]) -> float | None:
    """The middle value."""
    return float(np.median(values)) if values else None


def machine() -> str:
    """Processor, cores and system that the run was made on."""
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _stage(record: OffloadRecord, stage: str) -> float:
    span: float = getattr(record, f"{stage}_s")
    return span


def _sent_frames(records: Sequence[OffloadRecord]) -> list[int]:
    return [record.frame_index for record in records]


def _without(figures: dict[str, float | None], name: str) -> dict[str, float | None]:
    return {key: value for key, value in figures.items() if key != name}
