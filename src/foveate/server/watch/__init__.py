"""Those who watch a server: metrics, health, logs, traces, the live page. All of them only listen.

What needs a package beyond the base install is imported from its own file: `watch.metrics` (extra `observe`),
`watch.traces` (extra `otel`), `watch.page` (extra `page`).
"""

from foveate.server.watch.address import Address
from foveate.server.watch.endpoint import Endpoint
from foveate.server.watch.health import Health, Readiness
from foveate.server.watch.watchers import Watchers, WatchOptions

__all__ = ["Address", "Endpoint", "Health", "Readiness", "WatchOptions", "Watchers"]
