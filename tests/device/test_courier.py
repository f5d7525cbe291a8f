import threading

import pytest

from foveate.core import MonotonicClock, TransportError
from foveate.device.courier import MOST_WAITING, Courier
from foveate.network.transports import Channel, MemoryHub

PATIENCE_S = 10


class Recorded(Channel):
    """Notes what is asked of it; `send` waits for the gate."""

    def __init__(self):
        self.done, self.gate, self.woken = [], threading.Event(), threading.Event()
        self.entered = threading.Event()

    def send(self, payload):
        self.entered.set()
        assert self.gate.wait(PATIENCE_S)
        self.done.append(payload)
        return True

    def redial(self):
        self.done.append("redial")

    def poll(self, timeout_s):
        self.woken.wait(timeout_s)
        self.woken.clear()

    def wake(self):
        self.woken.set()

    def close(self):
        pass


def started(channel, on_arrival=lambda: None):
    courier = Courier(channel, clock=MonotonicClock(), on_arrival=on_arrival)
    courier.start()
    return courier


def test_it_carries_both_ways_and_says_when_something_came():
    bell, hub = threading.Event(), MemoryHub()
    courier = started(hub.connect(), bell.set)
    before = MonotonicClock().now()
    courier.send(b"there")
    peer, payload = hub.poll(PATIENCE_S)
    assert payload == b"there"
    hub.send(peer, b"back")
    assert bell.wait(PATIENCE_S)
    arrival = courier.next_arrival()
    assert arrival.content == b"back"
    assert before <= arrival.at <= MonotonicClock().now()
    assert courier.next_arrival() is None
    courier.close()


def test_a_transport_that_blocks_blocks_nobody_and_what_waits_is_bounded():
    channel = Recorded()
    courier = started(channel)
    courier.send(b"first")
    assert channel.entered.wait(PATIENCE_S)
    for number in range(100):
        courier.send(bytes([number]))
    channel.gate.set()
    courier.close()
    assert channel.done == [b"first", *(bytes([number]) for number in range(MOST_WAITING))]


def test_a_new_connection_drops_what_waited_and_carries_what_comes_after():
    channel = Recorded()
    courier = started(channel)
    courier.send(b"first")
    assert channel.entered.wait(PATIENCE_S)
    courier.send(b"stale")
    courier.redial()
    courier.send(b"fresh")
    channel.gate.set()
    courier.close()
    assert channel.done == [b"first", "redial", b"fresh"]


def test_an_error_of_the_transport_reaches_the_loop():
    class Broken(Recorded):
        def poll(self, timeout_s):
            raise TransportError("the socket is gone")

    bell = threading.Event()
    courier = started(Broken(), bell.set)
    assert bell.wait(PATIENCE_S)
    with pytest.raises(TransportError, match="the socket is gone"):
        courier.next_arrival()
    courier.close()
