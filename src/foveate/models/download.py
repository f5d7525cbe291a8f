"""Files from the web: resumed where a try before ended, checked, and in their place at once or not at all."""

import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from foveate.core import InputError, TransportError

OFFLINE = "FOVEATE_OFFLINE"
"""Set to 1 in the environment, nothing is fetched."""
PIECE_BYTES = 2**20
TIMEOUT_S = 30.0

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and all bytes, None where the server does not say."""


def download(address: str, target: Path, *, progress: Progress, sha256: str | None = None) -> str:
    """Fetch `address` into the file `target` unless it is there, and return the file's SHA-256.

    What has come of a try that broke off waits in `target`.part; the next try asks for the rest, if the server still
    has the same file. Raises `InputError` for an address that is not HTTP, `TransportError` where the server cannot be
    reached, breaks off, or sends a file with another checksum, where the disk refuses it, and when the environment says
    to stay offline.
    """
    if not target.exists():
        part = target.with_name(target.name + ".part")
        _fetch(address, part, progress)
        got = digest(part)
        if sha256 is not None and got != sha256:
            part.unlink()
        else:
            part.replace(target)
        _note_of(part).unlink(missing_ok=True)
    else:
        got = digest(target)
    if sha256 is not None and got != sha256:
        where = str(target) if target.exists() else address
        raise TransportError(f"{where}: a file with SHA-256 {sha256} is required, got {got}")
    return got


def digest(path: Path, kind: str = "sha256") -> str:
    """SHA-256 of a file, or another checksum, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _fetch(address: str, part: Path, progress: Progress) -> None:
    if not address.startswith(("http://", "https://")):
        raise InputError(f"an address that begins with http:// or https:// is required, got {address!r}")
    if os.environ.get(OFFLINE, "0") not in ("", "0"):
        raise TransportError(f"{address} is not on this machine, and {OFFLINE} is set")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with _open(address, part) as response:
            _receive(response, part, progress)
    except urllib.error.HTTPError as error:
        raise TransportError(f"{address}: the server answered {error.code} {error.reason}") from error
    except (HTTPException, OSError) as error:  # of the network or of the disk
        reason = getattr(error, "reason", None) or error
        raise TransportError(f"{address} cannot be reached or broke off ({reason}); another try goes on") from error


def _open(address: str, part: Path) -> HTTPResponse:
    """A request for what is missing, or for the whole file where nothing certain is known about the part."""
    request = urllib.request.Request(address, headers={"User-Agent": "foveate"})  # noqa: S310  # checked in _fetch
    mark, size = _read_mark(part), part.stat().st_size if part.exists() else 0
    if mark and size:
        request.add_header("Range", f"bytes={size}-")
        request.add_header("If-Range", mark)
    try:
        response: HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code != 416:  # the part is as long as the file or longer
            raise
        part.unlink()
        return _open(address, part)
    return response


def _receive(response: HTTPResponse, part: Path, progress: Progress) -> None:
    resumed = response.status == 206
    at = part.stat().st_size if resumed else 0
    length = response.headers.get("Content-Length")
    total = None if length is None else at + int(length)
    if not resumed:
        _write_mark(part, response.headers)
    with part.open("ab" if resumed else "wb") as file:
        progress(at, total)
        while piece := response.read(PIECE_BYTES):
            file.write(piece)
            at += len(piece)
            progress(at, total)
    if total is not None and at != total:
        raise HTTPException(f"{at} of {total} bytes came")


def _note_of(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _write_mark(part: Path, headers: Any) -> None:
    """Keep what tells this version of the file from another: a strong ETag, or the date of its last change."""
    tag = headers.get("ETag")
    mark = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")
    _note_of(part).write_text(json.dumps({"mark": mark}))


def _read_mark(part: Path) -> str | None:
    try:
        mark = json.loads(_note_of(part).read_text())["mark"]
    except (OSError, ValueError, KeyError):
        return None
    return mark if isinstance(mark, str) else None
