"""Curves of trainings as a picture, from their `log.jsonl`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.core import FoveateError, MediaError

LOG = "log.jsonl"
LOSSES = ("loss", "class_loss", "box_loss", "distillation")
SMOOTHED = 9
"""Entries that a thick line averages."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingLog:
    """What a training wrote. A resumed training that repeats steps overwrites what it had said about them."""

    name: str
    entries: tuple[dict[str, Any], ...]
    """By ascending `step`; losses, or figures on a set under `evaluation`."""

    def series(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Steps and values of the entries that have a figure of that name."""
        pairs = [(entry["step"], entry[name]) for entry in self.entries if name in entry]
        return np.array([step for step, _ in pairs], float), np.array([value for _, value in pairs], float)

    def precision(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Steps and AP50 by set and class, where the training was evaluated on the way."""
        found: dict[str, list[tuple[float, float]]] = {}
        for entry in self.entries:
            for images, figures in entry.get("evaluation", {}).items():
                classes = {"mean": figures["ap50"]} | {n: c["ap50"] for n, c in figures["classes"].items()}
                for name, value in classes.items():
                    found.setdefault(f"{images} {name}", []).append((entry["step"], value))
        return {name: (np.array(pairs)[:, 0], np.array(pairs)[:, 1]) for name, pairs in found.items()}


def read_log(folder: Path) -> TrainingLog:
    """The log in a training's folder; raises `MediaError` if there is none or it cannot be read."""
    path = folder / LOG
    try:
        lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        by_step = {(entry["step"], "evaluation" in entry, "accuracy_on" in entry): entry for entry in lines}
    except OSError as error:
        raise MediaError(f"no training log {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise MediaError(f"{path} is not a training log ({error})") from error
    return TrainingLog(name=folder.resolve().name, entries=tuple(by_step[key] for key in sorted(by_step)))


def draw_curves(log: TrainingLog, out: Path) -> None:
    """Write a picture: losses, learning rate and images a second over steps, and AP50 where it was measured.

    The suffix of `out` tells the format. Raises `FoveateError` without matplotlib.
    """
    figure, axes = _figure(3 + bool(log.precision()))
    _lines(axes[0], {name: log.series(name) for name in LOSSES if log.series(name)[1].any()}, "loss")
    _lines(axes[1], {"learning rate": log.series("rate")}, "learning rate", smooth=False)
    _lines(axes[2], {"images a second": log.series("images_per_s")}, "images a second")
    if log.precision():
        _lines(axes[3], log.precision(), "AP50", smooth=False)
    axes[-1].set_xlabel("step")
    figure.suptitle(log.name)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)


def smoothed(values: NDArray[np.float64], width: int = SMOOTHED) -> NDArray[np.float64]:
    """Centred running mean over `width` values, over fewer near the ends: `(n,)` -> `(n,)`."""
    sums, half = np.concatenate([[0.0], values.cumsum()]), width // 2
    places = np.arange(len(values))
    first, last = np.maximum(places - half, 0), np.minimum(places + half + 1, len(values))
    mean: NDArray[np.float64] = (sums[last] - sums[first]) / (last - first)
    return mean


def _figure(rows: int) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  # only pictures need it
    except ImportError as error:
        raise FoveateError("curves need matplotlib: pip install 'foveate[train]'") from error
    figure = Figure(figsize=(9, 2.4 * rows), dpi=110, layout="constrained")
    return figure, figure.subplots(rows, 1, sharex=True)


def _lines(
    axis: Any,
    lines: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    label: str,
    *,
    smooth: bool = True,
) -> None:
    for name, (steps, values) in lines.items():
        if smooth and len(values) > SMOOTHED:
            [thin] = axis.plot(steps, values, linewidth=0.6, alpha=0.35)
            axis.plot(steps, smoothed(values), color=thin.get_color(), label=name)
        else:
            axis.plot(steps, values, marker="." if len(values) < 60 else None, label=name)
    axis.set_ylabel(label)
    axis.grid(alpha=0.3)
    if len(lines) > 1:
        axis.legend(fontsize=8)
