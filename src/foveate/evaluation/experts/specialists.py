"""How good experts are at their own classes and at all: the table behind the paper's +4.12 and +2.76."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.evaluation.experts.models import Outputs, SentPictures, TrainedModel

DRAWS = 2000


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
    over_static: Share | None
    """On its own classes, less static experts on the same pictures; None where those have other subsets."""


def kind_figures(
    kind: str,
    experts: Sequence[TrainedModel],
    *,
    base: TrainedModel,
    static: Sequence[TrainedModel],
    sent: SentPictures,
    outputs: Outputs,
) -> KindFigures:
    """Accuracies of the experts of a kind."""
    labels = sent.images.labels
    right = {expert.name: outputs.logits(expert, sent.arrived).argmax(axis=1) == labels for expert in experts}
    base_right = outputs.logits(base, sent.arrived).argmax(axis=1) == labels
    inside = {expert.name: np.isin(labels, expert.subset or ()) for expert in experts}
    own = _on_own_classes(experts, sent, outputs)
    alike = [expert.subset for expert in experts] == [expert.subset for expert in static]
    same = np.concatenate([base_right[inside[e.name]] for e in experts])
    return KindFigures(
        kind=kind,
        on_subset=share(own),
        overall=share(np.mean(list(right.values()), axis=0)),
        base_on_subset=share(same),
        over_static=difference(own, _on_own_classes(static, sent, outputs)) if alike else None,
    )


def _on_own_classes(experts: Sequence[TrainedModel], sent: SentPictures, outputs: Outputs) -> NDArray[np.bool_]:
    """Whether each expert is right about each picture of its classes, expert after expert."""
    labels = sent.images.labels
    return np.concatenate(
        [
            (outputs.logits(expert, sent.arrived).argmax(axis=1) == labels)[np.isin(labels, expert.subset or ())]
            for expert in experts
        ]
    )


def share(values: NDArray[np.floating] | NDArray[np.bool_]) -> Share:
    """Mean of values per picture, pictures drawn with replacement for the interval."""
    numbers = np.asarray(values, np.float64)
    low, high = np.percentile(_draws(len(numbers), lambda index: float(numbers[index].mean())), (2.5, 97.5))
    return Share(value=float(numbers.mean()), low=float(low), high=float(high), count=len(numbers))


def difference(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> Share:
    """Mean difference over the same pictures."""
    return share(ours.astype(np.float64) - theirs.astype(np.float64))


def _draws(count: int, figure: Callable[[NDArray[np.int64]], float]) -> list[float]:
    rng = np.random.default_rng(0)
    return [figure(rng.integers(count, size=count)) for _ in range(DRAWS)]
