"""How good estimates are on clips that the fit has not seen: the form of table II (ViTMAlis, section VI-D)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.estimators.content_models import ContentModel, MeanModel
from foveate.estimators.regression import Regressor
from foveate.profiling.fit import FitOptions, Target, fit_linear, fit_network, offline_means, target_of
from foveate.profiling.light_fits import fit_accuracy, fit_size
from foveate.profiling.rows import ContentRows, joined

Numbers = NDArray[np.float64]
Fitter = Callable[[ContentRows, Target], ContentModel]
"""Rows of some clips -> what estimates others."""

OURS = "device's inputs"
"""Name of the method that policies use unless they are asked for another."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Errors on rows that a fit has not seen."""

    mae: float
    rmse: float
    mape: float
    """Mean relative error over true values above 0."""
    r2: float
    rows: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """True and estimated values of one target, row by row."""

    true: Numbers
    """KiB or F1 `(n,)`."""
    estimated: Mapping[str, Numbers]
    """By method."""
    clip: NDArray[np.int64]
    """`(n,)`: the clip of each row."""

    def figures(self, method: str) -> Figures:
        """Over all rows."""
        return figures(self.estimated[method], self.true)

    def interval(
        self, method: str, figure: Callable[[Figures], float], *, draws: int = 1000, seed: int = 0
    ) -> tuple[float, float]:
        """95 % interval of a figure when clips are drawn with replacement."""
        rows = [np.flatnonzero(self.clip == clip) for clip in np.unique(self.clip)]
        rng, values = np.random.default_rng(seed), []
        for _ in range(draws):
            drawn = np.concatenate([rows[k] for k in rng.integers(len(rows), size=len(rows))])
            values.append(figure(figures(self.estimated[method][drawn], self.true[drawn])))
        low, high = np.percentile(values, [2.5, 97.5])
        return float(low), float(high)


def fitters(options: FitOptions | None = None) -> dict[str, Fitter]:
    """The methods of the table by name."""
    return {
        OURS: lambda rows, target: Regressor(fit_size(rows) if target == "size" else fit_accuracy(rows)),
        "network, paper's inputs": lambda rows, target: Regressor(fit_network(rows, target, options)),
        "linear, paper's inputs": lambda rows, target: Regressor(fit_linear(rows, target)),
        "offline mean": _mean,
    }


def _mean(rows: ContentRows, target: Target) -> ContentModel:
    means = offline_means(rows)
    return MeanModel(means, means.bytes_per_pixel if target == "size" else means.accuracy)


def judge(pairs: Sequence[tuple[ContentRows, ContentRows]], target: Target, methods: Mapping[str, Fitter]) -> Judged:
    """Fit on the first of each pair, estimate the second; rows of all pairs together. Sizes in KiB."""
    estimated: dict[str, list[Numbers]] = {name: [] for name in methods}
    for seen, unseen in pairs:
        for name, fit in methods.items():
            estimated[name].append(fit(seen, target)(unseen.columns) * _unit(unseen, target))
    judged = [unseen for _, unseen in pairs]
    return Judged(
        true=np.concatenate([target_of(rows, target) * _unit(rows, target) for rows in judged]),
        estimated={name: np.concatenate(parts) for name, parts in estimated.items()},
        clip=np.concatenate([rows.columns["clip"].astype(np.int64) for rows in judged]),
    )


def leave_one_out(parts: Sequence[ContentRows]) -> list[tuple[ContentRows, ContentRows]]:
    """Each clip with all the others to fit on; of a single clip its last quarter with the rest."""
    if len(parts) == 1:
        frames = parts[0].columns["frame"]
        late = frames > np.quantile(frames, 0.75)
        return [(parts[0].select(~late), parts[0].select(late))]
    return [(joined([p for p in parts if p is not part]), part) for part in parts]


def figures(estimated: Numbers, true: Numbers) -> Figures:
    """Errors of an estimate."""
    error, positive = estimated - true, true > 0
    spread = float(np.square(true - true.mean()).sum())
    return Figures(
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt(np.square(error).mean())),
        mape=float(np.abs(error[positive] / true[positive]).mean()) if positive.any() else 0.0,
        r2=1 - float(np.square(error).sum()) / spread if spread > 0 else 0.0,
        rows=len(true),
    )


def _unit(rows: ContentRows, target: Target) -> Numbers | float:
    """KiB per byte and pixel."""
    return rows.columns["pixels"] / 1024 if target == "size" else 1.0
