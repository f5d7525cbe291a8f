import socket
import time

import pytest
import zmq

from foveate.core import TransportError
from foveate.network.messages import MAX_MESSAGE_BYTES
from foveate.network.transports import MemoryHub, ZmqChannel, ZmqHub
from foveate.testing.transports import TransportContract, speak_zmtp


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


def fault_of(channel):
    """What ends the connection of a channel."""
    give_up_at = time.monotonic() + 10
    while (fault := channel.fault()) is None and time.monotonic() < give_up_at:
        channel.poll(0.1)
    return fault


def test_what_waited_for_a_server_that_was_not_there_is_dropped_by_a_new_connection():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with ZmqChannel(f"127.0.0.1:{port}") as channel:
        channel.send(b"stale")
        assert fault_of(channel).reason == "nobody answers at that address"
        with ZmqHub(f"127.0.0.1:{port}") as hub:
            assert hub.poll(0.2) is None  # nobody dials but the session
            channel.redial()
            channel.send(b"fresh")
            assert hub.poll(10)[1] == b"fresh"
            assert hub.poll(0.01) is None


def test_a_server_that_goes_away_is_told_once_after_its_last_words():
    hub = ZmqHub("127.0.0.1:0")
    with ZmqChannel(f"127.0.0.1:{hub.port}") as channel:
        channel.send(b"hello")
        peer, _ = hub.poll(5)
        assert channel.fault() is None
        hub.send(peer, b"bye")
        assert channel.poll(5) == b"bye"
        hub.close()
        fault = fault_of(channel)
        assert (fault.reason, fault.refused) == ("the server closed the connection", False)
        assert channel.state == fault.reason
        assert channel.fault() is None


def test_an_address_that_swallows_every_word_is_given_up_soon():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        with socket.create_connection(address), ZmqChannel("{}:{}".format(*address)) as channel:
            assert fault_of(channel).reason == "nobody answers at that address"


@pytest.mark.parametrize(
    "address", ["", "nowhere", "127.0.0.1", "127.0.0.1:port", "127.0.0.1:99999", "::1:80", "127.0.0.1:" + "9" * 5000]
)
def test_a_bad_address_is_one_clear_line(address):
    for end in (ZmqChannel, ZmqHub):
        with pytest.raises(TransportError, match="HOST:PORT"):
            end(address)


def test_an_ipv6_address_stands_in_brackets():
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with ZmqHub("[::1]:0") as hub, ZmqChannel(f"[::1]:{hub.port}") as channel:
        assert channel.send(b"hello")
        peer, message = hub.poll(5.0)
        assert message == b"hello"
        assert hub.send(peer, b"welcome")
        assert channel.poll(5.0) == b"welcome"


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_a_host_that_is_not_this_machine_is_one_clear_line():
    with pytest.raises(TransportError, match=r"cannot listen on '192\.0\.2\.1:0': "):
        ZmqHub("192.0.2.1:0", insecure=True)


def test_a_device_may_dial_before_its_server_is_there():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with ZmqChannel(address) as channel:
        assert not fault_of(channel).refused
        with ZmqHub(address) as hub:
            channel.redial()
            assert channel.send(b"early")
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


def test_a_message_of_several_parts_is_none():
    context = zmq.Context()
    with ZmqHub("127.0.0.1:0") as hub, context.socket(zmq.DEALER) as raw:
        raw.setsockopt(zmq.LINGER, 0)
        raw.connect(f"tcp://127.0.0.1:{hub.port}")
        raw.send_multipart([b"one", b"two"])
        assert hub.poll(5)[1] == b""
        raw.send(b"three")
        assert hub.poll(5)[1] == b"three"
    context.term()


def test_a_message_that_is_too_long_ends_its_connection_and_no_other():
    with (
        ZmqHub("127.0.0.1:0") as hub,
        ZmqChannel(f"127.0.0.1:{hub.port}") as greedy,
        ZmqChannel(f"127.0.0.1:{hub.port}") as modest,
    ):
        greedy.send(bytes(MAX_MESSAGE_BYTES + 1))
        assert fault_of(greedy).reason == "the server closed the connection"
        modest.send(b"modest")
        assert hub.poll(5)[1] == b"modest"


def test_a_peer_that_falls_silent_is_let_go():
    """A host that vanished sends nothing, not even the end of its connection: here one that says its part and stops."""
    with ZmqHub("127.0.0.1:0", silence_s=0.4) as hub, speak_zmtp(("127.0.0.1", hub.port), b"hello"):
        peer, payload = hub.poll(5)
        assert payload == b"hello"
        assert hub.send(peer, b"are you there?")
        give_up_at = time.monotonic() + 10
        while hub.send(peer, b"and now?") and time.monotonic() < give_up_at:
            hub.poll(0.1)
        assert not hub.send(peer, b"and now?")
