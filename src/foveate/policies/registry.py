"""Policies by the text that a user writes: `fixed:beta=4,quality=80`."""

from dataclasses import Field, fields
from typing import Any

import msgspec

from foveate.core import InputError
from foveate.policies._base import Policy
from foveate.policies.back2back import Back2Back
from foveate.policies.fixed import Fixed
from foveate.policies.track_b2b import TrackB2B
from foveate.policies.track_roi import TrackRoI
from foveate.policies.track_ud import TrackUD
from foveate.policies.vitmalis import VitMAlis

POLICIES: dict[str, type[Any]] = {kind.name: kind for kind in (Back2Back, Fixed, TrackB2B, TrackRoI, TrackUD, VitMAlis)}


def by_name(text: str) -> Policy:
    """`NAME` or `NAME:parameter=value,...` -> policy. Raises `InputError` that lists what is known."""
    policy: Policy = policy_from(text, POLICIES)
    return policy


def policy_from(text: str, kinds: dict[str, type[Any]], *, kind: str = "policy") -> Any:
    """One of a family of policies by text; `kind` is what messages call it. Raises `InputError`."""
    name, parameters = parse_policy(text)
    if name not in kinds:
        family = "policies" if kind == "policy" else f"{kind}s"
        raise InputError(f"unknown {kind} {name!r}; known {family}: {', '.join(sorted(kinds))}")
    known = _parameters(kinds[name])
    for parameter in parameters:
        if parameter not in known:
            listed = f"its parameters are {', '.join(known)}" if known else "it has no parameters"
            raise InputError(f"{kind} {name} has no parameter {parameter!r}; {listed}")
    try:
        return msgspec.convert(parameters, kinds[name], strict=False)
    except msgspec.ValidationError as error:
        raise InputError(f"{kind} {name}: {error}") from error


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


def policy_parameters(policy: Policy) -> dict[str, int | float | str | bool | None]:
    """A policy's parameters by name, for reports."""
    return {name: getattr(policy, name) for name in _parameters(type(policy))}


def _parameters(kind: type[Any]) -> list[str]:
    listed: tuple[Field[Any], ...] = fields(kind)
    return [field.name for field in listed]
