"""Fields of a configuration, checked by name."""

import math
from collections.abc import Iterable, Mapping

import numpy as np

from foveate.core import InputError

_NUMBER = (int, float, np.floating)


def check_counts(config: object, least: Mapping[str, int]) -> None:
    """Raise `InputError` unless each named field is a whole number of at least so much."""
    for name, lowest in least.items():
        check_count(name, getattr(config, name), lowest)


def check_count(name: str, value: object, lowest: int) -> None:
    """Raise `InputError` unless `value` is a whole number of at least so much."""
    if type(value) is not int or value < lowest:
        raise InputError(f"{name} must be a whole number of at least {lowest}, got {value!r}")


def check_shares(config: object, *names: str) -> None:
    """Raise `InputError` unless each named field lies in 0..1."""
    for name in names:
        value = getattr(config, name)
        if not isinstance(value, _NUMBER) or not 0 <= value <= 1:
            raise InputError(f"{name} must lie in 0..1, got {value!r}")


def check_class_names(names: tuple[str, ...]) -> None:
    """Raise `InputError` unless there is a name at all, and each is a text."""
    if not names:
        raise InputError("a detector needs the names of its classes, got none")
    if not all(isinstance(name, str) for name in names):
        raise InputError(f"names of classes must be texts, got {names}")


def all_positive(values: Iterable[object]) -> bool:
    """Whether all are finite numbers above 0."""
    return all(isinstance(value, _NUMBER) and 0 < value < math.inf for value in values)
