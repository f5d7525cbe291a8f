"""The page as a web application: three files and one WebSocket, from the server to the browser only."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from importlib.resources import files

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from foveate.core import FoveateError
from foveate.server.watch.page.admission import PROTOCOL, Admission
from foveate.server.watch.page.composing import compose
from foveate.server.watch.page.gallery import Gallery, View
from foveate.server.watch.page.wire import pack_view, status_text

_LOG = logging.getLogger(__name__)
MOST_VIEWERS = 16
"""Browsers that may look at the same time."""
NO_TOKEN, TOO_MANY = 4401, 4429
"""Codes that a WebSocket is closed with."""
_LOOK_S = 0.2
"""How often a viewer's new pictures are looked for: no client is shown more often."""
_STATUS_S = 1.0
_SHARE = 0.25
"""Of one core's time that composing may take, whoever looks."""
_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Pictures:
    """Packed views, composed once however many look, and one at a time."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._kept: dict[bytes, tuple[int, bytes]] = {}

    async def packed(self, view: View) -> bytes | None:
        """The view for the wire; None if its bytes are no picture."""
        async with self._lock:
            number, payload = self._kept.get(view.client, (0, b""))
            if number != view.number:
                started_at = time.monotonic()
                payload = await asyncio.to_thread(_packed, view)
                self._kept[view.client] = view.number, payload
                await asyncio.sleep((time.monotonic() - started_at) * (1 / _SHARE - 1))
        return payload or None

    def keep_only(self, views: list[View]) -> None:
        """Drop pictures of clients that are not shown any more."""
        shown = {view.client for view in views}
        self._kept = {client: kept for client, kept in self._kept.items() if client in shown}


def _packed(view: View) -> bytes:
    try:
        return pack_view(view, compose(view))
    except FoveateError:
        return b""


def application(gallery: Gallery, admission: Admission) -> Starlette:
    """Everything that the page's address answers."""
    routes = [Route(path, _file(admission, *found), methods=["GET"]) for path, found in _FILES.items()]
    return Starlette(routes=[*routes, WebSocketRoute("/live", _Live(gallery, admission).answer)])


def _file(admission: Admission, name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if not admission.admits_host(request.headers.get("host", "")):
            return PlainTextResponse("this page is for this machine only\n", 403, _HEADERS)
        return Response(_read(name), media_type=kind, headers=_HEADERS)

    return answer


@lru_cache
def _read(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()


class _Live:
    def __init__(self, gallery: Gallery, admission: Admission) -> None:
        self._gallery, self._admission = gallery, admission
        self._pictures = Pictures()
        self._viewers = 0

    async def answer(self, socket: WebSocket) -> None:
        """Show what happens until the browser leaves."""
        host, origin = socket.headers.get("host", ""), socket.headers.get("origin")
        offered: list[str] = socket.scope["subprotocols"]
        if not (self._admission.admits_host(host) and self._admission.admits_origin(origin, host)):
            await socket.close()
            return
        await socket.accept(PROTOCOL if PROTOCOL in offered else None)
        if not self._admission.admits_token(offered):
            await socket.close(NO_TOKEN)
        elif self._viewers >= MOST_VIEWERS:
            await socket.close(TOO_MANY)
        else:
            await self._show(socket)

    async def _show(self, socket: WebSocket) -> None:
        self._viewers += 1
        tasks = [asyncio.create_task(self._send(socket)), asyncio.create_task(_until_closed(socket))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._viewers -= 1
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect):
                _LOG.error("the live page failed for one viewer", exc_info=error)

    async def _send(self, socket: WebSocket) -> None:
        sent: dict[bytes, int] = {}
        status_at = float("-inf")
        while True:
            if time.monotonic() - status_at >= _STATUS_S:
                status_at = time.monotonic()
                await socket.send_text(status_text(self._gallery))
            views = self._gallery.views()
            self._pictures.keep_only(views)
            for view in views:
                if sent.get(view.client) != view.number:
                    await self._send_view(socket, view)
            sent = {view.client: view.number for view in views}
            await asyncio.sleep(_LOOK_S)

    async def _send_view(self, socket: WebSocket, view: View) -> None:
        payload = await self._pictures.packed(view)
        if payload is not None:
            await socket.send_bytes(payload)


async def _until_closed(socket: WebSocket) -> None:
    """Nothing that a browser says is listened to but its leaving."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
