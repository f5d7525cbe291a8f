"""Who may enter a server: answers ZeroMQ's questions about keys (ZAP, ZeroMQ RFC 27) in the thread of the hub.

A stranger is answered with status 300, on which ZeroMQ says nothing to it at all and ends the connection when its time
for the handshake is over; status 400 would send an error.
"""

import logging

import zmq

from foveate.network.keys import PUBLIC, format_public
from foveate.network.security import ServerKeys
from foveate.network.sparing_log import SparingLog

_ENDPOINT = "inproc://zeromq.zap.01"
_DOMAIN = b"foveate"


class Doorkeeper:
    """Makes the sockets of `context` ask before they let anybody in. To be made before they listen."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", keys: ServerKeys, log: logging.Logger) -> None:
        self._keys, self._log = keys, SparingLog(log)
        self.source: zmq.Socket[bytes] = context.socket(zmq.REP)
        """Readable while somebody is at the door."""
        self.source.setsockopt(zmq.LINGER, 0)
        self.source.bind(_ENDPOINT)

    def guard(self, raw: "zmq.Socket[bytes]") -> None:
        """Encrypt a listening socket, and have it ask about every peer."""
        raw.setsockopt(zmq.CURVE_SERVER, 1)
        raw.setsockopt(zmq.CURVE_PUBLICKEY, self._keys.pair.public)
        raw.setsockopt(zmq.CURVE_SECRETKEY, self._keys.pair.secret)
        raw.setsockopt(zmq.ZAP_DOMAIN, _DOMAIN)
        raw.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)

    def answer(self) -> None:
        """Answer one question."""
        version, request, domain, address, _, mechanism, *credentials = self.source.recv_multipart(zmq.NOBLOCK)
        key = credentials[0] if credentials else b""
        known = domain == _DOMAIN and mechanism == b"CURVE" and key in self._keys.allowed
        if not known:
            self._log.warning("key", f"refused {address.decode(errors='replace')}: {format_public(key)} is not allowed")
        status, owner = (b"200", key.hex().encode()) if known else (b"300", b"")
        self.source.send_multipart([version, request, status, b"", owner, b""])

    def may_stay(self, owner: object) -> bool:
        """Whether the key that a peer came in with, in hexadecimal digits, is still allowed."""
        allowed = isinstance(owner, str) and bytes.fromhex(owner) in self._keys.allowed
        if not allowed:
            self._log.warning("removed", f"ignored {PUBLIC}{owner}: it is not allowed any more")
        return allowed

    def note_failure(self, value: int) -> None:
        """Tell of a peer that never came to show a key."""
        if value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            self._log.warning("plain", "refused a peer that does not encrypt")
        elif value == zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
            self._log.warning("other", "refused a peer that has another key for this server")

    def close(self) -> None:
        """Ask nobody any more."""
        self.source.close()
