"""Says why offloads fail, where they keep failing."""

from collections.abc import Callable

from foveate.device.events import OffloadDone

IN_A_ROW = 5
"""Failures for one reason that are worth a word: a single one is everyday life on a bad link."""


class FailureReasons:
    """An observer of offloads: tells `tell` a reason after `IN_A_ROW` failures for it, and not again until another."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._reason, self._count, self._told = "", 0, ""

    def __call__(self, done: OffloadDone) -> None:
        """Note a result or a failure."""
        self._count = self._count + 1 if done.reason == self._reason else 1
        self._reason = done.reason
        if done.reason not in ("", self._told) and self._count >= IN_A_ROW:
            self._told = done.reason
            self._tell(f"offloads fail: {done.reason}")
