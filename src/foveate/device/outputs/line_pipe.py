"""Lines for a reader that may be slow: written beside the display, which never waits for the reader."""

import logging
import os
import queue
import threading
from types import TracebackType
from typing import Self

MOST_WAITING = 1000
"""Lines that wait for the reader."""
PATIENCE_S = 3.0
"""How long a reader that takes nothing is waited for at the end."""

_LOG = logging.getLogger(__name__)


class LinePipe:
    """Context manager over an open file descriptor, which stays open. Lines that find no room are left out and counted.

    Leaving the block waits as long as the reader takes lines; how many it did not get is told in one line of the log.
    """

    def __init__(self, descriptor: int) -> None:
        self.left_out = 0
        """How many lines found no room."""
        self._descriptor = descriptor
        self._accepted = self._written = 0
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._write_all, name="lines", daemon=True)

    def write(self, line: str) -> None:
        """Take a line, with its end; returns at once. Raises `OSError` after the reader has left or a disk refused."""
        if self._error is not None:
            raise self._error
        if self._waiting.qsize() >= MOST_WAITING:
            self.left_out += 1
        else:
            self._accepted += 1
            self._waiting.put(line.encode())

    def flush(self) -> None:
        """Nothing to do: a line waits for its reader alone."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        before = -1
        while self._thread.is_alive() and self._written > before:
            before = self._written
            self._thread.join(PATIENCE_S)
        if self._error is None:
            self.left_out += self._accepted - self._written
            if self.left_out:
                _LOG.warning("%d lines were left out: their reader is too slow", self.left_out)
        elif kind is None and not isinstance(self._error, BrokenPipeError):
            raise self._error

    def _write_all(self) -> None:
        try:
            while (line := self._waiting.get()) is not None:
                while line:
                    line = line[os.write(self._descriptor, line) :]
                self._written += 1
        except OSError as error:  # raised by the next line, or when the block is left
            self._error = error
