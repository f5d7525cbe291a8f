"""Lines that a stranger can cause at will, told now and then."""

import logging
import time
from collections.abc import Callable

PERIOD_S = 10.0
"""Between two lines of one kind."""


class SparingLog:
    """At most one line per kind and period; a line says how many of its kind were left out before it."""

    def __init__(self, logger: logging.Logger, *, now: Callable[[], float] = time.monotonic) -> None:
        self._logger, self._now = logger, now
        self._told_at: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def warning(self, kind: str, text: str) -> None:
        """Tell of something; `kind` is one of few words, `text` may hold what the stranger said."""
        self._tell(logging.WARNING, kind, text)

    def info(self, kind: str, text: str) -> None:
        """The same, of what is rather harmless."""
        self._tell(logging.INFO, kind, text)

    def _tell(self, level: int, kind: str, text: str) -> None:
        now = self._now()
        if now - self._told_at.get(kind, float("-inf")) < PERIOD_S:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return
        self._told_at[kind] = now
        left_out = self._left_out.pop(kind, 0)
        self._logger.log(level, "%s%s", text, f" ({left_out} like it were not told)" if left_out else "")
