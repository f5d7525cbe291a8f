"""One event to many observers."""

import logging
from collections.abc import Sequence

from foveate.server.events import Observer, ServerEvent

_LOG = logging.getLogger(__name__)


class Telling:
    """Tells each observer each event. One that raises is logged, and those after it are told all the same."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._noted: set[tuple[int, type[ServerEvent]]] = set()

    def __call__(self, event: ServerEvent) -> None:
        """Tell one event."""
        for number, observer in enumerate(self._observers):
            try:
                observer(event)
            except Exception:  # who only watches must not stop the server
                self._note(number, event)

    def _note(self, number: int, event: ServerEvent) -> None:
        """Once for each observer and kind of event: the loop turns several times a second, for months."""
        key = number, type(event)
        if key not in self._noted:
            self._noted.add(key)
            _LOG.exception("an observer failed on %s; further failures on it are not logged", key[1].__name__)
