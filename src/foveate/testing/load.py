"""Clients that keep a server busy: each sends a frame, waits for what becomes of it, and sends the next."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from foveate.core import InputError
from foveate.network.messages import (
    Failure,
    Hello,
    Offload,
    Result,
    Stranger,
    Welcome,
    decode_from_server,
    encode,
)
from foveate.network.transports import Channel

GREETING_S = 10.0
"""A server that has not answered a greeting by then is not there."""
_POLL_S = 0.5


@dataclass(kw_only=True)
class Load:
    """What clients saw."""

    latencies_s: list[float] = field(default_factory=list)
    """Of each result, from sending the frame."""
    failures: Counter[str] = field(default_factory=Counter)
    """How many frames brought none, by what was said; "late" = nothing came while the client waited."""
    seconds: float = 0.0
    """How long the clients sent."""

    @property
    def sent(self) -> int:
        """Frames that were sent."""
        return len(self.latencies_s) + self.failures.total()


class Client:
    """One device without a camera: `frames` are sent in turn, one at a time. Raises `InputError` without any."""

    def __init__(self, channel: Channel, frames: Sequence[Offload], *, model: str = "") -> None:
        if not frames:
            raise InputError("a client needs at least one frame to send")
        self._channel, self._frames, self._hello = channel, list(frames), encode(Hello(model=model))
        self._number = 0
        self.load = Load()
        """What it saw so far."""

    def close(self) -> None:
        """Leave the server."""
        self._channel.close()

    def greet(self) -> bool:
        """Whether the server welcomed it."""
        self._channel.send(self._hello)
        give_up_at = time.monotonic() + GREETING_S
        while (left_s := give_up_at - time.monotonic()) > 0:
            payload = self._channel.poll(left_s)
            if payload is not None and isinstance(decode_from_server(payload), Welcome):
                return True
        return False

    def offload(self) -> None:
        """Send the next frame and wait for its end."""
        frame = self._frames[self._number % len(self._frames)]
        self._number += 1
        sent_at = time.monotonic()
        self._channel.send(encode(msgspec.structs.replace(frame, offload_id=self._number)))
        failure = self._wait(sent_at + frame.patience_s)
        if failure is None:
            self.load.latencies_s.append(time.monotonic() - sent_at)
        else:
            self.load.failures[failure] += 1

    def _wait(self, until: float) -> str | None:
        """None when the result is there, or why none came."""
        while (left_s := until - time.monotonic()) > 0:
            payload = self._channel.poll(min(left_s, _POLL_S))
            match None if payload is None else decode_from_server(payload):
                case Result(offload_id=self._number):
                    return None
                case Failure(offload_id=self._number, text=text):
                    return text
                case Stranger():
                    self.greet()
                    return "stranger"
        return "late"


def run_clients(clients: Sequence[Client], *, seconds: float) -> Load:
    """Let all clients send for so long, a thread each -> what they saw. They must have greeted."""
    started_at = time.monotonic()
    until = started_at + seconds

    def work(client: Client) -> None:
        while time.monotonic() < until:
            client.offload()

    threads = [threading.Thread(target=work, args=(client,), daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    joint = Load(seconds=time.monotonic() - started_at)
    for client in clients:
        joint.latencies_s += client.load.latencies_s
        joint.failures += client.load.failures
        client.load = Load()
    return joint
