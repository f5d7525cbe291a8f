"""Tells systemd that the server is ready, and as long as it is, that it is alive (sd_notify(3)).

With `WatchdogSec=` in its unit a server whose loop or model hangs is started again.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from foveate.core import Clock
from foveate.server.events import LoopTurned, ServerEvent
from foveate.server.watch.health import Health


class ServiceManager:
    """An observer. `address`: a datagram socket, `@` in front for an abstract one; `period_s`: of signs of life."""

    def __init__(self, address: str, health: Health, clock: Clock, *, period_s: float | None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._health, self._clock, self._period_s = health, clock, period_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        self._ready = False
        self._told_at = float("-inf")

    @classmethod
    def of(cls, environment: Mapping[str, str], health: Health, clock: Clock) -> Self | None:
        """The manager that started this process and waits for word; None if there is none."""
        address = environment.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return None
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        limit_us = environment.get("WATCHDOG_USEC", "") if meant else ""
        period_s = int(limit_us) / 1e6 / 4 if limit_us.isdecimal() else None
        return cls(address, health, clock, period_s=period_s)

    def __call__(self, event: ServerEvent) -> None:
        """Pass on that the loop turns, unless the health says that something hangs."""
        if not isinstance(event, LoopTurned):
            return
        if not self._ready:
            self._ready = True
            self._send("READY=1")
        now = self._clock.now()
        if self._period_s is not None and now - self._told_at >= self._period_s and self._health.readiness().ready:
            self._told_at = now
            self._send("WATCHDOG=1")

    def close(self) -> None:
        """Say that the server ends."""
        self._send("STOPPING=1")
        self._socket.close()

    def _send(self, text: str) -> None:
        with suppress(OSError):  # a manager that does not listen is its own affair
            self._socket.sendto(text.encode(), self._address)
