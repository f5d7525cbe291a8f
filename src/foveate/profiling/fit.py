"""Estimators of size and accuracy from measured rows, and what they are compared with (ViTMAlis, table II)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from foveate.core import InputError, Regression
from foveate.estimators import ACCURACY_FEATURES, SIZE_FEATURES, Regressor
from foveate.profiling.content import ContentRows

Numbers = NDArray[np.float64]
Target = Literal["size", "accuracy"]
HIDDEN = (128, 64)
"""Neurons of the paper's networks before the last one."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Errors on rows that a fit has not seen."""

    mae: float
    rmse: float
    mape: float
    """Mean relative error over true values above 0."""
    r2: float
    rows: int


def target_of(rows: ContentRows, target: Target) -> Numbers:
    """The column that is estimated."""
    return rows.bytes_per_pixel if target == "size" else rows.accuracy


def fit_network(rows: ContentRows, target: Target, *, steps: int = 3000, seed: int = 0) -> Regression:
    """A network of 128, 64 and 1 neurons; sizes are learned as logarithms, accuracies through a logistic output."""
    names, inputs, mean, scale = _inputs(rows, target)
    wanted = torch.tensor(target_of(rows, target), dtype=torch.float32)
    torch.manual_seed(seed)
    linear = [nn.Linear(a, b) for a, b in pairwise((len(names), *HIDDEN, 1))]
    with _one_thread():
        _train(linear, inputs, wanted, target, steps=steps, seed=seed)
    return _regression(names, mean, scale, linear, target)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Such small products gain nothing from threads, and lose much where others want the processor."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(
    linear: list[nn.Linear], inputs: torch.Tensor, wanted: torch.Tensor, target: Target, *, steps: int, seed: int
) -> None:
    model = nn.Sequential(linear[0], nn.ReLU(), linear[1], nn.ReLU(), linear[2])
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    draws = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        index = torch.randint(len(wanted), (min(512, len(wanted)),), generator=draws)
        loss = _loss(model(inputs[index])[:, 0], wanted[index], target)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()


def _loss(last: torch.Tensor, wanted: torch.Tensor, target: Target) -> torch.Tensor:
    if target == "size":
        return (last - wanted.clamp_min(1e-4).log()).abs().mean()
    return (last.sigmoid() - wanted).square().mean()


def fit_linear(rows: ContentRows, target: Target) -> Regression:
    """Least squares on the same inputs."""
    names, inputs, mean, scale = _inputs(rows, target)
    matrix = np.column_stack([inputs.numpy().astype(np.float64), np.ones(len(rows))])
    weights = np.linalg.lstsq(matrix, target_of(rows, target), rcond=None)[0]
    layer = ((tuple(float(w) for w in weights[:-1]),), (float(weights[-1]),))
    return Regression(features=names, mean=mean, scale=scale, layers=(layer,), output="linear")


def offline_mean(rows: ContentRows, target: Target, unseen: ContentRows) -> Numbers:
    """Mean over the measured rows of each configuration; of all rows where it was never measured."""
    values, keys = target_of(rows, target), _configuration(rows)
    means = {key: values[[k == key for k in keys]].mean() for key in set(keys)}
    return np.array([means.get(key, values.mean()) for key in _configuration(unseen)])


def figures(predicted: Numbers, true: Numbers) -> Figures:
    """Errors of a prediction."""
    error, positive = predicted - true, true > 0
    spread = float(np.square(true - true.mean()).sum())
    return Figures(
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt(np.square(error).mean())),
        mape=float(np.abs(error[positive] / true[positive]).mean()) if positive.any() else 0.0,
        r2=1 - float(np.square(error).sum()) / spread if spread > 0 else 0.0,
        rows=len(true),
    )


def compare(seen: ContentRows, unseen: ContentRows, target: Target, *, seed: int = 0) -> dict[str, Figures]:
    """Table II: network, linear regression and offline mean, fitted on `seen`, judged on `unseen`."""
    true = target_of(unseen, target)
    predictions = {
        "network": Regressor(fit_network(seen, target, seed=seed))(unseen.columns),
        "linear": Regressor(fit_linear(seen, target))(unseen.columns),
        "offline mean": offline_mean(seen, target, unseen),
    }
    return {name: figures(predicted, true) for name, predicted in predictions.items()}


def _configuration(rows: ContentRows) -> list[tuple[float, ...]]:
    names = ("downsampling_type", "jpeg_quality", "restoration_point")
    return list(zip(*(rows.columns[name].tolist() for name in names), strict=True))


def _inputs(
    rows: ContentRows, target: Target
) -> tuple[tuple[str, ...], torch.Tensor, tuple[float, ...], tuple[float, ...]]:
    if len(rows) < 2:
        raise InputError(f"a fit needs at least two measured rows, got {len(rows)}")
    names = SIZE_FEATURES if target == "size" else ACCURACY_FEATURES
    table = np.stack([rows.columns[name] for name in names], axis=1)
    mean, scale = table.mean(axis=0), table.std(axis=0)
    scale[scale < 1e-9] = 1.0
    return names, torch.tensor((table - mean) / scale, dtype=torch.float32), _tuple(mean), _tuple(scale)


def _tuple(values: Numbers) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def _regression(
    names: tuple[str, ...], mean: tuple[float, ...], scale: tuple[float, ...], linear: list[nn.Linear], target: Target
) -> Regression:
    layers = tuple((tuple(tuple(row) for row in layer.weight.tolist()), tuple(layer.bias.tolist())) for layer in linear)
    output: Literal["exponential", "logistic"] = "exponential" if target == "size" else "logistic"
    return Regression(features=names, mean=mean, scale=scale, layers=layers, output=output)
