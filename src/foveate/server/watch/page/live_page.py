"""The page on a socket, in a thread of its own."""

import asyncio
import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn

from foveate.core import TransportError
from foveate.server.watch.address import Address
from foveate.server.watch.page.admission import Admission
from foveate.server.watch.page.application import application
from foveate.server.watch.page.gallery import Gallery

_MOST_CONNECTIONS = 64
_LONGEST_MESSAGE_BYTES = 1024
"""Of what a browser says; it has nothing to say."""


class LivePage:
    """Listens from construction until `close`. Raises `TransportError` if the address cannot be listened on."""

    def __init__(self, gallery: Gallery, address: Address) -> None:
        asked = Admission.of(address)
        self._socket = _listen(address)
        bound = Address(host=address.host, port=self._socket.getsockname()[1])
        self.admission = Admission(address=bound, token=asked.token)
        """Who may look; its `url` is what a user opens."""
        self._server = uvicorn.Server(
            uvicorn.Config(
                application(gallery, self.admission),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                ws="websockets-sansio",
                ws_max_size=_LONGEST_MESSAGE_BYTES,
                ws_per_message_deflate=False,  # JPEGs do not shrink
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_graceful_shutdown=1,
            )
        )
        self._server.config.load()  # here, so that a missing package is an error of the caller
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send all viewers away and stop listening."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=_MOST_CONNECTIONS)
    except OSError as error:
        raise TransportError(f"cannot listen on {address}: {error.strerror or error}") from error
