"""Prometheus metrics of a server (extra `observe`).

Every name stands in this file once; the dashboard under `deploy/grafana` is tested against them.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from foveate import __version__
from foveate.network.messages import Welcome
from foveate.server.events import (
    REFUSALS,
    ClientForgotten,
    ClientGreeted,
    ClientIgnored,
    LoopTurned,
    OffloadAnswered,
    OffloadRefused,
    ServerEvent,
    ServingStarted,
)
from foveate.server.watch.health import Health

STAGES = ("queue", "decode", "inference", "total")
"""What a server knows of an offload's time; the link's share is known to the device alone."""
_SPAN_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_BATCH_BUCKETS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
_SIZE_BUCKETS_BYTES = tuple(2.0**power for power in range(13, 24))  # 8 KiB to 8 MiB
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """An observer that counts. It has a registry of its own, so that several servers can live in one process."""

    def __init__(self, health: Health) -> None:
        self.registry = registry = CollectorRegistry()
        self._health = health
        self._clients: set[bytes] = set()
        self._spans = Histogram(
            "foveate_stage_seconds",
            "What an answered offload took on the server, by stage",
            ["stage"],
            buckets=_SPAN_BUCKETS_S,
            registry=registry,
        )
        self._shared = Histogram(
            "foveate_batch_size",
            "Size of the batch that an answered offload was part of",
            buckets=_BATCH_BUCKETS,
            registry=registry,
        )
        self._batches = Counter("foveate_batches", "Batches that gave results", registry=registry)
        self._sizes = Histogram(
            "foveate_offload_bytes",
            "Compressed size of an answered offload",
            buckets=_SIZE_BUCKETS_BYTES,
            registry=registry,
        )
        self._answered = Counter("foveate_offloads_answered", "Offloads with a result", registry=registry)
        self._refused = Counter(
            "foveate_offloads_refused",
            "Offloads and messages without a result",
            ["reason"],
            registry=registry,
        )
        self._objects = Counter("foveate_objects", "Objects in all results", registry=registry)
        self._computed = Counter(
            "foveate_tokens_computed", "Tokens that passed the backbone, mean over its subsets", registry=registry
        )
        self._saved = Counter(
            "foveate_tokens_saved", "Tokens that full resolution would have had on top", registry=registry
        )
        self._received = Counter("foveate_received_bytes", "Bytes of all messages of devices", registry=registry)
        self._greetings = Counter("foveate_greetings", "Greetings of devices, again after a loss", registry=registry)
        self._ignored = Counter(
            "foveate_ignored_clients", "Devices whose messages were left unread for a while", registry=registry
        )
        self._known = Gauge("foveate_clients", "Devices that have greeted and are not forgotten", registry=registry)
        self._waiting = Gauge("foveate_queue_length", "Offloads that wait for the model", registry=registry)
        self._running = Gauge("foveate_running", "Offloads in the model", registry=registry)
        self._model = Gauge(
            "foveate_model_info", "Always 1; names what runs here", ["model", "weights", "version"], registry=registry
        )
        self._add_health(registry)
        self._start_at_zero()

    def _add_health(self, registry: CollectorRegistry) -> None:
        ProcessCollector(registry=registry)
        uptime = Gauge("foveate_uptime_seconds", "Since the server was started", registry=registry)
        uptime.set_function(lambda: self._health.uptime_s)
        ready = Gauge("foveate_ready", "1 if devices are answered", registry=registry)
        ready.set_function(lambda: float(self._health.readiness().ready))

    def _start_at_zero(self) -> None:
        """A series that appears with its first event has no rate at that event."""
        for stage in STAGES:
            self._spans.labels(stage)
        for reason in REFUSALS:
            self._refused.labels(reason)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def __call__(self, event: ServerEvent) -> None:
        """Count one event."""
        match event:
            case OffloadAnswered():
                self._count_answer(event)
            case OffloadRefused(reason=reason):
                self._refused.labels(reason).inc()
            case ClientGreeted(client=client):
                self._greetings.inc()
                self._clients.add(client)
                self._known.set(len(self._clients))
            case ClientForgotten(client=client):
                self._clients.discard(client)
                self._known.set(len(self._clients))
            case ClientIgnored():
                self._ignored.inc()
            case LoopTurned():
                self._waiting.set(event.waiting)
                self._running.set(event.running)
                self._received.inc(event.received_bytes)
            case ServingStarted(welcome=welcome):
                self._describe(welcome)

    def _describe(self, welcome: Welcome) -> None:
        self._model.labels(welcome.model, welcome.weights_hash[:12], __version__).set(1)

    def _count_answer(self, event: OffloadAnswered) -> None:
        inferred, offload = event.inferred, event.offload
        spans = (event.queue_s, inferred.decode_s, inferred.inference_s)
        for stage, span_s in zip(STAGES, (*spans, sum(spans)), strict=True):
            self._spans.labels(stage).observe(span_s)
        self._answered.inc()
        self._objects.inc(len(inferred.detections))
        self._sizes.observe(offload.picture_bytes)
        self._shared.observe(inferred.batch_size)
        self._batches.inc(1 / inferred.batch_size)  # all of a batch together make one
        self._computed.inc(inferred.tokens)
        self._saved.inc(inferred.full_tokens - inferred.tokens)
