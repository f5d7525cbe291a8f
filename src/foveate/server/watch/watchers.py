"""All who watch one server, as its command line asks for them."""

import logging
import os
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from foveate.core import MonotonicClock
from foveate.server.events import Observer
from foveate.server.watch.address import Address
from foveate.server.watch.endpoint import Endpoint
from foveate.server.watch.health import Health
from foveate.server.watch.journal import Journal
from foveate.server.watch.service_manager import ServiceManager


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """What is asked for. None = not at all."""

    metrics: Address | None = None
    """Where `/metrics`, `/healthz` and `/readyz` are answered; needs the extra `observe`."""
    page: Address | None = None
    """Where the live page is; needs the extra `page`."""


class Watchers:
    """Made before the model is loaded, so that a server that loads for long is seen to be alive.

    Raises `TransportError` where an address cannot be listened on, `ImportError` where an extra is missing.
    """

    def __init__(self, options: WatchOptions) -> None:
        self._stack = ExitStack()
        self._clock = MonotonicClock()
        self._health = Health(self._clock)
        self.observers: list[Observer] = [Journal(logging.getLogger("foveate.server"), self._clock), self._health]
        """For `serve`; the log is always written."""
        self.lines: list[str] = []
        """What a user should know, one line each."""
        with self._stack:  # what was opened is closed again if something after it fails
            self._add_service_manager()
            if options.metrics is not None:
                self._add_metrics(options.metrics)
            if options.page is not None:
                self._add_page(options.page)
            self._stack = self._stack.pop_all()

    def _add_service_manager(self) -> None:
        manager = ServiceManager.of(os.environ, self._health, self._clock)
        if manager is not None:
            self._stack.callback(manager.close)
            self.observers.append(manager)

    def _add_metrics(self, address: Address) -> None:
        from foveate.server.watch.metrics import CONTENT_TYPE, Metrics  # noqa: PLC0415  # needs an extra

        metrics = Metrics(self._health)
        endpoint = Endpoint(address, self._health, lambda: (metrics.text(), CONTENT_TYPE))
        self._stack.callback(endpoint.close)
        self.observers.append(metrics)
        self.lines.append(f"metrics at http://{endpoint.address}/metrics, health at /healthz and /readyz")

    def _add_page(self, address: Address) -> None:
        from foveate.server.watch.page import Gallery, LivePage  # noqa: PLC0415  # needs an extra

        gallery = Gallery(self._clock)
        page = self._stack.enter_context(LivePage(gallery, address))
        self.observers.append(gallery)
        self.lines.append(f"live page at {page.admission.url}")

    def close(self) -> None:
        """Stop listening."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
