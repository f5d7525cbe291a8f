"""Which classes each expert is for: from given superclasses, or found from what a generalist confuses.

Found subsets are balanced: classes that are often confused come to one expert, so that a wrong guess of the generalist
still names the right expert.
"""

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError

Subsets = tuple[tuple[int, ...], ...]
"""For each expert its classes, ascending. Every class has at least one expert."""

SWEEPS = 200
"""Most rounds of exchanges; a round without gain ends the search."""


def confusion(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean probability that pictures of class i give to class j: `(classes, classes)`; rows sum to 1."""
    classes = logits.shape[1]
    shifted = np.exp(logits.astype(float) - logits.max(axis=1, keepdims=True))
    shares = shifted / shifted.sum(axis=1, keepdims=True)
    sums = np.zeros((classes, classes))
    np.add.at(sums, labels, shares)
    counts = np.bincount(labels, minlength=classes)
    if not counts.all():
        raise InputError(f"pictures of every class are required, got none of class {int(np.argmin(counts))}")
    return sums / counts[:, None]


def from_superclasses(superclass_of: tuple[int, ...], experts: int) -> Subsets:
    """Neighbouring superclasses together, as evenly as they go. Raises `InputError` with fewer than `experts`."""
    count = max(superclass_of, default=-1) + 1
    if not 1 <= experts <= count:
        raise InputError(f"experts must lie in 1..{count}, the number of superclasses, got {experts}")
    owner = np.arange(count) * experts // count
    return _grouped(owner[np.array(superclass_of)], experts)


def from_confusion(matrix: NDArray[np.float64], experts: int) -> Subsets:
    """Subsets of equal size (or one class more) that keep as much confusion inside as exchanges of two classes can.

    A spectral embedding of the symmetric confusion (Ng, Jordan and Weiss 2001) orders the classes and gives the start;
    then classes are exchanged between experts while that keeps more confusion inside. Raises `InputError`.
    """
    classes = len(matrix)
    if not 1 <= experts <= classes:
        raise InputError(f"experts must lie in 1..{classes}, the number of classes, got {experts}")
    affinity = (matrix + matrix.T) / 2
    np.fill_diagonal(affinity, 0)
    owner = _spectral_start(affinity, experts)
    return _grouped(_exchange(affinity, owner, experts), experts)


def _spectral_start(affinity: NDArray[np.float64], experts: int) -> NDArray[np.int64]:
    """Balanced clusters: classes in turn join the nearest centre that has room, the most certain first."""
    root = 1 / np.sqrt(np.maximum(affinity.sum(axis=1), 1e-12))
    _, vectors = np.linalg.eigh(root[:, None] * affinity * root)
    points = vectors[:, -experts:]
    points = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    centres = _spread_out(points, experts)
    for _ in range(20):
        owner = _balanced(points, centres)
        centres = np.stack([points[owner == expert].mean(axis=0) for expert in range(experts)])
    return owner


def _spread_out(points: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Points far from one another: first the one farthest from the mean, then the farthest from those chosen."""
    chosen = [int(np.linalg.norm(points - points.mean(axis=0), axis=1).argmax())]
    while len(chosen) < count:
        distance = np.linalg.norm(points[:, None] - points[chosen], axis=2).min(axis=1)
        distance[chosen] = -1.0
        chosen.append(int(distance.argmax()))
    return points[chosen]


def _balanced(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    distance = np.linalg.norm(points[:, None] - centres, axis=2)
    classes, experts = distance.shape
    room = np.full(experts, classes // experts)
    room[: classes % experts] += 1
    owner = np.full(classes, -1)
    for place in np.argsort(distance, axis=None, kind="stable"):
        member, expert = divmod(int(place), experts)
        if owner[member] < 0 and room[expert] > 0:
            owner[member], room[expert] = expert, room[expert] - 1
    return owner


def _exchange(affinity: NDArray[np.float64], owner: NDArray[np.int64], experts: int) -> NDArray[np.int64]:
    """Exchange the two classes whose exchange gains most, until none gains."""
    owner = owner.copy()
    for _ in range(SWEEPS):
        inside = np.stack([affinity[:, owner == expert].sum(axis=1) for expert in range(experts)], axis=1)
        own = inside[np.arange(len(owner)), owner]
        moved = inside[:, owner]
        gain = moved + moved.T - own[:, None] - own - 2 * affinity
        gain[owner[:, None] == owner] = -np.inf
        first, second = divmod(int(gain.argmax()), len(owner))
        if gain[first, second] <= 1e-12:
            break
        owner[[first, second]] = owner[[second, first]]
    return owner


def with_overlap(subsets: Subsets, matrix: NDArray[np.float64], extra: int) -> Subsets:
    """Each subset and the `extra` foreign classes that are most confused with it. Raises `InputError` if below 0."""
    if extra < 0:
        raise InputError(f"an overlap must be at least 0 classes, got {extra}")
    affinity, grown = matrix + matrix.T, []
    for subset in subsets:
        pull = affinity[:, list(subset)].sum(axis=1)
        pull[list(subset)] = -np.inf
        foreign = np.argsort(-pull, kind="stable")[: min(extra, len(matrix) - len(subset))]
        grown.append(tuple(sorted({*subset, *foreign.tolist()})))
    return tuple(grown)


def kept_inside(matrix: NDArray[np.float64], subsets: Subsets) -> float:
    """Share of all confusion, right answers included, that stays within the subsets."""
    mask = np.zeros(matrix.shape, np.bool_)
    for subset in subsets:
        mask[np.ix_(subset, subset)] = True
    return float(matrix[mask].sum() / matrix.sum())


def _grouped(owner: NDArray[np.integer], experts: int) -> Subsets:
    return tuple(tuple(np.flatnonzero(owner == expert).tolist()) for expert in range(experts))
