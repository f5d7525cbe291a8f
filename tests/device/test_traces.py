"""Offloads as traces: what a collector gets."""

import http.server
import socket
import threading
import time

import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from foveate.core import Detections, InputError, OffloadPlan, OffloadRecord
from foveate.device import OffloadDone
from foveate.device.traces import STAGES, Traces

SPANS_S = {"encode_s": 0.02, "uplink_s": 0.1, "queue_s": 0.05, "decode_s": 0.01, "inference_s": 0.1, "downlink_s": 0.02}
FOUND = Detections(boxes=np.zeros((1, 4)), scores=np.ones(1), class_id=np.zeros(1, np.int32), class_names=("person",))


def done(**changes):
    values = {
        "offload_id": 7,
        "frame_index": 21,
        "started_at": 50.0,
        "finished_at": 50.3,
        "plan": OffloadPlan(jpeg_quality=80),
        "payload_bytes": 1000,
        "rtt_s": 0.04,
    }
    record = OffloadRecord(**(values | SPANS_S | changes))
    return OffloadDone(record=record, captured_at=49.9, result=None if record.failed else FOUND, reason="timed out")


@pytest.fixture
def recorded():
    """The finished spans of some offloads, by name; the device's clock stands at 51 s, the wall's at 1000 s."""

    def of(*events):
        exporter = InMemorySpanExporter()
        with Traces(exporter, now=lambda: 51.0, wall_ns=lambda: 1000 * 10**9) as traces:
            for event in events:
                traces(event)
        return {span.name: span for span in exporter.get_finished_spans()}

    return of


def bounds_s(span):
    return span.start_time / 1e9, span.end_time / 1e9


def test_the_root_lies_where_the_devices_clock_puts_it_and_says_what_was_sent(recorded):
    root = recorded(done())["offload"]
    assert bounds_s(root) == pytest.approx((999.0, 999.3))
    assert root.parent is None
    assert root.status.is_ok
    told = dict(root.attributes)
    assert (told["foveate.offload_id"], told["foveate.frame"], told["foveate.bytes"]) == (7, 21, 1000)
    assert told["foveate.objects"] == 1


def test_the_stages_follow_each_other_inside_the_root_and_fill_it(recorded):
    spans = recorded(done())
    root = spans.pop("offload")
    assert set(spans) == set(STAGES)
    at = bounds_s(root)[0]
    for name, span_s in zip(STAGES, SPANS_S.values(), strict=True):
        assert bounds_s(spans[name]) == pytest.approx((at, at + span_s))
        assert spans[name].parent.span_id == root.context.span_id
        assert spans[name].context.trace_id == root.context.trace_id
        at += span_s
    assert at == pytest.approx(bounds_s(root)[1])


def test_a_failed_offload_is_an_error_without_the_stages_it_never_reached(recorded):
    never = dict.fromkeys(("queue_s", "decode_s", "inference_s", "downlink_s"), 0.0)
    spans = recorded(done(failed=True, **never))
    assert set(spans) == {"offload", "encode", "uplink"}
    assert not spans["offload"].status.is_ok
    assert spans["offload"].status.description == "timed out"


def test_each_offload_is_a_trace_of_its_own():
    exporter = InMemorySpanExporter()
    with Traces(exporter) as traces:
        traces(done())
        traces(done(offload_id=8))
    assert len({span.context.trace_id for span in exporter.get_finished_spans()}) == 2


def test_a_collector_gets_the_spans_over_http():
    got = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, args=(0.05,), daemon=True).start()
        with Traces.to_collector(f"http://127.0.0.1:{collector.server_port}/v1/traces") as traces:
            traces(done())
        collector.shutdown()
    ((path, request),) = got
    assert path == "/v1/traces"
    names = {span.name for found in request.resource_spans for scope in found.scope_spans for span in scope.spans}
    assert names == {"offload", *STAGES}


def test_a_collector_that_is_not_there_disturbs_nobody(caplog):
    with Traces.to_collector("http://127.0.0.1:1/v1/traces") as traces:
        traces(done())


def test_a_collector_that_says_nothing_is_waited_for_no_longer_than_promised():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        traces = Traces.to_collector(f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces")
        for _ in range(250):  # more than one message holds
            traces(done())
        started_at = time.monotonic()
        traces.close()
        assert time.monotonic() - started_at < 5


@pytest.mark.parametrize("url", ["collector:4318", "ftp://collector/", "http:///v1/traces", ""])
def test_what_is_no_url_is_refused(url):
    with pytest.raises(InputError, match="a collector is named by its URL"):
        Traces.to_collector(url)
