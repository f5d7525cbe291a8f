"""From a header and tensors to a model: shapes are compared before memory is taken for what the header asks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from foveate.core import WeightsError

Model = TypeVar("Model", bound=nn.Module)

_SPARE = 64
"""Tensors that a model may make beyond those that a file holds."""


def filled(make: Callable[[], Model], tensors: dict[str, Tensor], path: Path) -> Model:
    """What `make` makes, with the tensors of a file as float32; raises `WeightsError` where they are not those it has.

    `make` is called twice, the first time for shapes alone.
    """
    _check_shapes(_sketch(make, len(tensors) + _SPARE, path), tensors, path)
    model = make()
    model.load_state_dict({key: value.float() for key, value in tensors.items()})
    return model


class _Sketch(TorchFunctionMode):
    """Within it tensors have no memory and are not filled, and no more than `most` are made; constants are as ever."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._left = most

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.__name__.endswith("_") and not func.__name__.endswith("__"):
            return args[0] if args else kwargs["tensor"]  # what is done in place
        if func is torch.tensor:
            kwargs = {"device": "cpu", **kwargs}  # arithmetic with constants on "meta" would import torch's compiler
        if func is torch.empty:
            self._left -= 1
            if self._left < 0:
                raise _TooManyError
        return func(*args, **kwargs)


class _TooManyError(RuntimeError):
    """A model has more tensors than it may."""


def _sketch(make: Callable[[], Model], most: int, path: Path) -> Model:
    """A model without memory for its tensors."""
    try:
        with torch.device("meta"), _Sketch(most):
            return make()
    except _TooManyError as error:
        raise WeightsError(f"{path}: the header describes more layers than the file has tensors for") from error
    except (RuntimeError, TypeError, OverflowError) as error:  # torch, of numbers that no tensor can have
        reason = str(error).partition("\n")[0]
        raise WeightsError(f"{path}: the header does not describe a model ({reason})") from error


def _check_shapes(model: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    wanted = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    got = {key: tuple(value.shape) for key, value in tensors.items()}
    wrong = [key for key in sorted(wanted | got) if wanted.get(key) != got.get(key)]
    if wrong:
        key = wrong[0]
        raise WeightsError(
            f"{path}: {len(wrong)} tensors do not fit, first {key}: required {wanted.get(key)}, got {got.get(key)}"
        )
