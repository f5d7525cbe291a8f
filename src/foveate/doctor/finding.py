"""What a check found."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["ok", "note", "fail"]
"""Fine; something is missing that not everybody needs; this machine cannot do its work."""
Role = Literal["device", "server"]
ROLES: tuple[Role, ...] = ("device", "server")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report."""

    group: str
    """Which part of the machine: lines of a group stand together."""
    what: str
    """What was looked at."""
    level: Level
    found: str
    """What is there, in a few words."""
    advice: str = ""
    """What to do; empty where there is nothing to do."""


def present(group: str, what: str, found: str) -> Finding:
    """All is well."""
    return Finding(group=group, what=what, level="ok", found=found)


def missing(group: str, what: str, found: str, advice: str, *, needed: bool) -> Finding:
    """Something is not as it should be: a failure where it is `needed`, else a note."""
    return Finding(group=group, what=what, level="fail" if needed else "note", found=found, advice=advice)


def out_of_reach(group: str, what: str, home: Path, error: OSError) -> Finding:
    """The user may not read or write at `$FOVEATE_HOME`: a failure for every role."""
    advice = "set FOVEATE_HOME to a folder of your own, or change the owner of this one"
    return missing(group, what, f"{home}: {error.strerror}", advice, needed=True)
