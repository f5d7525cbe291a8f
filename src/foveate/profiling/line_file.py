"""Measurements kept line by line as JSON: one that is interrupted goes on with the next."""

from pathlib import Path
from typing import TypeVar

import msgspec

from foveate.core import MediaError

_T = TypeVar("_T", bound=msgspec.Struct)


def append_line(path: Path, entry: msgspec.Struct) -> None:
    """One line more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(msgspec.json.encode(entry) + b"\n")


def read_lines(path: Path, kind: type[_T]) -> list[_T]:
    """All lines; none where there is no file. A line torn by an interrupt is cut off the file.

    Raises `MediaError` naming the line that is damaged in any other way.
    """
    if not path.is_file():
        return []
    lines = path.read_bytes().splitlines(keepends=True)
    whole = [line for line in lines if line.endswith(b"\n")]
    if len(whole) < len(lines):
        path.write_bytes(b"".join(whole))
    return [_entry(line, kind, where=f"{path}:{number}") for number, line in enumerate(whole, 1)]


def _entry(line: bytes, kind: type[_T], *, where: str) -> _T:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        raise MediaError(f"{where} is damaged ({error}): without the file all of it is measured anew") from error
