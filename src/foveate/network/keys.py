"""Key pairs of CURVE, the list of keys that a server allows, and their files.

A machine has one pair, whatever it does: `secret.key`, which only its owner may read, and `public.key`, which is told
to others. A server also keeps `allowed`: one public key a line, then a name; lines that start with `#` are remarks.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import zmq
from zmq.utils import z85

from foveate.core import FoveateError, InputError, foveate_home
from foveate.core.whole_files import whole_file

PUBLIC = "foveate-public-"
SECRET = "foveate-secret-"  # noqa: S105  # a prefix, not a password
SECRET_FILE, PUBLIC_FILE, ALLOWED_FILE = "secret.key", "public.key", "allowed"
_HEX = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """Who this machine is."""

    public: bytes
    """32 bytes, told to everybody."""
    secret: bytes = field(repr=False)
    """32 bytes, told to nobody."""

    @classmethod
    def new(cls) -> Self:
        """A pair that nobody had before."""
        public, secret = zmq.curve_keypair()
        return cls(public=z85.decode(public), secret=z85.decode(secret))

    @classmethod
    def of_secret(cls, secret: bytes) -> Self:
        """The pair that a secret key belongs to."""
        return cls(public=z85.decode(zmq.curve_public(z85.encode(secret))), secret=secret)


def default_folder() -> Path:
    """Where keys lie unless a folder is named: `$FOVEATE_HOME/keys`."""
    return foveate_home() / "keys"


def format_public(key: bytes) -> str:
    """A public key as one word that shells and mails leave alone."""
    return PUBLIC + key.hex()


def parse_public(text: str) -> bytes:
    """Inverse of `format_public`. Raises `InputError`."""
    if text.startswith(SECRET):
        raise InputError("this is a secret key, where a public key is needed: give nobody a secret key")
    return _parse(PUBLIC, text)


def write_key_pair(folder: Path, pair: KeyPair) -> None:
    """Write both files, the secret one readable by its owner only.

    Raises `InputError` where there is a secret already, `FoveateError` where they cannot be written.
    """
    _make_folder(folder)
    _write_new(folder / SECRET_FILE, SECRET + pair.secret.hex(), mode=0o600)
    try:
        (folder / PUBLIC_FILE).write_text(format_public(pair.public) + "\n", encoding="utf-8")
    except OSError as error:
        raise FoveateError(f"cannot write {folder / PUBLIC_FILE}: {error.strerror}") from error


def read_key_pair(folder: Path) -> KeyPair:
    """Inverse of `write_key_pair`. Raises `InputError` on a secret that is missing, malformed or readable by others."""
    path = folder / SECRET_FILE
    if not path.is_file():
        raise InputError(f"no key pair in {folder}: make one with foveate keys new --out {folder}")
    _check_mode(path, forbidden=0o077, what="be read by others", remedy="600")
    try:
        return KeyPair.of_secret(_parse(SECRET, _read(path).strip()))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_public(key_or_file: str) -> bytes:
    """A public key, given as itself or as the path of a file that holds it. Raises `InputError`."""
    if key_or_file.startswith((PUBLIC, SECRET)):
        return parse_public(key_or_file)
    path = Path(key_or_file)
    if not path.is_file():
        raise InputError(f"a key is {PUBLIC} with 64 hexadecimal digits, or a file that holds it, got {key_or_file!r}")
    try:
        return parse_public(_read(path).strip())
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def allow(path: Path, key: bytes, name: str) -> bool:
    """Add a key to the list in `path`, which is made if need be; False if it stands there already.

    The file is replaced at once or not at all: a server may be reading it. Raises `InputError` where it is no list, and
    on a name of several lines, `FoveateError` where it cannot be written.
    """
    if len(name.splitlines()) > 1:
        raise InputError(f"a name is one line, for what follows it would be another key, got {name!r}")
    lines = _read(path).splitlines() if path.exists() else []
    if key in dict(_listed(path, lines)):
        return False
    _make_folder(path.parent)
    with whole_file(path) as draft:
        draft.touch(mode=0o644)
        draft.write_text("\n".join([*lines, f"{format_public(key)} {name}".strip(), ""]), encoding="utf-8")
    return True


def read_allowed(path: Path) -> dict[bytes, str]:
    """Names by key. Raises `InputError` where the list in `path` is missing, malformed, or others can write it."""
    if not path.is_file():
        raise InputError(f"no list of allowed keys at {path}: add a device with foveate keys allow KEY --list {path}")
    _check_mode(path, forbidden=0o022, what="be written by others", remedy="644")
    return dict(_listed(path, _read(path).splitlines()))


def _listed(path: Path, lines: list[str]) -> Iterator[tuple[bytes, str]]:
    for number, line in enumerate(lines, start=1):
        key, *name = line.split(maxsplit=1) or ["#"]
        if key.startswith("#"):
            continue
        try:
            yield parse_public(key), "".join(name).strip()
        except InputError as error:
            raise InputError(f"{path}, line {number}: {error}") from error


def _parse(prefix: str, text: str) -> bytes:
    digits = text.removeprefix(prefix)
    if digits == text or _HEX.fullmatch(digits) is None:
        raise InputError(f"a key is {prefix} with 64 hexadecimal digits, got {len(text)} characters that are not")
    return bytes.fromhex(digits)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text file of keys") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise FoveateError(f"cannot make the folder {folder}: {error.strerror}") from error


def _write_new(path: Path, text: str, *, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise InputError(f"{path} is there already and is not overwritten: remove it first") from error
    except OSError as error:
        raise FoveateError(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")


def _check_mode(path: Path, *, forbidden: int, what: str, remedy: str) -> None:
    mode = path.stat().st_mode & 0o777
    if os.name == "posix" and mode & forbidden:
        raise InputError(f"{path} can {what} (mode {mode:04o}): chmod {remedy} {path}")
