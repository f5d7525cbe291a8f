"""Accuracies over all trainings: two-way bootstrap over pictures and trainings.

Every training is asked about the same pictures. Both are drawn with replacement, each apart from the other; with three
trainings their part of the interval is rather too narrow, with one there is none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foveate.evaluation.lab.statistics import Interval, interval

DRAWS = 2000
Figure = Literal["accuracy", "ours_above", "on_subset", "limited", "overall", "over_static"]
PerPicture = Mapping[tuple[Figure, str], NDArray[np.float64]]
"""Of one training: figure and row or kind of experts -> `(n,)`, one value a picture."""


def pooled_figures(trainings: Sequence[PerPicture]) -> Iterator[dict[str, Any]]:
    """One row a figure, over the trainings that have it."""
    for figure, label in dict.fromkeys(key for training in trainings for key in training):
        values = np.array([training[figure, label] for training in trainings if (figure, label) in training])
        found = over_both(values)
        yield {
            "figure": figure,
            "of": label,
            "trainings": len(values),
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "by_training": [float(value) for value in values.mean(axis=1)],
        }


def over_both(values: NDArray[np.float64]) -> Interval:
    """Mean of `(trainings, pictures)`."""
    rng, draws = np.random.default_rng(0), np.empty(DRAWS)
    trainings, pictures = values.shape
    for number in range(DRAWS):
        mean = values[rng.integers(trainings, size=trainings)].mean(axis=0)
        draws[number] = mean[rng.integers(pictures, size=pictures)].mean()
    return interval(float(values.mean()), draws)


def pooled_of(rows: Sequence[dict[str, Any]], figure: Figure, label: str) -> Interval | None:
    """One of the figures; None where no training has it."""
    found = [row for row in rows if (row["figure"], row["of"]) == (figure, label)]
    return Interval(value=found[0]["value"], low=found[0]["low"], high=found[0]["high"]) if found else None
