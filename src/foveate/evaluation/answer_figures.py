"""A run of answered frames in figures: per frame and as a stream (docs/hyperion.md). Spans are seconds."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from foveate.core import Detections
from foveate.evaluation.answer_log import AnswerLog, Given
from foveate.evaluation.summary import spread
from foveate.metrics import Truth, average_precision

Truths = Mapping[int, Truth]
"""By position in the file."""


def answer_figures(log: AnswerLog, *, deadline_s: float, seconds: float) -> dict[str, Any]:
    """What needs no truth: rates, latencies, bytes. `seconds`: how long the camera ran. Without observations None."""
    answers = log.answers
    latencies = [given.latency_s for given in answers]
    sent = [given for given in answers if given.payload_bytes]
    offloaded = sum(done.record.payload_bytes for done in log.offloads)
    expected = [(g.payload_bytes, g.expected_bytes) for g in sent if g.expected_bytes is not None]
    return {
        "frames": len(log.shown),
        "answers": len(answers),
        "valid_answers": sum(given.valid for given in answers),
        "frame_rate_fps": sum(given.valid for given in answers) / seconds,
        "violation_rate": _share([not given.valid for given in answers]),
        "late_clouds": _share([done.result is None or _late(done, deadline_s) for done in log.offloads]),
        "frame_latency_s": spread(latencies) | {"p95": _percentile(latencies, 95)},
        "latency_deviation": _mean([(latency - deadline_s) / deadline_s for latency in latencies]),
        "made_of": dict(sorted(Counter(given.made_of for given in answers).items())),
        "offloads": len(log.offloads),
        "offloaded_bytes": offloaded,
        "probe_bytes": log.probe_bytes,
        "bytes_per_answer": (offloaded + log.probe_bytes) / len(answers) if answers else None,
        "bytes_per_offload": _mean([float(given.payload_bytes) for given in sent]),
        "size_above_expected": _share([size > guess for size, guess in expected]),
        "size_error": _mean([abs(size - guess) / size for size, guess in expected]),
        "class_shares": _mean_shares(answers),
        "qualities": dict(sorted(Counter("/".join(map(str, g.qualities)) for g in sent if g.qualities).items())),
        "look_s": spread([given.look_s for given in answers if given.look_s is not None]),
        "staleness_s": spread([shown.staleness_s for shown in log.shown if shown.staleness_s is not None]),
    }


def answer_scores(log: AnswerLog, truths: Truths, file_position: Callable[[int], int]) -> dict[str, Any]:
    """AP50 of every answer on its own frame, and of every displayed frame on what was true when it was shown."""
    answered = _precision(((given.frame, given.detections) for given in log.answers), truths, file_position)
    shown = _precision(((shown.frame, shown.detections) for shown in log.shown), truths, file_position)
    return {"per_frame": answered, "streaming": shown}


def _precision(
    frames: Iterable[tuple[int, Detections]], truths: Truths, file_position: Callable[[int], int]
) -> dict[str, Any] | None:
    """None where no frame has a truth."""
    pairs = [
        (detections, truths[file_position(index)]) for index, detections in frames if file_position(index) in truths
    ]
    if not pairs:
        return None
    found = average_precision(pairs)
    return {
        "ap50": found.ap50,
        "frames": len(pairs),
        "classes": {name: entry.ap50 for name, entry in found.classes.items()},
        "sizes": {name: entry.ap50 for name, entry in found.sizes.items()},
    }


def _late(done: Any, deadline_s: float) -> bool:
    return bool(done.record.finished_at - done.captured_at > deadline_s + 1e-9)


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _percentile(values: Sequence[float], percentile: float) -> float | None:
    return float(np.percentile(values, percentile)) if values else None


def _mean_shares(answers: Sequence[Given]) -> list[float] | None:
    rows = [given.class_shares for given in answers if given.class_shares]
    return np.mean(rows, axis=0).tolist() if rows else None
