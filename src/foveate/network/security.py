"""What each end needs to encrypt: its own pair, and whom it trusts."""

import ipaddress
import logging
from dataclasses import dataclass
from pathlib import Path

from foveate.core import InputError, TransportError
from foveate.network.keys import KeyPair, read_allowed

_LOG = logging.getLogger(__name__)


class AllowedKeys:
    """The list in a file, read again whenever the file changes. Raises `InputError` where it cannot be read at first.

    A list that is broken or gone later is told once, and the last good one holds: a slip of the pen must not lock out
    every device.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._names = read_allowed(path)

    def __contains__(self, key: bytes) -> bool:
        """Whether the list names the key now."""
        self._look_again()
        return key in self._names

    def __len__(self) -> int:
        self._look_again()
        return len(self._names)

    def name(self, key: bytes) -> str:
        """What the list calls the key; empty if nothing."""
        return self._names.get(key, "")

    def _look_again(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._names = read_allowed(self._path)
        except InputError as error:
            _LOG.error("the former list of %d allowed keys holds: %s", len(self._names), error)
        else:
            _LOG.warning("%d keys are allowed, as %s says now", len(self._names), self._path)


@dataclass(frozen=True, kw_only=True)
class ServerKeys:
    """A server that talks to devices it knows."""

    pair: KeyPair
    allowed: AllowedKeys


@dataclass(frozen=True, kw_only=True)
class DeviceKeys:
    """A device that talks to one server."""

    pair: KeyPair
    server: bytes
    """The server's public key."""


def split_address(address: str) -> tuple[str, int]:
    """`HOST:PORT`, with brackets around an IPv6 host -> host, in its brackets, and port. Raises `TransportError`."""
    host, _, port = address.rpartition(":")
    bare = ":" in host and not (host.startswith("[") and host.endswith("]"))
    if not host or bare or not (port.isascii() and port.isdecimal() and len(port) <= 5) or int(port) > 65535:
        raise TransportError(f"an address is written HOST:PORT, got {address!r}")
    return host, int(port)


def is_loopback(address: str) -> bool:
    """Whether `HOST:PORT` cannot be reached from another machine. A name other than localhost may be anywhere."""
    host = split_address(address)[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_encrypted(address: str, keys: ServerKeys | DeviceKeys | None, *, insecure: bool) -> None:
    """Raise `InputError` where traffic would leave this machine unencrypted and nobody asked for that."""
    if keys is None and not insecure and not is_loopback(address):
        raise InputError(f"traffic to and from {address} must be encrypted, and no keys were given")


def _stamp(path: Path) -> tuple[int, ...]:
    """Changes whenever the file does."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode
