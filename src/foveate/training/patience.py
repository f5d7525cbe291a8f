"""Files that are being written: for a while it is no error that they cannot be read."""

import logging
import time

from foveate.core import FoveateError

_LOG = logging.getLogger(__name__)


class Patience:
    """Waits `seconds` for each thing that cannot be read; None: not at all."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self.waiting: dict[str, float] = {}
        """What could not be read, and since when, in seconds of `time.monotonic()`."""

    def put_off(self, what: str, error: FoveateError) -> None:
        """Leave it for later; raises `error` where nothing is waited for, or this has been so for too long."""
        now = time.monotonic()
        since = self.waiting.setdefault(what, now)
        if self._seconds is None or now - since > self._seconds:
            raise error
        if since == now:
            _LOG.warning("left for later: %s", error)

    def met(self, what: str) -> None:
        """It could be read."""
        self.waiting.pop(what, None)
