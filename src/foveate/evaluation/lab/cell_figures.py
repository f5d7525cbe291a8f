"""Figures and rows of a finished cell."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from foveate.core import OffloadRecord
from foveate.device import OffloadDone
from foveate.device.recorder import offload_row
from foveate.evaluation.lab.frame_scores import Scored, f1_of, scored_frames
from foveate.evaluation.lab.object_scores import Objects
from foveate.evaluation.lab.references import REFERENCES, Reference, main_reference
from foveate.evaluation.lab.result import CellResult, Row, Value
from foveate.evaluation.lab.segment import Segment
from foveate.evaluation.live_log import LiveLog, Shown
from foveate.evaluation.summary import STAGES


def result_of(log: LiveLog, clip: Segment, references: Sequence[Reference], started_at: float) -> CellResult:
    """Figures and rows; points in time count from the capture of the first frame, at `started_at`."""
    shown = scored_frames(((s.frame, s.detections) for s in log.shown), references, clip.file_position)
    landed = [(done.record.frame_index, done.result) for done in log.succeeded if done.result is not None]
    inferred = scored_frames(landed, references, clip.file_position)
    main = main_reference(references)
    objects = Objects(main, order=clip.order or (), fps=clip.fps, frame_height=clip.size[0])
    sources = {s.frame: s.source_frame for s in log.shown}
    new = objects.new_objects(shown, sources.get)
    figures: dict[str, Value] = {
        **_counts(log),
        **{f"rendering_f1_{r.name}": f1_of(shown, r.name) for r in references},
        **{f"inference_f1_{r.name}": f1_of(inferred, r.name) for r in references},
        **_latencies([done.record for done in log.succeeded]),
        **_spread("staleness_s", [s.staleness_s for s in log.shown if s.staleness_s is not None]),
        **_spread("interval_frames", [b - a for a, b in pairwise(done.record.frame_index for done in log.offloads)]),
        "new_objects": None if new is None else new.new,
        "objects_shown": None if new is None else new.objects,
        "new_objects_found": None if new is None else new.found,
        "ignored_objects": sum(f.scores[main.name].ignored for f in shown if main.name in f.scores),
        "dropped_predictions": sum(f.scores[main.name].dropped for f in shown if main.name in f.scores),
    }
    return CellResult(
        figures=figures,
        frames=[_frame_row(s, f, clip) for s, f in zip(log.shown, shown, strict=True)],
        offloads=_offload_rows(log, inferred, started_at),
        objects=[
            {"property": what, "bin": name, "tp": c.tp, "fp": c.fp, "fn": c.fn}
            for (what, name), c in sorted(objects.by_bin(shown).items())
        ],
        choices=_choices(log),
    )


def _counts(log: LiveLog) -> dict[str, Value]:
    first = next((s.frame for s in log.shown if s.source_frame is not None), None)
    return {
        "frames": len(log.shown),
        "offloads": len(log.offloads),
        "failed_offloads": len(log.offloads) - len(log.succeeded),
        "first_result_frame": first,
    }


def _latencies(records: Sequence[OffloadRecord]) -> dict[str, Value]:
    figures = _spread("e2e_latency_s", [record.e2e_latency_s for record in records])
    for stage in STAGES:
        figures |= _spread(f"{stage}_s", [getattr(record, f"{stage}_s") for record in records])
    figures |= _spread("network_s", [record.uplink_s + record.downlink_s for record in records])
    figures |= _spread("codec_s", [record.encode_s + record.decode_s for record in records])
    return figures | _spread("bytes", [float(record.payload_bytes) for record in records])


def _spread(name: str, values: Sequence[float]) -> dict[str, Value]:
    """Mean and percentiles."""
    figures: dict[str, Value] = {f"{name}_mean": float(np.mean(values)) if values else None}
    for percentile in (25, 50, 75, 95, 99):
        figures[f"{name}_p{percentile}"] = float(np.percentile(values, percentile)) if values else None
    return figures


def _frame_row(shown: Shown, scored: Scored, clip: Segment) -> Row:
    # Frame n is displayed one interval after its capture, whatever happens.
    displayed_at = (shown.frame + 1) / clip.fps
    position = clip.file_position(shown.frame)
    head = (shown.frame, position, displayed_at, shown.source_frame, shown.staleness_s, len(shown.detections))
    return (*head, *_count_columns(scored))


def _offload_rows(log: LiveLog, inferred: Sequence[Scored], started_at: float) -> list[Row]:
    by_frame = {scored.index: scored for scored in inferred}
    return [_offload_row(done, by_frame.get(done.record.frame_index), started_at) for done in log.offloads]


def _offload_row(done: OffloadDone, scored: Scored | None, started_at: float) -> Row:
    counts = (None,) * 3 * len(REFERENCES) if scored is None else _count_columns(scored)
    return (*offload_row(done, started_at), *counts)


def _count_columns(scored: Scored) -> Row:
    """tp, fp, fn against each reference; empty where there is none."""
    columns: list[Value] = []
    for name in REFERENCES:
        score = scored.scores.get(name)
        columns += (None,) * 3 if score is None else (score.counts.tp, score.counts.fp, score.counts.fn)
    return tuple(columns)


def _choices(log: LiveLog) -> list[dict[str, Any]]:
    """How often each value of each part of a plan occurs; a reason of two words counts for both."""
    counted: Counter[tuple[str, str]] = Counter()
    for plan in (done.record.plan for done in log.offloads):
        counted.update(("reason", word) for word in plan.reason.split() or ["none given"])
        counted["type", str(plan.downsampling_type)] += 1
        counted["quality", str(plan.jpeg_quality)] += 1
        counted["beta", str(plan.restoration_point) if plan.downsampled_regions else "nothing downsampled"] += 1
        counted["frame scale", f"{plan.frame_scale:g}"] += 1
        counted["blanked", "some regions" if plan.blanked_regions else "none"] += 1
    return [{"part": part, "value": value, "count": n} for (part, value), n in sorted(counted.items())]
