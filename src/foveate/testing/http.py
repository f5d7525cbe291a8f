"""A web server on this machine with one file, which can do what servers do to downloads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(kw_only=True)
class ServedFile:
    """What the server sends, and what it was asked."""

    content: bytes
    etag: str | None = '"first"'
    """Version of the file; None = the server does not say."""
    status: int = 200
    """An error to answer with, or 200."""
    break_after: int | None = None
    """Bytes after which the server hangs up."""
    tells_length: bool = True
    resumes: bool = True
    """Whether it answers requests for a range."""
    address: str = ""
    requests: list[dict[str, str]] = field(default_factory=list)
    """Headers of all requests."""


@contextmanager
def served_file(content: bytes) -> Iterator[ServedFile]:
    """A file at an address of this machine, for as long as the block lasts."""
    file = ServedFile(content=content)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(file))
    file.address = f"http://127.0.0.1:{server.server_address[1]}/some/model_final.pkl"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield file
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(file: ServedFile) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # named by the library
            """Answer with the file, a part of it, or an error."""
            file.requests.append(dict(self.headers.items()))
            start = self._start()
            if file.status != 200 or start > len(file.content):
                self.send_error(file.status if file.status != 200 else 416)
                return
            self.send_response(206 if start else 200)
            if file.etag:
                self.send_header("ETag", file.etag)
            if file.tells_length:
                self.send_header("Content-Length", str(len(file.content) - start))
            self.end_headers()
            end = len(file.content) if file.break_after is None else start + file.break_after
            self.wfile.write(file.content[start:end])

        def _start(self) -> int:
            wanted = self.headers.get("Range")
            if not wanted or not file.resumes or self.headers.get("If-Range") != file.etag:
                return 0
            return int(wanted.removeprefix("bytes=").removesuffix("-"))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
