"""What is chosen on held-out pictures: temperatures, top-k, threshold, combination.

The pictures of the final table take no part: everything here is fixed before they are read.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core import ExpertCard, ThresholdCurve
from foveate.estimators.combination import Combination
from foveate.estimators.confidence import calibration_error, fit_temperature, softmax

TOP_K = (1, 2, 3, 5, 10)
SHARES = (0.0, 0.2, 0.35, 0.5)
GAINS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
THRESHOLDS = np.round(np.linspace(0, 1, 51), 4)


@dataclass(frozen=True, kw_only=True, eq=False)
class Choices:
    """All that a device needs beside its models."""

    temperature: float
    """Of the generalist."""
    top_k: int
    threshold: float
    """The lowest whose accuracy is within one standard error of the best."""
    combination: Combination
    curve: ThresholdCurve
    calibration_error: float
    """Of the generalist's confidence, after scaling."""
    uncalibrated_error: float
    """Before it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HeldOut:
    """What models say about pictures that nobody trained on."""

    generalist: NDArray[np.float32]
    """Logits `(n, classes)`."""
    experts: tuple[NDArray[np.float32], ...]
    """The same of each expert, about the pictures as they are sent."""
    cards: tuple[ExpertCard, ...]
    labels: NDArray[np.int64]


def choose(held: HeldOut) -> Choices:
    """Choices for one set of experts."""
    labels, temperature = held.labels, fit_temperature(held.generalist, held.labels)
    probabilities = softmax(held.generalist, temperature)
    routes = {k: route_all(probabilities, held.cards, k) for k in TOP_K}
    top_k = max(TOP_K, key=lambda k: (covered(routes[k], held.cards, labels), -k))
    combination = _best_combination(held, routes[top_k], temperature)
    curve = threshold_curve(probabilities, expert_answers(held, routes[top_k], combination), labels)
    spread = float(np.sqrt(curve.accuracy.max() * (1 - curve.accuracy.max()) / len(labels)))
    return Choices(
        temperature=temperature,
        top_k=top_k,
        threshold=curve.threshold_of_accuracy(float(curve.accuracy.max()) - spread),
        combination=combination,
        curve=curve,
        calibration_error=calibration_error(probabilities, labels),
        uncalibrated_error=calibration_error(softmax(held.generalist), labels),
    )


def route_all(probabilities: NDArray[np.float64], cards: tuple[ExpertCard, ...], top_k: int) -> NDArray[np.int64]:
    """For each picture the number of the expert that `best_expert` names, -1 for none; all pictures at once."""
    order = sorted(range(len(cards)), key=lambda number: cards[number].name)
    member = np.zeros((probabilities.shape[1], len(cards)))
    for place, number in enumerate(order):
        member[list(cards[number].subset), place] = 1
    chosen = np.zeros_like(probabilities)
    np.put_along_axis(chosen, np.argsort(-probabilities, axis=1, kind="stable")[:, :top_k], 1, axis=1)
    mass, classes = np.round((chosen * probabilities) @ member, 12), chosen @ member
    whole = probabilities @ member
    best = np.array(
        [max(range(len(cards)), key=lambda i: (m[i], c[i], w[i])) for m, c, w in zip(mass, classes, whole, strict=True)]
    )
    found = np.array(order)[best]
    chosen_or_none: NDArray[np.int64] = np.where(mass[np.arange(len(mass)), best] > 0, found, -1)
    return chosen_or_none


def expert_answers(held: HeldOut, routes: NDArray[np.int64], combination: Combination) -> NDArray[np.int64]:
    """The class that is answered for each picture if its expert is asked; the generalist's where there is none."""
    answers: NDArray[np.int64] = held.generalist.argmax(axis=1)
    for number, card in enumerate(held.cards):
        asked = routes == number
        if asked.any():
            answers[asked] = combination.answers(held.generalist[asked], held.experts[number][asked], card.subset)
    return answers


def threshold_curve(
    probabilities: NDArray[np.float64], answers: NDArray[np.int64], labels: NDArray[np.int64]
) -> ThresholdCurve:
    """Share of offloaded pictures and accuracy for each threshold."""
    confidence = probabilities.max(axis=1)
    own, asked = probabilities.argmax(axis=1) == labels, answers == labels
    below = confidence[None] < THRESHOLDS[:, None]
    return ThresholdCurve(
        thresholds=THRESHOLDS,
        offloaded=below.mean(axis=1),
        accuracy=np.where(below, asked[None], own[None]).mean(axis=1),
    )


def covered(routes: NDArray[np.int64], cards: tuple[ExpertCard, ...], labels: NDArray[np.int64]) -> float:
    """Share of pictures whose class belongs to the expert that would be asked."""
    member = np.zeros((len(cards) + 1, int(labels.max()) + 1), np.bool_)
    for number, card in enumerate(cards):
        member[number, [label for label in card.subset if label < member.shape[1]]] = True
    return float(member[routes, labels].mean())


def _best_combination(held: HeldOut, routes: NDArray[np.int64], temperature: float) -> Combination:
    """By accuracy when every picture is asked about; of equal ones the first, which weighs the expert most."""
    warm = fit_temperature(np.concatenate(held.experts), np.tile(held.labels, len(held.experts)))
    tried = [
        Combination(
            generalist_share=share, subset_gain=gain, generalist_temperature=temperature, expert_temperature=warm
        )
        for share in SHARES
        for gain in GAINS
    ]
    return max(tried, key=lambda c: float((expert_answers(held, routes, c) == held.labels).mean()))
