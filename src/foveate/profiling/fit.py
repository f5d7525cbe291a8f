"""Estimators of size and accuracy from measured rows (ViTMAlis, equations 1 and 3, and what they are compared with)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from foveate.core import ContentFit, InputError, OfflineMeans, Regression
from foveate.estimators import ACCURACY_FEATURES, SIZE_FEATURES
from foveate.profiling.light_fits import fit_accuracy, fit_size
from foveate.profiling.rows import ContentRows

Numbers = NDArray[np.float64]
Target = Literal["size", "accuracy"]
Inputs = Literal["device", "paper"]
FEATURES: dict[Target, tuple[str, ...]] = {"size": SIZE_FEATURES, "accuracy": ACCURACY_FEATURES}
"""The paper's."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """Shape of a network and how it is trained."""

    hidden: tuple[int, int] = (128, 64)
    """Neurons of the layers before the last one; the default is the paper's."""
    steps: int = 1500
    batch: int = 256
    rate: float = 2e-3
    decay: float = 0.02
    """Of weights, by AdamW."""
    noise: float = 0.1
    """Of standardised inputs in training, standard deviations: few clips say little about small differences."""


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How both networks are trained; defaults were chosen on profiling clips, each left out in turn."""

    size: Training = field(default_factory=partial(Training, steps=500, decay=0.3))
    accuracy: Training = field(default_factory=partial(Training, steps=500, decay=0.3, noise=0.3))
    """The F1 of one frame is mostly chance: this network is held back more."""
    seed: int = 0


def target_of(rows: ContentRows, target: Target) -> Numbers:
    """The column that is estimated."""
    return rows.bytes_per_pixel if target == "size" else rows.accuracy


def fit_both(rows: ContentRows, inputs: Inputs, options: FitOptions | None = None) -> ContentFit:
    """Networks from the paper's inputs, light fits from a device's."""
    if inputs == "device":
        return ContentFit(size=fit_size(rows), accuracy=fit_accuracy(rows))
    return ContentFit(size=fit_network(rows, "size", options), accuracy=fit_network(rows, "accuracy", options))


def fit_network(rows: ContentRows, target: Target, options: FitOptions | None = None) -> Regression:
    """Of 128, 64 and 1 neurons by default; sizes are learned as logarithms, accuracies through a logistic output."""
    chosen, names = options or FitOptions(), FEATURES[target]
    training: Training = getattr(chosen, target)
    table, mean, scale = _inputs(rows, names)
    wanted = target_of(rows, target)
    if target == "size":
        wanted = np.log(np.maximum(wanted, 1e-4))
    torch.manual_seed(chosen.seed)
    linear = [nn.Linear(a, b) for a, b in pairwise((len(names), *training.hidden, 1))]
    with _one_thread():
        values = torch.tensor(wanted, dtype=torch.float32)
        _train(linear, table, values, target=target, options=training, seed=chosen.seed)
    layers = tuple(
        (tuple(_rounded(row) for row in layer.weight.tolist()), _rounded(layer.bias.tolist())) for layer in linear
    )
    output: Literal["exponential", "logistic"] = "exponential" if target == "size" else "logistic"
    return Regression(features=names, mean=mean, scale=scale, layers=layers, output=output)


def _rounded(numbers: list[float]) -> tuple[float, ...]:
    """To four digits: no estimate is that good, and files stay small."""
    return tuple(float(f"{number:.4g}") for number in numbers)


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
    linear: list[nn.Linear],
    inputs: torch.Tensor,
    wanted: torch.Tensor,
    *,
    target: Target,
    options: Training,
    seed: int,
) -> None:
    model = nn.Sequential(linear[0], nn.ReLU(), linear[1], nn.ReLU(), linear[2])
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=options.decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.steps)
    draws = torch.Generator().manual_seed(seed)
    for _ in range(options.steps):
        index = torch.randint(len(wanted), (min(options.batch, len(wanted)),), generator=draws)
        seen = inputs[index]
        seen = seen + options.noise * torch.randn(seen.shape, generator=draws)
        loss = _loss(model(seen)[:, 0], wanted[index], target)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()


def _loss(last: torch.Tensor, wanted: torch.Tensor, target: Target) -> torch.Tensor:
    if target == "size":
        return (last - wanted).abs().mean()
    return (last.sigmoid() - wanted).square().mean()


def fit_linear(rows: ContentRows, target: Target) -> Regression:
    """Least squares on the same inputs."""
    names = FEATURES[target]
    table, mean, scale = _inputs(rows, names)
    matrix = np.column_stack([table.numpy().astype(np.float64), np.ones(len(rows))])
    weights = np.linalg.lstsq(matrix, target_of(rows, target), rcond=None)[0]
    layer = ((tuple(float(w) for w in weights[:-1]),), (float(weights[-1]),))
    return Regression(features=names, mean=mean, scale=scale, layers=(layer,), output="linear")


def offline_means(rows: ContentRows) -> OfflineMeans:
    """Mean over the measured rows of each configuration."""
    if len(rows) == 0:
        raise InputError("means need at least one measured row, got 0")
    names = ("downsampling_type", "jpeg_quality", "restoration_point")
    keys = np.stack([rows.columns[name] for name in names], axis=1).astype(np.int64)
    unique, place = np.unique(keys, axis=0, return_inverse=True)
    count = np.bincount(place.reshape(-1))
    size, accuracy = (
        np.bincount(place.reshape(-1), values) / count for values in (rows.bytes_per_pixel, rows.accuracy)
    )
    kinds, quality, beta = (tuple(column.tolist()) for column in unique.T)
    return OfflineMeans(
        downsampling_type=kinds,
        jpeg_quality=quality,
        restoration_point=beta,
        bytes_per_pixel=tuple(size.tolist()),
        accuracy=tuple(accuracy.tolist()),
    )


def _inputs(rows: ContentRows, names: tuple[str, ...]) -> tuple[torch.Tensor, tuple[float, ...], tuple[float, ...]]:
    if len(rows) < 2:
        raise InputError(f"a fit needs at least two measured rows, got {len(rows)}")
    table = np.stack([rows.columns[name] for name in names], axis=1)
    mean, scale = table.mean(axis=0), table.std(axis=0)
    scale[scale < 1e-9] = 1.0
    return torch.tensor((table - mean) / scale, dtype=torch.float32), tuple(mean.tolist()), tuple(scale.tolist())
