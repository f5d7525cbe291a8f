"""`NAME:parameter=value,...` -> an object of a registered kind, whose fields are its parameters."""

from collections.abc import Iterable, Mapping
from dataclasses import Field, fields
from types import NoneType
from typing import Any, get_args

import msgspec

from foveate.core import InputError

_WORDS: Mapping[Any, str] = {int: "a whole number", float: "a number such as 0.5", bool: "true or false", str: "a text"}


def made_by_name(
    text: str, kinds: Mapping[str, type[Any]], *, elsewhere: Iterable[str] = (), family: str = "policy"
) -> Any:
    """The policy that a text names. Raises `InputError` that lists the known names or parameters.

    `elsewhere`: names that are policies, but not where this text was given. `family`: what messages call one.
    """
    name, parameters = parse_policy(text)
    if name in elsewhere:
        raise InputError(f"{family} {name} cannot be used here; these can: {', '.join(sorted(kinds))}")
    if name not in kinds:
        several = "policies" if family == "policy" else f"{family}s"
        raise InputError(f"unknown {family} {name!r}; known {several}: {', '.join(sorted(kinds))}")
    kind = kinds[name]
    known = parameter_names(kind)
    for parameter in parameters:
        if parameter not in known:
            listed = f"its parameters are {', '.join(known)}" if known else "it has no parameters"
            raise InputError(f"{family} {name} has no parameter {parameter!r}; {listed}")
    try:
        return msgspec.convert(parameters, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(f"{family} {name}: {_explained(error, kind, parameters)}") from error


def _explained(error: msgspec.ValidationError, kind: type[Any], parameters: Mapping[str, str]) -> str:
    """What a parameter must be, where its text is not of its type; else what the policy itself said."""
    parameter = str(error).rpartition("$.")[2].rstrip("`")
    if parameter not in parameters:
        return str(error)
    (wanted,) = (field.type for field in fields(kind) if field.name == parameter)
    options = get_args(wanted) or (wanted,)
    words = [_WORDS[option] if option in _WORDS else str(option) for option in options if option is not NoneType]
    return f"{parameter} must be {' or '.join(words)}, got {parameters[parameter]!r}"


def parse_policy(text: str) -> tuple[str, dict[str, str]]:
    """`NAME[:parameter=value,...]` -> name and parameters as text. Raises `InputError` on any other form."""
    name, colon, rest = text.strip().partition(":")
    parameters: dict[str, str] = {}
    for item in rest.split(",") if colon else []:
        key, equals, value = (part.strip() for part in item.partition("="))
        if not (name and key and equals and value) or key in parameters:
            raise InputError(f"a policy is written NAME[:parameter=value,...], each parameter once, got {text!r}")
        parameters[key] = value
    return name, parameters


def policy_parameters(policy: Any) -> dict[str, int | float | str | bool | None]:
    """A policy's parameters by name, for reports."""
    return {name: getattr(policy, name) for name in parameter_names(type(policy))}


def parameter_names(kind: type[Any]) -> list[str]:
    """In the order of the fields."""
    listed: tuple[Field[Any], ...] = fields(kind)
    return [field.name for field in listed]
