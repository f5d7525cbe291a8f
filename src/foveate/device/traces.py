"""Each offload as an OpenTelemetry trace (extra `otel`), from the device alone.

The device owns the trace: it starts when encoding starts and ends when the result is there, on its clock. What the
server measured are durations; their spans are laid end to end between uplink and downlink. No time of the server's
clock enters, and nothing has to travel but what a result carries anyway.
"""

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from foveate import __version__
from foveate.core import InputError, OffloadRecord
from foveate.device.events import OffloadDone

STAGES = ("encode", "uplink", "server.queue", "server.decode", "server.inference", "downlink")
"""Names of the child spans, in the order in which they happen."""
_PATIENCE_MS = 3000
"""How long the end of a run waits for a collector."""


class Traces:
    """Called with each offload that ended; `close` sends what has not been sent. It never blocks and never raises.

    `now` is the device's monotonic clock, `wall_ns` the time of day by which a collector sorts traces.
    """

    def __init__(
        self,
        exporter: SpanExporter,
        *,
        now: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        resource = Resource.create({"service.name": "foveate-device", "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer: Tracer = self._provider.get_tracer("foveate.device", __version__)
        self._now, self._wall_ns = now, wall_ns

    @classmethod
    def to_collector(cls, url: str) -> Self:
        """Traces to a collector's OTLP/HTTP address, such as `http://127.0.0.1:4318/v1/traces`. Raises `InputError`."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InputError(f"a collector is named by its URL, such as http://127.0.0.1:4318/v1/traces, got {url!r}")
        return cls(OTLPSpanExporter(endpoint=url, timeout=_PATIENCE_MS / 1000))

    def __call__(self, event: OffloadDone) -> None:
        """Record one offload."""
        record = event.record
        origin_ns = self._wall_ns() - round(1e9 * (self._now() - record.started_at))
        root = self._tracer.start_span("offload", start_time=origin_ns, attributes=_attributes(event))
        if record.failed:
            root.set_status(Status(StatusCode.ERROR, event.reason or "no result"))
        self._stages(root, origin_ns, _spans(record))
        root.end(origin_ns + round(1e9 * record.e2e_latency_s))

    def close(self) -> None:
        """Send what waits, for at most 3 s."""
        # The provider's own timeouts do not hold against a collector that takes a connection and says nothing.
        sending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        sending.start()
        sending.join(_PATIENCE_MS / 1000)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stages(self, root: Span, origin_ns: int, spans: Sequence[tuple[str, float]]) -> None:
        context, elapsed_s = set_span_in_context(root), 0.0
        for name, span_s in spans:
            started_ns = origin_ns + round(1e9 * elapsed_s)
            elapsed_s += span_s
            self._tracer.start_span(name, context, start_time=started_ns).end(origin_ns + round(1e9 * elapsed_s))


def _spans(record: OffloadRecord) -> list[tuple[str, float]]:
    """Stages and durations; those of a failed offload that were never reached are left out."""
    durations_s = (
        record.encode_s,
        record.uplink_s,
        record.queue_s,
        record.decode_s,
        record.inference_s,
        record.downlink_s,
    )
    return [(name, span_s) for name, span_s in zip(STAGES, durations_s, strict=True) if span_s > 0 or not record.failed]


def _attributes(event: OffloadDone) -> dict[str, str | int | float]:
    record, plan = event.record, event.record.plan
    return {
        "foveate.offload_id": record.offload_id,
        "foveate.frame": record.frame_index,
        "foveate.bytes": record.payload_bytes,
        "foveate.jpeg_quality": plan.jpeg_quality,
        "foveate.restoration_point": plan.restoration_point,
        "foveate.downsampled_regions": plan.downsampled_regions,
        "foveate.choice": plan.reason,
        "foveate.rtt_s": record.rtt_s,
        "foveate.objects": -1 if event.result is None else len(event.result),
    }
