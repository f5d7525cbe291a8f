"""A text file that outlasts a full disk: what the disk refuses waits in memory, and each further line tries again."""

import logging
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from foveate.core import FoveateError

MOST_WAITING_BYTES = 64 * 2**20
"""What is written beyond that while the disk refuses is lost, and counted."""

_LOG = logging.getLogger(__name__)


class PatientFile:
    """Context manager over a file that is written anew. Raises `FoveateError` if it cannot be opened.

    What the file held is gone with the first line, not before: until then there is nothing to put in its place.
    A disk that refuses is told in one line, and so is its return; `close` raises `FoveateError` if something is still
    unwritten then. Bytes reach the file in order and once, also where the disk took half of a line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = False
        self._waiting = bytearray()
        self._lost_lines = 0
        self._refusal: OSError | None = None
        try:
            self._handle: int | None = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
        except OSError as error:
            raise self._failure(error) from error

    @property
    def waiting_bytes(self) -> int:
        """How much the disk has not taken yet."""
        return len(self._waiting)

    def write(self, line: str) -> None:
        """Append a line, with its end; never raises for what the disk does."""
        self._begin()
        data = line.encode()
        if len(self._waiting) + len(data) > MOST_WAITING_BYTES:
            self._lost_lines += 1
        else:
            self._waiting += data
        self._drain()

    def flush(self) -> None:
        """Nothing: lines are not held back."""

    def check(self) -> None:
        """Raise `FoveateError` if the disk refuses now: for a start that should not go unnoticed."""
        if self._refusal is not None:
            raise self._failure(self._refusal)

    def close(self) -> None:
        """Try once more and close; a second call does nothing. Raises `FoveateError` if something was lost."""
        if self._handle is None:
            return
        self._drain()
        os.close(self._handle)
        self._handle = None
        if self._refusal is not None:
            raise self._failure(self._refusal)
        if self._lost_lines:
            raise FoveateError(f"{self._path} lacks {self._lost_lines} lines: the disk was full for too long")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except FoveateError:
            if kind is None:  # the first error is the one to tell
                raise

    def _begin(self) -> None:
        if not self._begun and self._handle is not None:
            self._begun = True
            with suppress(OSError):  # a pipe has no length
                os.ftruncate(self._handle, 0)

    def _drain(self) -> None:
        assert self._handle is not None
        try:
            while self._waiting:
                del self._waiting[: os.write(self._handle, self._waiting)]
        except OSError as error:
            if self._refusal is None:
                _LOG.warning("cannot write %s: %s; what follows waits in memory", self._path, error.strerror)
            self._refusal = error
            return
        if self._refusal is not None:
            _LOG.warning("%s is written again, with all that waited", self._path)
            self._refusal = None

    def _failure(self, error: OSError) -> FoveateError:
        return FoveateError(f"cannot write {self._path}: {error.strerror or error}")
