"""`/metrics`, `/healthz` and `/readyz` over plain HTTP, in a thread of their own."""

import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread
from types import TracebackType
from typing import Any, NamedTuple, Self

from foveate.core import TransportError
from foveate.server.watch.address import Address
from foveate.server.watch.health import Health

_TEXT = "text/plain; charset=utf-8"
_PATIENCE_S = 5.0
"""A peer that sends or reads nothing for so long is cut off."""
_LOOK_UP_S = 0.1
"""How often the thread asks whether it should stop."""
_MOST_PEERS = 16
"""Peers answered at the same time; further ones are cut off at once."""


class Answer(NamedTuple):
    """What is sent back."""

    status: HTTPStatus
    content_type: str
    body: bytes


class Endpoint:
    """Listens from construction until `close`. `metrics` gives the text of `/metrics` and its content type.

    Raises `TransportError` if the address cannot be listened on.
    """

    def __init__(self, address: Address, health: Health, metrics: Callable[[], tuple[bytes, str]]) -> None:
        handler = type("Handler", (_Handler,), {"health": health, "metrics": staticmethod(metrics)})
        try:
            self._server = _server_for(address)((address.host, address.port), handler)
        except OSError as error:
            raise TransportError(f"cannot listen on {address}: {error.strerror or error}") from error
        self.address = Address(host=address.host, port=self._server.server_address[1])
        """Where it listens."""
        self._thread = Thread(target=self._server.serve_forever, args=(_LOOK_UP_S,), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 2 * _MOST_PEERS

    def __init__(self, *arguments: Any) -> None:
        self._places = BoundedSemaphore(_MOST_PEERS)
        super().__init__(*arguments)

    def verify_request(self, *_: Any) -> bool:
        """Whether there is a place left for another peer."""
        return self._places.acquire(blocking=False)

    def process_request_thread(self, *arguments: Any) -> None:
        """Answer one peer and free its place."""
        try:
            super().process_request_thread(*arguments)
        finally:
            self._places.release()

    def handle_error(self, *_: Any) -> None:
        """Nothing: a peer that breaks off is no event of the server."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def _server_for(address: Address) -> type[_Server]:
    return _Server6 if ":" in address.host else _Server


class _Handler(BaseHTTPRequestHandler):
    health: Health
    metrics: Callable[[], tuple[bytes, str]]
    timeout = _PATIENCE_S
    server_version = "foveate"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with a body."""
        answer = self._answer()
        self._head(answer)
        self.wfile.write(answer.body)

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self._head(self._answer())

    def log_message(self, *_: Any) -> None:
        """Nothing: a scrape every few seconds is no news."""

    def _answer(self) -> Answer:
        match self.path.partition("?")[0]:
            case "/metrics":
                body, content_type = self.metrics()
                return Answer(HTTPStatus.OK, content_type, body)
            case "/healthz":
                return Answer(HTTPStatus.OK, _TEXT, b"alive\n")
            case "/readyz":
                found = self.health.readiness()
                status = HTTPStatus.OK if found.ready else HTTPStatus.SERVICE_UNAVAILABLE
                return Answer(status, _TEXT, f"{found.reason}\n".encode())
        return Answer(HTTPStatus.NOT_FOUND, _TEXT, b"known: /metrics /healthz /readyz\n")

    def _head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
