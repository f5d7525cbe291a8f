"""How good experts are at their own classes and at all: the table behind the paper's +4.12 and +2.76."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.evaluation.experts.models import Outputs, SentPictures, TrainedModel

DRAWS = 2000
Values = NDArray[np.floating] | NDArray[np.bool_]
"""One a picture."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of right answers with its 95 % interval over pictures."""

    value: float
    low: float
    high: float
    count: int
    """Pictures."""


@dataclass(frozen=True, kw_only=True)
class KindFigures:
    """Experts of one kind, all together."""

    kind: str
    on_subset: Share
    """Each expert on the pictures of its own classes."""
    overall: Share
    """Each expert on all pictures, mean over experts."""
    base_on_subset: Share
    """The base on the same pictures of the subsets."""
    limited: Share
    """Each expert on the pictures of its own classes, answers limited to these: what it can tell apart there."""
    base_limited: Share
    """The base, limited likewise."""
    over_static: Share | None
    """On its own classes, less static experts on the same pictures; None where those have other subsets."""


def kind_figures(kind: str, answers: "KindAnswers", *, base: "KindAnswers", static: "KindAnswers") -> KindFigures:
    """Accuracies of the experts of a kind, beside those of the base on the same pictures."""
    alike = answers.subsets == static.subsets
    return KindFigures(
        kind=kind,
        on_subset=share(answers.own),
        overall=share(answers.overall),
        base_on_subset=share(base.own),
        limited=share(answers.limited),
        base_limited=share(base.limited),
        over_static=difference(answers.own, static.own) if alike else None,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class KindAnswers:
    """How right the experts of a kind are about each picture: `(n,)`, means over experts."""

    subsets: tuple[tuple[int, ...], ...]
    own: NDArray[np.float64]
    """Those whose classes hold the picture's."""
    limited: NDArray[np.float64]
    """The same, answers limited to their own classes."""
    overall: NDArray[np.float64]
    """All of them."""


def kind_answers(
    experts: Sequence[TrainedModel], subsets: Sequence[tuple[int, ...]], sent: SentPictures, outputs: Outputs
) -> KindAnswers:
    """Each expert with its subset, which together hold every class; the base may stand for all of them."""
    labels = sent.images.labels
    logits = [outputs.logits(expert, sent.arrived) for expert in experts]
    inside = np.array([np.isin(labels, subset) for subset in subsets])
    right = np.array([rows.argmax(axis=1) == labels for rows in logits])
    within = np.array(
        [
            np.array(subset)[rows[:, list(subset)].argmax(axis=1)] == labels
            for subset, rows in zip(subsets, logits, strict=True)
        ]
    )
    return KindAnswers(
        subsets=tuple(subsets),
        own=(right & inside).sum(axis=0) / inside.sum(axis=0),
        limited=(within & inside).sum(axis=0) / inside.sum(axis=0),
        overall=right.mean(axis=0),
    )


def share(values: Values) -> Share:
    """Mean of values per picture, pictures drawn with replacement for the interval."""
    numbers = np.asarray(values, np.float64)
    low, high = np.percentile(_draws(len(numbers), lambda index: float(numbers[index].mean())), (2.5, 97.5))
    return Share(value=float(numbers.mean()), low=float(low), high=float(high), count=len(numbers))


def difference(
    ours: NDArray[np.floating] | NDArray[np.bool_], theirs: NDArray[np.floating] | NDArray[np.bool_]
) -> Share:
    """Mean difference over the same pictures."""
    return share(ours.astype(np.float64) - theirs.astype(np.float64))


def _draws(count: int, figure: Callable[[NDArray[np.int64]], float]) -> list[float]:
    rng = np.random.default_rng(0)
    return [figure(rng.integers(count, size=count)) for _ in range(DRAWS)]
