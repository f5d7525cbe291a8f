"""A network camera on this machine: MJPEG over HTTP, for as long as somebody watches."""

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from foveate.codec import encode_jpeg
from foveate.testing.videos import moving_squares

_PART = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"


@contextmanager
def mjpeg_camera(*, fps: float, frames_per_visit: int = 1_000_000) -> Iterator[str]:
    """The URL of a camera that shows `moving_squares` and hangs up after `frames_per_visit` frames."""

    class Visit(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            try:
                self._play()
            except OSError:
                return  # the watcher left

        def _play(self) -> None:
            for pixels in moving_squares(frames_per_visit):
                jpeg = encode_jpeg(pixels, quality=90)
                self.wfile.write(_PART % len(jpeg) + jpeg + b"\r\n")
                time.sleep(1 / fps)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
            """Nothing: a test is quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Visit) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/stream.mjpg"
        finally:
            server.shutdown()
