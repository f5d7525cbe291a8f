"""One run of Ask the Expert in figures. Spans are seconds, energies joules a sample."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from foveate.core import ExpertCard, PowerModel, SampleRecord
from foveate.estimators.sample_costs import sample_energy

STRETCH = 25
"""Samples that follow one another and whose mean counts as one when intervals are drawn."""
STAGES = ("wait", "generalist", "encode", "uplink", "queue", "decode", "inference", "downlink")


def run_figures(records: Sequence[SampleRecord], power: PowerModel, cards: tuple[ExpertCard, ...]) -> dict[str, Any]:
    """Accuracy, latency, energy and who answered. Figures without samples are None."""
    asked = [record for record in records if record.expert is not None]
    return {
        "samples": len(records),
        "accuracy": _share([record.is_right for record in records]),
        "generalist_accuracy": _share([r.generalist_class == r.label for r in records if r.generalist_s > 0]),
        "offloaded": len(asked) / len(records) if records else None,
        "accuracy_of_offloaded": _share([record.is_right for record in asked]),
        "asked_an_expert_of_its_class": _share(_hits(asked, cards)),
        "answered_by": dict(Counter(record.answerer for record in records)),
        "reasons": dict(sorted(Counter(record.reason for record in records).items())),
        "latency_s": spread([record.latency_s for record in records]),
        "latency_of_offloaded_s": spread([record.latency_s for record in asked]),
        "stages_s": {stage: _mean([getattr(r, f"{stage}_s") for r in records]) for stage in STAGES},
        "bytes_per_offload": _mean([r.payload_bytes for r in asked if r.payload_bytes]),
        "batch": _mean([record.batch for record in records if record.batch]),
        "energy_j": energy_figures(records, power),
    }


def energy_figures(records: Sequence[SampleRecord], power: PowerModel) -> dict[str, float | None]:
    """Means a sample by where it is spent, their sum, and the sum with idle power of device and server."""
    if not records:
        return dict.fromkeys(("device", "radio", "server", "total", "with_idle"))
    spent = [sample_energy(record, power) for record in records]
    seconds = max(r.finished_at for r in records) - min(r.arrived_at for r in records)
    total = float(np.mean([energy.total_j for energy in spent]))
    idle = (power.device_idle_w + power.server_idle_w) * seconds / len(records)
    return {
        "device": float(np.mean([energy.device_j for energy in spent])),
        "radio": float(np.mean([energy.radio_j for energy in spent])),
        "server": float(np.mean([energy.server_j for energy in spent])),
        "total": total,
        "with_idle": total + idle,
    }


def stretches(records: Sequence[SampleRecord], power: PowerModel, other: PowerModel) -> dict[str, list[float]]:
    """Mean latency and energy (idle power left out, by two models) of each stretch of samples, in their order."""
    samples = {
        "latency_s": [record.latency_s for record in records],
        "energy_j": [sample_energy(record, power).total_j for record in records],
        "other_energy_j": [sample_energy(record, other).total_j for record in records],
    }
    starts = range(0, len(records), STRETCH)
    return {name: [float(np.mean(values[at : at + STRETCH])) for at in starts] for name, values in samples.items()}


def spread(values: Sequence[float]) -> dict[str, float | None]:
    """Mean, median, 90th and 99th percentile."""
    if not values:
        return dict.fromkeys(("mean", "p50", "p90", "p99"))
    p50, p90, p99 = (float(value) for value in np.percentile(values, (50, 90, 99)))
    return {"mean": float(np.mean(values)), "p50": p50, "p90": p90, "p99": p99}


def _hits(asked: Sequence[SampleRecord], cards: tuple[ExpertCard, ...]) -> list[bool]:
    subsets = {card.name: frozenset(card.subset) for card in cards}
    return [record.label in subsets[record.expert] for record in asked if record.expert in subsets]


def _share(values: Sequence[bool]) -> float | None:
    return float(np.mean(values)) if values else None


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
