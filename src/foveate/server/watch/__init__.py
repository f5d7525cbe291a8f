"""Those who watch a server: metrics, health, logs, traces, the live page. All of them only listen.

What needs a package beyond the base install is imported from its own file: `watch.metrics` (extra `observe`),
`watch.traces` (extra `otel`), `watch.page` (extra `page`).
"""

from foveate.server.watch.address import Address
from foveate.server.watch.endpoint import Endpoint
from foveate.server.watch.health import Health, Readiness
from foveate.server.watch.journal import Journal
from foveate.server.watch.log_format import LEVELS, STYLES, configure_logging
from foveate.server.watch.watchers import Watchers, WatchOptions

__all__ = [
    "LEVELS",
    "STYLES",
    "Address",
    "Endpoint",
    "Health",
    "Journal",
    "Readiness",
    "WatchOptions",
    "Watchers",
    "configure_logging",
]
