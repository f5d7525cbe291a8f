"""Which wishes of a user an experiment heeds: an option that would change nothing is refused."""

from dataclasses import fields
from typing import Any

from foveate.core import InputError
from foveate.experiments.inputs import Inputs

_NAMES = tuple(field.name for field in fields(Inputs))
_OPTIONS = {"rendered_model": "--model", "measured": "--machine"}
"""Options of the command line that are not called like the field."""


class WatchedInputs(Inputs):
    """Inputs that remember which of their fields were read."""

    def __getattribute__(self, name: str) -> Any:
        """The field, noted as read."""
        if name in _NAMES:
            self.__dict__.setdefault("_read", set()).add(name)
        return super().__getattribute__(name)

    def unread(self) -> set[str]:
        """Names of the fields that nobody has asked for."""
        read: set[str] = self.__dict__.get("_read", set())
        return set(_NAMES) - read


def watched(inputs: Inputs) -> WatchedInputs:
    """A copy that nobody has read yet."""
    return WatchedInputs(**{name: getattr(inputs, name) for name in _NAMES})


def refuse_unheeded(experiment: str, inputs: WatchedInputs) -> None:
    """Raises `InputError` where a wish other than the usual was not looked at while the experiment was made."""
    unread, usual = inputs.unread(), Inputs()
    ignored = [name for name in _NAMES if name in unread and getattr(inputs, name) != getattr(usual, name)]
    if ignored:
        options = " and ".join(_OPTIONS.get(name, f"--{name.replace('_', '-')}") for name in ignored)
        raise InputError(f"{options} would change nothing in the experiment {experiment}: leave it out")
