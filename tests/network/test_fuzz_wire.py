"""Damage below the messages: what a stranger may write into the port of a server, encrypted or not."""

import random
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from foveate.network.keys import KeyPair, allow
from foveate.network.security import AllowedKeys, DeviceKeys, ServerKeys
from foveate.network.transports import ZmqChannel, ZmqHub
from foveate.testing.mutations import mutate_bytes
from foveate.testing.transports import zmtp_frame

SERVER, DEVICE = KeyPair.new(), KeyPair.new()
PATIENCE_S = 20.0


def transcripts():
    """What peers of all kinds say until their first message, as far as it does not depend on the answers."""
    for mechanism, version in ((b"NULL", 0), (b"CURVE", 0), (b"PLAIN", 1), (b"NULL", 1)):
        greeting = b"\xff" + bytes(8) + b"\x7f" + bytes([3, version]) + mechanism.ljust(20, b"\0") + bytes(32)
        ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
        hello = b"\x05HELLO\x01\x00" + bytes(72) + bytes(range(32)) + bytes(8) + bytes(80)
        for first in (ready, hello):
            yield greeting + b"\x04" + bytes([len(first)]) + first + zmtp_frame(b"message") + zmtp_frame(bytes(1000))
    yield b"GET / HTTP/1.1\r\nHost: server\r\n\r\n"
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)  # TLS
    yield b"\x02" + (2**40).to_bytes(8, "big") + bytes(100)  # a message of a terabyte


SEEDS = list(transcripts())


class Echo:
    """A hub in a thread that answers every message with itself."""

    def __init__(self, hub):
        self.hub, self.over = hub, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.is_set():
            item = self.hub.poll(0.05)
            if item is not None:
                self.hub.send(*item)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self.thread.join()


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from /proc")
@pytest.mark.parametrize("connections", [300, pytest.param(10_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_damaged_handshakes_harm_nobody(tmp_path, connections, encrypted):
    server_keys = device_keys = None
    if encrypted:
        allow(tmp_path / "allowed", DEVICE.public, "")
        server_keys = ServerKeys(pair=SERVER, allowed=AllowedKeys(tmp_path / "allowed"))
        device_keys = DeviceKeys(pair=DEVICE, server=SERVER.public)
    chance, kept = random.Random(11), []
    with ZmqHub("127.0.0.1:0", keys=server_keys) as hub, Echo(hub):
        address = "127.0.0.1", hub.port
        with ZmqChannel(f"127.0.0.1:{hub.port}", keys=device_keys) as good:
            settled = None
            for index in range(connections):
                peer = socket.create_connection(address)
                with suppress(OSError):  # refused in the middle of its speech
                    peer.sendall(mutate_bytes(chance, chance.choice(SEEDS), SEEDS))
                kept.append(peer)  # some leave at once, some stay and say nothing more
                if len(kept) > 50:
                    kept.pop(chance.randrange(len(kept))).close()
                if index % 25 == 0:
                    good.send(index.to_bytes(4, "big"))
                    assert good.poll(PATIENCE_S) == index.to_bytes(4, "big")
                if index == connections // 3:
                    settled = resident_bytes()
            grown = resident_bytes() - settled
            for peer in kept:
                peer.close()
            good.send(b"still there")
            assert good.poll(PATIENCE_S) == b"still there"
    assert grown < 32 * 2**20
