"""Profiles as versioned JSON."""

import re
from pathlib import Path

import msgspec

from foveate.core import InputError, MediaError, Profile, foveate_home

VERSION = 1
"""Of the file's form."""


class _File(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    profile: Profile


def write_profile(profile: Profile, path: str | Path) -> None:
    """Write `profile` to `path`, readable by people. Raises `MediaError` where the disk refuses."""
    text = msgspec.json.format(msgspec.json.encode(_File(version=VERSION, profile=profile)), indent=1)
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(_LIST_OF_NUMBERS.sub(_in_one_line, text) + b"\n")
    except OSError as error:
        raise MediaError(f"cannot write the profile {path}: {error.strerror or error}") from error


_LIST_OF_NUMBERS = re.compile(rb"\[[\s\d.,eE+-]+\]")


def _in_one_line(numbers: re.Match[bytes]) -> bytes:
    return b" ".join(numbers.group().split()).replace(b"[ ", b"[").replace(b" ]", b"]")


def read_profile(path: str | Path) -> Profile:
    """The profile in a file. Raises `MediaError`, in one line, unless it is one of this version."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise MediaError(f"cannot read the profile {path}: {error.strerror or error}") from error
    try:
        version = msgspec.json.decode(data, type=dict[str, msgspec.Raw]).get("version")
        if version is None:
            raise MediaError(f"{path} is not a profile: it names no version")
        if bytes(version) != str(VERSION).encode():
            raise MediaError(f"{path} is a profile of version {bytes(version).decode()}, this foveate reads {VERSION}")
        return msgspec.json.decode(data, type=_File).profile
    except (msgspec.DecodeError, UnicodeDecodeError, InputError) as error:
        raise MediaError(f"{path} is not a profile: {error}") from error


def load_profile(name_or_path: str) -> Profile:
    """A profile that ships with foveate, then one in `$FOVEATE_HOME/profiles`, then a file.

    Raises `InputError` naming the shipped ones if there is none.
    """
    for folder in (_SHIPPED, foveate_home() / "profiles"):
        if (path := folder / f"{name_or_path}.json").is_file():
            return read_profile(path)
    if Path(name_or_path).is_file():
        return read_profile(name_or_path)
    raise InputError(f"no profile {name_or_path!r}: neither a file nor a known name ({', '.join(shipped_profiles())})")


def shipped_profiles() -> list[str]:
    """Names of the profiles that come with foveate."""
    return sorted(path.stem for path in _SHIPPED.glob("*.json"))


_SHIPPED = Path(__file__).parent / "shipped"
