"""A live server and those who watch it, over real sockets."""

import socket
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from foveate.core import TransportError
from foveate.network.messages import Ack, Hello, Result, Welcome, decode_from_server, encode
from foveate.network.transports import MemoryHub
from foveate.server import serve
from foveate.server.watch import Address, Health, Journal, Watchers, WatchOptions
from foveate.testing import FakeDetector

PATIENCE_S = 20


def get(address, path):
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@contextmanager
def serving(observers, detector=None):
    """A channel to a server that these observe."""
    hub, stop = MemoryHub(), threading.Event()
    arguments = {"stop": stop.is_set, "observers": observers}
    thread = threading.Thread(target=serve, args=(detector or FakeDetector(), hub), kwargs=arguments)
    thread.start()
    try:
        yield hub.connect()
    finally:
        stop.set()
        hub.wake()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


def asked(channel, message):
    channel.send(encode(message))
    return heard(channel)


def heard(channel):
    return decode_from_server(channel.poll(PATIENCE_S))


@pytest.fixture
def address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address(host="127.0.0.1", port=probe.getsockname()[1])


def test_a_server_is_alive_before_it_is_ready_and_counts_what_it_answers(address, welcome, pixels, offload):
    grid = welcome.grid(*pixels.shape[:2])
    with Watchers(WatchOptions(metrics=address)) as watchers:
        assert get(address, "/healthz")[0] == 200
        assert get(address, "/readyz")[0] == 503
        with serving(watchers.observers) as channel:
            assert isinstance(asked(channel, Hello()), Welcome)
            assert isinstance(asked(channel, offload(pixels, grid=grid)), Ack)
            assert isinstance(heard(channel), Result)
            assert isinstance(asked(channel, Hello()), Welcome)  # so the turn of the result is over
            assert get(address, "/readyz") == (200, "ready\n")
            text = get(address, "/metrics")[1]
    assert "foveate_offloads_answered_total 1.0" in text
    assert "foveate_clients 1.0" in text
    assert 'foveate_model_info{model="fake"' in text
    received = next(line for line in text.splitlines() if line.startswith("foveate_received_bytes_total"))
    assert float(received.split()[1]) > 1000


def test_only_log_and_health_watch_unless_more_is_asked_for():
    with Watchers(WatchOptions()) as watchers:
        assert [type(observer) for observer in watchers.observers] == [Journal, Health]
        assert watchers.lines == []


def test_the_address_is_free_again_afterwards(address):
    for _ in range(2):
        with Watchers(WatchOptions(metrics=address)) as watchers:
            assert watchers.lines == [f"metrics at http://{address}/metrics, health at /healthz and /readyz"]
    with socket.create_server((address.host, address.port)), pytest.raises(TransportError, match="cannot listen"):
        Watchers(WatchOptions(metrics=address))
