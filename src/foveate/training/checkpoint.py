"""The state of a training on disk. Draws are functions of seed and step, so no generator's state is kept."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from foveate.core import InputError, WeightsError
from foveate.core.whole_files import whole_file
from foveate.training.optimise import MovingAverage

FILE = "checkpoint.pt"
_PARTS = {"model", "average", "optimiser", "progress", "seed"}
_WAYS = ("foreach", "fused")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a training has come."""

    step: int = 0
    """Optimiser steps taken."""
    crops: int = 0
    """Images seen."""
    elapsed_s: float = 0.0
    """Wall clock spent in steps, over all resumptions."""
    stages: tuple[dict[str, Any], ...] = ()
    """What each command gave and did, up to the last checkpoint (`training.stages`)."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keeps a training's folder for this process meanwhile; raises `InputError` while another one trains there."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"another process is training in {folder}; wait for it or choose another name") from error
        yield


def save_checkpoint(
    folder: Path,
    *,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: MovingAverage,
    progress: Progress,
    seed: int,
) -> None:
    """Write the state to `folder`; an interrupted write leaves the one before.

    Raises `FoveateError` where the disk refuses.
    """
    state = {
        "model": model.state_dict(),
        "average": average.values,
        "optimiser": optimiser.state_dict(),
        "progress": asdict(progress),
        "seed": seed,
    }
    with whole_file(folder / FILE) as draft, draft.open("wb") as file:
        try:
            torch.save(state, file)
        except RuntimeError as error:  # of torch, which a file of Python's told what the disk said
            raise error.__context__ or error from None


def load_checkpoint(
    folder: Path, *, model: nn.Module, optimiser: torch.optim.Optimizer, average: MovingAverage, seed: int
) -> Progress:
    """Fill model, optimiser and average from `folder`; without a checkpoint there, leave them and start from 0.

    Raises `WeightsError` for a damaged file or one of another model, `InputError` for one of another seed.
    """
    path = folder / FILE
    if not path.is_file():
        return Progress()
    state = _read(path)
    if state["seed"] != seed:
        raise InputError(f"{path} was begun with seed {state['seed']}, got seed {seed}; choose another name or seed")
    try:
        model.load_state_dict(state["model"])
        _load_optimiser(optimiser, state["optimiser"])
        _copy(average.values, state["average"])
        return Progress(**state["progress"])
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{path} holds another model, or one with another optimiser ({reason})") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises whatever its unpickler and the zip format raise
        reason = type(error).__name__
        raise WeightsError(f"{path}: not a whole checkpoint ({reason}); delete it to begin anew") from error
    if not isinstance(state, dict) or not state.keys() >= _PARTS:
        raise WeightsError(f"{path}: a checkpoint holds {', '.join(sorted(_PARTS))}; this file is something else")
    return state


def _load_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Take in moments and steps; how the optimiser computes is its own affair, not the checkpoint's."""
    ways = [{name: group[name] for name in _WAYS if name in group} for group in optimiser.param_groups]
    optimiser.load_state_dict(state)
    for group, way in zip(optimiser.param_groups, ways, strict=True):
        group.update(way)


@torch.no_grad()
def _copy(into: list[Tensor], values: list[Tensor]) -> None:
    for target, value in zip(into, values, strict=True):
        target.copy_(value)
