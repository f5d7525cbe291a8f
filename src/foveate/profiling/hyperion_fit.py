"""Equations 3 and 4 of Hyperion from observations: rows -> `ClassProfile` -> errors on other scenes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core import CLASS_QUALITIES, ClassProfile, InputError, Provenance
from foveate.estimators import (
    fit_accuracy_line,
    fit_accuracy_table,
    fit_size_line,
    fit_size_table,
    predicted_accuracy,
    predicted_ratio,
)
from foveate.metrics import Counts
from foveate.profiling.hyperion import ClassObservation, Numbers, Qualities, all_combinations


@dataclass(frozen=True, kw_only=True, eq=False)
class SizeRows:
    """Sizes of all combinations on some frames, one row each."""

    ratio: Numbers
    """`(n,)`: size / original size."""
    shares: Numbers
    """`(n, classes)`: p_c."""
    chosen: NDArray[np.int64]
    """`(n, classes)`: q_c."""

    @property
    def mean_quality(self) -> Numbers:
        """sum_c p_c q_c, `(n,)`."""
        return np.asarray((self.shares * self.chosen).sum(axis=1))


def size_rows(observations: Sequence[ClassObservation]) -> SizeRows:
    """Every combination of qualities on every frame."""
    chosen = all_combinations()
    sizes = [[o.size(qualities) / o.original_bytes for qualities in chosen] for o in observations]
    return SizeRows(
        ratio=np.array(sizes).reshape(-1),
        shares=np.repeat([o.shares for o in observations], len(chosen), axis=0),
        chosen=np.tile(np.array(chosen, np.int64), (len(observations), 1)),
    )


def pooled_accuracy(observations: Sequence[ClassObservation]) -> dict[Qualities, float]:
    """F1 over all frames of each combination that was tried on all of them: frames differ more than qualities do.

    Raises `InputError` where there is no such combination.
    """
    sums: dict[Qualities, Counts] = {}
    tried: dict[Qualities, int] = {}
    for trial in (trial for o in observations for trial in o.trials):
        counts = Counts(tp=trial.tp, fp=trial.fp, fn=trial.fn)
        sums[trial.qualities] = sums.get(trial.qualities, Counts()) + counts
        tried[trial.qualities] = tried.get(trial.qualities, 0) + 1
    pooled = {qualities: counts.f1 for qualities, counts in sums.items() if tried[qualities] == len(observations)}
    if not pooled:
        raise InputError(f"no combination of qualities was tried on all of the {len(observations)} measured frames")
    return pooled


def fit_classes(observations: Sequence[ClassObservation], *, provenance: Provenance | None = None) -> ClassProfile:
    """Equations 3 and 4, the table of sizes, and originals by thumbnails. Raises `InputError` without frames."""
    if not observations:
        raise InputError("a profile of classes needs at least one measured frame, got none")
    rows = size_rows(observations)
    pooled = pooled_accuracy(observations)
    accuracy, chosen = np.array(list(pooled.values())), np.array(list(pooled))
    originals = np.array([o.original_bytes for o in observations])
    thumbnails = np.array([o.thumbnail_bytes for o in observations])
    return ClassProfile(
        line=fit_size_line(rows.ratio, rows.mean_quality),
        table=fit_size_table(rows.ratio, rows.shares, rows.chosen, CLASS_QUALITIES),
        accuracy=fit_accuracy_line(accuracy, chosen),
        accuracy_table=fit_accuracy_table(accuracy, chosen, CLASS_QUALITIES),
        original_per_thumbnail=float(np.exp(np.log(originals / thumbnails).mean())),
        provenance=provenance,
    )


def judge_classes(profile: ClassProfile, unseen: Sequence[ClassObservation]) -> dict[str, float]:
    """Correlations and errors of a profile on frames of other scenes than it was fitted to."""
    rows, figures = size_rows(unseen), dict[str, float]()
    shares, chosen = list(rows.shares), [tuple(row) for row in rows.chosen.tolist()]
    for name, model in (("line", profile.line), ("table", profile.table)):
        predicted = np.array([predicted_ratio(model, p, q) for p, q in zip(shares, chosen, strict=True)])
        figures |= {
            f"size_{name}_correlation": correlation(predicted, rows.ratio),
            f"size_{name}_mape": float((np.abs(predicted - rows.ratio) / rows.ratio).mean()),
            f"size_{name}_exceeded": float((rows.ratio > predicted).mean()),
        }
    pooled = pooled_accuracy(unseen)
    true = np.array(list(pooled.values()))
    for name, accuracy in (("line", profile.accuracy), ("table", profile.accuracy_table)):
        expected = np.array([predicted_accuracy(accuracy, qualities) for qualities in pooled])
        figures |= {
            f"accuracy_{name}_correlation": correlation(expected, true),
            f"accuracy_{name}_mae": float(np.abs(expected - true).mean()),
            f"accuracy_{name}_mae_without_offset": float(np.abs(expected - true - (expected - true).mean()).mean()),
        }
    originals = np.array([o.original_bytes for o in unseen])
    guessed = profile.original_per_thumbnail * np.array([o.thumbnail_bytes for o in unseen])
    return figures | {"original_mape": float((np.abs(guessed - originals) / originals).mean())}


def judge_across(observations: Sequence[ClassObservation]) -> dict[str, float]:
    """Means of `judge_classes` over scenes, each judged by a fit to all others; empty with a single scene."""
    scenes = sorted({o.scene for o in observations})
    if len(scenes) < 2:
        return {}
    found = [
        judge_classes(
            fit_classes([o for o in observations if o.scene != scene]), [o for o in observations if o.scene == scene]
        )
        for scene in scenes
    ]
    return {name: float(np.mean([figures[name] for figures in found])) for name in found[0]}


def correlation(a: Numbers, b: Numbers) -> float:
    """Pearson's; 0 where one of them never changes."""
    if min(np.ptp(a), np.ptp(b)) < 1e-12:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
