"""The relay with real sockets on loopback. Lower bounds are strict; upper bounds allow for a busy machine."""

import socket
import threading
import time
from asyncio.selector_events import BaseSelectorEventLoop
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from foveate.core import InputError, TransportError
from foveate.network.outages import Outage
from foveate.network.relay import ShapedRelay
from foveate.network.trace import UplinkTrace

SLACK_S = 3.0
"""How long a busy machine may hold threads back. Lower bounds are the link's own and have no slack."""


@contextmanager
def server(handle):
    """A TCP server whose every connection is `handle`d in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with listener:
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)


def echo(connection):
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


def count(connection):
    """Answer with one byte as soon as each 1,000,000 bytes are complete."""
    with connection:
        got = bytearray()
        while data := connection.recv(65536):
            got += data
            if len(got) == 1_000_000:
                connection.sendall(bytes([sum(got) % 256]))
                got.clear()


def receive(connection, nbytes):
    got = bytearray()
    while len(got) < nbytes and (data := connection.recv(65536)):
        got += data
    return bytes(got)


def connect(relay):
    connection = socket.create_connection(relay.address, timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def noise(nbytes):
    return np.random.default_rng(0).integers(0, 256, nbytes, dtype=np.uint8).tobytes()


def test_a_megabyte_takes_its_time_at_the_trace_rate_and_half_a_round_trip_each_way():
    payload = noise(1_000_000)
    trace = UplinkTrace.constant(20e6, 0.06, 10)
    with server(count) as target, ShapedRelay(trace=trace, target=target) as relay, connect(relay) as device:
        started = time.monotonic()
        device.sendall(payload)
        assert device.recv(1) == bytes([sum(payload) % 256])
        took = time.monotonic() - started
    assert 0.4 + 0.06 <= took <= (0.4 + 0.06) * 1.15 + SLACK_S


def test_bytes_come_back_whole_and_in_order_and_the_downlink_is_not_shaped():
    payload = noise(300_000)
    trace = UplinkTrace.constant(40e6, 0.02, 10)
    with server(echo) as target, ShapedRelay(trace=trace, target=target) as relay, connect(relay) as device:
        started = time.monotonic()
        threading.Thread(target=device.sendall, args=(payload,), daemon=True).start()
        assert receive(device, len(payload)) == payload
        took = time.monotonic() - started
    assert 0.06 + 0.02 <= took <= (0.06 + 0.02) * 1.15 + SLACK_S


def test_small_messages_pay_the_round_trip_only():
    trace = UplinkTrace.constant(20e6, 0.05, 10)
    with server(echo) as target, ShapedRelay(trace=trace, target=target) as relay, connect(relay) as device:
        spans = []
        for _ in range(5):
            started = time.monotonic()
            device.sendall(b"ping")
            assert device.recv(4) == b"ping"
            spans.append(time.monotonic() - started)
    assert min(spans) >= 0.05
    assert sorted(spans)[1] <= 0.05 + SLACK_S / 5


def test_the_offset_chooses_where_the_trace_starts():
    slow_then_fast = UplinkTrace(name="t", bps=np.array([1e5, 1e9]), rtt_s=np.zeros(2), step_s=10.0)
    with (
        server(echo) as target,
        ShapedRelay(trace=slow_then_fast, target=target, trace_offset_s=10.0) as relay,
        connect(relay) as device,
    ):
        started = time.monotonic()
        device.sendall(bytes(50_000))
        receive(device, 50_000)
    assert time.monotonic() - started < 2.0  # 4 s at the slow rate


def test_connections_share_one_link():
    trace = UplinkTrace.constant(8e6, 0.0, 10)
    with (
        server(echo) as target,
        ShapedRelay(trace=trace, target=target) as relay,
        connect(relay) as first,
        connect(relay) as second,
    ):
        started = time.monotonic()
        for device in (first, second):
            threading.Thread(target=device.sendall, args=(bytes(100_000),), daemon=True).start()
        receive(first, 100_000)
        receive(second, 100_000)
        assert time.monotonic() - started >= 0.2


def test_a_sender_is_held_back_once_the_queue_is_full():
    trace = UplinkTrace.constant(1e5, 0.0, 10)
    with server(echo) as target, ShapedRelay(trace=trace, target=target) as relay:
        device = socket.socket()
        device.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
        device.settimeout(0.5)
        with device:
            device.connect(relay.address)
            sent = 0
            with suppress(TimeoutError):
                while sent < 10_000_000:
                    sent += device.send(bytes(4096))
    assert 256 * 1024 <= sent <= 256 * 1024 + 100_000


def test_over_tcp_what_exceeds_a_window_waits_for_acknowledgements():
    trace = UplinkTrace.constant(200e6, 0.2, 10)
    with (
        server(count) as target,
        ShapedRelay(trace=trace, target=target, transport="tcp") as relay,
        connect(relay) as device,
    ):
        started = time.monotonic()
        device.sendall(bytes(1_000_000))
        assert device.recv(1)
        took = time.monotonic() - started
    # 10, 20, ... 640 segments in seven windows: six acknowledgements are waited for.
    assert 6 * 0.2 + 0.2 <= took <= 7 * 0.2 + 0.04 + SLACK_S


def test_an_outage_holds_both_directions_and_then_all_of_it_arrives():
    trace = UplinkTrace.constant(20e6, 0.02, 10)
    cut = Outage(start_s=0.3, seconds=0.7)
    payload = noise(20_000)
    with (
        server(echo) as target,
        ShapedRelay(trace=trace, target=target, outages=(cut,)) as relay,
        connect(relay) as device,
    ):
        started = time.monotonic()
        device.sendall(b"first")
        assert device.recv(5) == b"first"
        time.sleep(max(0.0, 0.4 - (time.monotonic() - started)))
        device.sendall(payload)
        assert receive(device, len(payload)) == payload
        took = time.monotonic() - started
    assert 1.0 + 0.02 <= took <= 1.0 + 0.03 + SLACK_S


def test_an_unknown_transport_is_refused():
    with pytest.raises(InputError, match="unknown transport"):
        ShapedRelay(trace=UplinkTrace.constant(1e6, 0.0, 1), target=("127.0.0.1", 9), transport="udp")


def test_the_end_of_a_stream_travels_too():
    trace = UplinkTrace.constant(20e6, 0.04, 10)
    with server(echo) as target, ShapedRelay(trace=trace, target=target) as relay, connect(relay) as device:
        device.sendall(b"last words")
        device.shutdown(socket.SHUT_WR)
        assert receive(device, 100) == b"last words"
        assert device.recv(1) == b""


def test_a_server_that_closes_is_seen_by_the_device():
    def hang_up(connection):
        connection.recv(1)
        connection.close()

    trace = UplinkTrace.constant(20e6, 0.02, 10)
    with server(hang_up) as target, ShapedRelay(trace=trace, target=target) as relay, connect(relay) as device:
        device.sendall(b"x")
        assert device.recv(1) == b""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_late_target_is_waited_for():
    port = free_port()
    trace = UplinkTrace.constant(20e6, 0.0, 10)
    with ShapedRelay(trace=trace, target=("127.0.0.1", port)) as relay, connect(relay) as device:
        device.sendall(b"early")
        time.sleep(0.2)
        with socket.create_server(("127.0.0.1", port)) as listener:
            listener.settimeout(5)
            connection, _ = listener.accept()
            with connection:
                assert receive(connection, 5) == b"early"


def test_without_a_target_the_connection_is_closed_cleanly():
    trace = UplinkTrace.constant(20e6, 0.0, 10)
    relay = ShapedRelay(trace=trace, target=("127.0.0.1", free_port()), patience_s=0.1)
    with relay, connect(relay) as device:
        assert device.recv(1) == b""


def test_a_connection_that_cannot_be_accepted_now_is_accepted_later(monkeypatch, caplog):
    accept, failures = BaseSelectorEventLoop.sock_accept, [OSError(24, "Too many open files")]

    async def sock_accept(loop, listener):
        if failures:
            raise failures.pop()
        return await accept(loop, listener)

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_accept", sock_accept)
    trace = UplinkTrace.constant(50e6, 0.0, 1)
    with (
        server(echo) as target,
        ShapedRelay(trace=trace, target=target) as relay,
        connect(relay) as connection,
    ):
        connection.sendall(b"hello")
        assert receive(connection, 5) == b"hello"
    assert "Too many open files" in caplog.text


def test_stop_is_prompt_in_the_middle_of_a_transfer_and_frees_the_port():
    trace = UplinkTrace.constant(1e5, 0.3, 10)
    with server(echo) as target:
        relay = ShapedRelay(trace=trace, target=target)
        relay.start()
        address = relay.address
        with connect(relay) as device:
            device.sendall(bytes(100_000))
            time.sleep(0.05)
            started = time.monotonic()
            relay.stop()
            assert time.monotonic() - started < 1.0
            relay.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=1)


def test_an_address_that_is_taken_is_a_transport_error():
    trace = UplinkTrace.constant(1e6, 0.0, 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        relay = ShapedRelay(trace=trace, target=("127.0.0.1", 9), port=taken.getsockname()[1])
        with pytest.raises(TransportError, match="the relay cannot listen"):
            relay.start()
    with pytest.raises(TransportError, match="before start"):
        _ = relay.address
