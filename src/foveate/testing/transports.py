# ruff: noqa: D102  # the name of a test is its docstring
"""What every transport promises. Inherit, and build a pair of ends in `ends`."""

import socket
import threading
import time
from abc import ABC, abstractmethod

from foveate.network.transports import Channel, Hub

PATIENCE_S = 5.0


def speak_zmtp(address: tuple[str, int], payload: bytes) -> socket.socket:
    """A connection made by hand (ZMTP 3.0, ZeroMQ RFC 23) that has sent one message, and may read or not."""
    peer = socket.create_connection(address)
    peer.sendall(b"\xff" + bytes(8) + b"\x7f" + bytes([3, 0]) + b"NULL".ljust(20, b"\0") + bytes(32))
    received = b""
    while len(received) < 64:  # the greeting of the other side
        part = peer.recv(64 - len(received))
        assert part, "the other side hung up"
        received += part
    ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
    peer.sendall(b"\x04" + bytes([len(ready)]) + ready)
    assert peer.recv(64)
    peer.sendall(zmtp_frame(payload))
    return peer


def zmtp_frame(payload: bytes) -> bytes:
    """A message of one part as it stands on the wire, without encryption."""
    if len(payload) < 256:
        return b"\x00" + bytes([len(payload)]) + payload
    return b"\x02" + len(payload).to_bytes(8, "big") + payload


class TransportContract(ABC):
    """Tests that each transport inherits."""

    @abstractmethod
    def hub(self) -> Hub:
        """A server's end."""

    @abstractmethod
    def channel(self, hub: Hub) -> Channel:
        """A new device's end that is linked to `hub`."""

    def test_messages_arrive_whole_and_in_order_and_answers_find_their_sender(self) -> None:
        with self.hub() as hub, self.channel(hub) as first, self.channel(hub) as second:
            first.send(b"first")
            peer, payload = self._expect(hub)
            second.send(b"second" * 100_000)
            other, long = self._expect(hub)
            assert (payload, long) == (b"first", b"second" * 100_000)
            assert peer != other
            for number in range(5):
                assert hub.send(peer, bytes([number]))
            assert [first.poll(PATIENCE_S) for _ in range(5)] == [bytes([number]) for number in range(5)]
            assert second.poll(0.01) is None

    def test_an_empty_message_is_a_message(self) -> None:
        with self.hub() as hub, self.channel(hub) as channel:
            channel.send(b"")
            assert self._expect(hub)[1] == b""

    def test_a_poll_without_messages_returns_none(self) -> None:
        with self.hub() as hub, self.channel(hub) as channel:
            assert channel.poll(0) is None
            assert hub.poll(0.01) is None

    def test_another_thread_can_wake_a_poll(self) -> None:
        with self.hub() as hub, self.channel(hub) as channel:
            for end in (hub, channel):
                waker = threading.Timer(0.05, end.wake)
                started_at = time.monotonic()
                waker.start()
                assert end.poll(60.0) is None
                assert time.monotonic() - started_at < 30
                waker.join()

    def test_a_wake_before_the_poll_is_not_lost_and_wakes_once(self) -> None:
        with self.hub() as hub, self.channel(hub) as channel:
            channel.wake()
            assert channel.poll(60.0) is None
            channel.send(b"after")
            assert self._expect(hub)[1] == b"after"

    def test_a_wake_loses_no_message(self) -> None:
        with self.hub() as hub, self.channel(hub) as channel:
            channel.send(b"kept")
            hub.wake()
            assert self._expect(hub)[1] == b"kept"

    def test_a_sender_never_blocks_however_much_waits(self) -> None:
        with self.hub() as hub, self.channel(hub) as channel:
            sent = [channel.send(bytes(1_000_000)) for _ in range(100)]
            assert not all(sent)

    def test_after_a_new_connection_messages_pass_both_ways(self) -> None:
        with self.hub() as hub, self.channel(hub) as channel:
            channel.send(b"before")
            self._expect(hub)
            for _ in range(3):
                channel.redial()
            channel.send(b"after")
            peer, payload = self._expect(hub)
            assert payload == b"after"
            assert hub.send(peer, b"answer")
            assert channel.poll(PATIENCE_S) == b"answer"

    def test_sending_to_a_peer_that_never_was_is_refused(self) -> None:
        with self.hub() as hub:
            assert not hub.send(b"nobody", b"hello")

    def test_ends_close_twice(self) -> None:
        hub = self.hub()
        channel = self.channel(hub)
        for end in (channel, hub):
            end.close()
            end.close()

    @staticmethod
    def _expect(hub: Hub) -> tuple[bytes, bytes]:
        give_up_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_at:
            item = hub.poll(PATIENCE_S)
            if item is not None:
                return item
        raise AssertionError(f"no message arrived within {PATIENCE_S} s")
