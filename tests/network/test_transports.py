import socket

import pytest

from foveate.core import TransportError
from foveate.network.transports import MemoryHub, ZmqChannel, ZmqHub
from foveate.testing.transports import TransportContract


class TestMemory(TransportContract):
    def hub(self):
        return MemoryHub()

    def channel(self, hub):
        return hub.connect()


class TestZmq(TransportContract):
    def hub(self):
        return ZmqHub("127.0.0.1:0")

    def channel(self, hub):
        return ZmqChannel(f"127.0.0.1:{hub.port}")


class TestZmqWithSmallBuffers(TestZmq):
    def channel(self, hub):
        return ZmqChannel(f"127.0.0.1:{hub.port}", buffer_bytes=16 * 1024)


def test_a_port_in_use_is_one_clear_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(TransportError, match=f"cannot listen on '{address}': Address already in use"):
            ZmqHub(address)


def test_what_waited_for_a_server_that_was_not_there_is_dropped_by_a_new_connection():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with ZmqChannel(f"127.0.0.1:{port}") as channel:
        channel.send(b"stale")
        channel.redial()
        channel.send(b"fresh")
        with ZmqHub(f"127.0.0.1:{port}") as hub:
            assert hub.poll(10)[1] == b"fresh"
            assert hub.poll(0.01) is None


@pytest.mark.parametrize("address", ["", "nowhere", "127.0.0.1", "127.0.0.1:port", "127.0.0.1:99999"])
def test_a_bad_address_is_one_clear_line(address):
    for end in (ZmqChannel, ZmqHub):
        with pytest.raises(TransportError, match="HOST:PORT"):
            end(address)


def test_a_host_that_is_not_this_machine_is_one_clear_line():
    with pytest.raises(TransportError, match=r"cannot listen on '192\.0\.2\.1:0': "):
        ZmqHub("192.0.2.1:0")


def test_a_device_may_connect_before_its_server_is_there():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with ZmqChannel(address) as channel:
        assert channel.send(b"early")
        with ZmqHub(address) as hub:
            item = None
            while item is None:
                item = hub.poll(5)
            assert item[1] == b"early"
            assert hub.send(item[0], b"late")
            assert channel.poll(5) == b"late"


def test_a_device_whose_server_is_gone_goes_on():
    hub = ZmqHub("127.0.0.1:0")
    with ZmqChannel(f"127.0.0.1:{hub.port}") as channel:
        channel.send(b"hello")
        assert hub.poll(5)
        hub.close()
        for _ in range(10):
            channel.send(b"x" * 1000)
            assert channel.poll(0.001) is None
