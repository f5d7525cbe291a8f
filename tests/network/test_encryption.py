"""CURVE on real sockets: who gets in, who gets nothing, and what each side says about it."""

import logging
import re
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from foveate.core import InputError
from foveate.network.keys import KeyPair, allow, format_public
from foveate.network.security import AllowedKeys, DeviceKeys, ServerKeys
from foveate.network.transports import ZmqChannel, ZmqHub
from foveate.testing.transports import TransportContract

SERVER, DEVICE, STRANGER = KeyPair.new(), KeyPair.new(), KeyPair.new()
KNOWN = DeviceKeys(pair=DEVICE, server=SERVER.public)
QUIET_S = 0.4
"""How long nothing must come for it to be nothing."""


@pytest.fixture
def allowed(tmp_path):
    allow(tmp_path / "allowed", DEVICE.public, "camera")
    return tmp_path / "allowed"


@pytest.fixture
def hub(allowed):
    with ZmqHub("127.0.0.1:0", keys=ServerKeys(pair=SERVER, allowed=AllowedKeys(allowed))) as hub:
        yield hub


def channel_to(hub, keys=KNOWN):
    return ZmqChannel(f"127.0.0.1:{hub.port}", keys=keys)


def next_item(hub, patience_s=5.0):
    """A hub is always being polled: its door is seen to by `poll`."""
    give_up_at = time.monotonic() + patience_s
    item = None
    while item is None and time.monotonic() < give_up_at:
        item = hub.poll(0.05)
    return item


class Polled:
    """Polls a hub in a thread, as a server does, and keeps what came."""

    def __init__(self, hub):
        self.hub, self.items, self.over = hub, [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.is_set():
            item = self.hub.poll(0.05)
            if item is not None:
                self.items.append(item)
                self.hub.send(item[0], b"answer to " + item[1])

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self.thread.join()


class TestEncrypted(TransportContract):
    """What holds for every transport holds for an encrypted one."""

    @pytest.fixture(autouse=True)
    def _keys(self, allowed):
        self.keys = ServerKeys(pair=SERVER, allowed=AllowedKeys(allowed))

    def hub(self):
        return ZmqHub("127.0.0.1:0", keys=self.keys)

    def channel(self, hub):
        return ZmqChannel(f"127.0.0.1:{hub.port}", keys=KNOWN)


def test_a_known_device_is_answered(hub):
    with Polled(hub), channel_to(hub) as channel:
        channel.send(b"hello")
        assert channel.poll(5) == b"answer to hello"
        assert channel.state == ""


@contextmanager
def overheard(port):
    """The address of a relay to a hub, and what passes through it: from the device, from the server."""
    said, answered = bytearray(), bytearray()

    def carry(source, sink, record):
        with suppress(OSError):
            while data := source.recv(65536):
                record.extend(data)
                sink.sendall(data)

    def relay(between):
        device, _ = between.accept()
        with device, socket.create_connection(("127.0.0.1", port)) as server:
            threading.Thread(target=carry, args=(device, server, said), daemon=True).start()
            carry(server, device, answered)

    with socket.create_server(("127.0.0.1", 0)) as between:
        threading.Thread(target=relay, args=(between,), daemon=True).start()
        yield f"127.0.0.1:{between.getsockname()[1]}", said, answered


def test_what_passes_cannot_be_read_on_the_way(hub):
    with overheard(hub.port) as (address, said, answered), Polled(hub), ZmqChannel(address, keys=KNOWN) as channel:
        channel.send(b"the picture of a face")
        assert channel.poll(5) == b"answer to the picture of a face"
    assert b"CURVE" in said
    assert b"picture" not in said + answered
    assert b"answer" not in said + answered


@pytest.mark.parametrize(
    ("keys", "line", "state"),
    [
        (DeviceKeys(pair=STRANGER, server=SERVER.public), "is not allowed", "allow this device's key"),
        (DeviceKeys(pair=DEVICE, server=STRANGER.public), "another key for this server", "has another key"),
        (None, "does not encrypt|broke off", "may want encryption"),
    ],
)
def test_who_is_not_known_gets_nothing_is_logged_and_can_tell_why(hub, caplog, keys, line, state):
    caplog.set_level(logging.INFO)
    with Polled(hub) as polled, channel_to(hub) as known, channel_to(hub, keys) as channel:
        channel.send(b"let me in")
        known.send(b"hello")
        assert known.poll(5) == b"answer to hello"
        give_up_at = time.monotonic() + 5
        while state not in channel.state and time.monotonic() < give_up_at:
            assert channel.poll(0.05) is None
        assert channel.poll(QUIET_S) is None
        assert state in channel.state
    assert [payload for _, payload in polled.items] == [b"hello"]
    (record,) = caplog.records
    assert re.search(line, record.getMessage())
    if keys is not None and keys.pair is STRANGER:
        assert record.getMessage() == f"refused 127.0.0.1: {format_public(STRANGER.public)} is not allowed"


def test_a_stranger_is_sent_no_error_only_silence(hub):
    keys = DeviceKeys(pair=STRANGER, server=SERVER.public)
    with overheard(hub.port) as (address, _, answered), Polled(hub), ZmqChannel(address, keys=keys) as channel:
        channel.send(b"let me in")
        assert channel.poll(1.0) is None
    assert b"WELCOME" in answered  # the step that proves that the server holds its own key
    assert b"ERROR" not in answered
    assert b"READY" not in answered


def test_a_plain_server_gets_nothing_from_a_device_with_keys(caplog):
    caplog.set_level(logging.INFO)
    with ZmqHub("127.0.0.1:0") as hub, channel_to(hub) as channel:
        channel.send(b"secret")
        assert next_item(hub, QUIET_S) is None
        channel.poll(0.1)
        fault = channel.fault()
        assert fault.refused
        assert "does not encrypt" in fault.reason
        assert caplog.messages in (
            ["refused a peer that encrypts, as this server does not: it was given no keys"],
            ["a peer broke off the handshake"],  # where the device was the first to see that it does not fit
        )


def test_a_key_that_is_added_gets_in_and_one_that_is_removed_is_heard_no_more(hub, allowed, caplog):
    late = DeviceKeys(pair=STRANGER, server=SERVER.public)
    with Polled(hub), channel_to(hub) as early, channel_to(hub, late) as channel:
        early.send(b"one")
        assert early.poll(5) == b"answer to one"
        channel.send(b"too early")
        assert channel.poll(QUIET_S) is None
        allow(allowed, STRANGER.public, "late")
        channel.redial()
        channel.send(b"now")
        assert channel.poll(5) == b"answer to now"
        allowed.write_text(format_public(STRANGER.public) + "\n")
        early.send(b"two")
        assert early.poll(QUIET_S) is None
        channel.send(b"still here")
        assert channel.poll(5) == b"answer to still here"
    assert f"ignored {format_public(DEVICE.public)}: it is not allowed any more" in caplog.text


def test_refusals_are_logged_sparingly(hub, caplog):
    with Polled(hub):
        for _ in range(5):
            with channel_to(hub, DeviceKeys(pair=STRANGER, server=SERVER.public)) as channel:
                channel.send(b"let me in")
                channel.poll(0.05)
    assert sum("is not allowed" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("end", [ZmqHub, ZmqChannel])
def test_nothing_leaves_this_machine_unencrypted_unless_that_is_asked_for(end):
    with pytest.raises(InputError, match=r"traffic to and from 0\.0\.0\.0:\d+ must be encrypted, and no keys"):
        end("0.0.0.0:1")
    with end(f"0.0.0.0:{1 if end is ZmqChannel else 0}", insecure=True):
        pass
