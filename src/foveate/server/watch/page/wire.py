"""What the page is told: JSON about the server, and views as a JSON head with a JPEG behind it."""

import json
import struct
from typing import Any

from foveate import __version__
from foveate.server.watch.page.gallery import Gallery, View

_LENGTH = struct.Struct(">I")


def status_text(gallery: Gallery) -> str:
    """The server and its clients, as JSON."""
    clients = [{"client": client_name(view), "age_s": round(gallery.age_s(view), 2)} for view in gallery.views()]
    return json.dumps(
        {
            "models": gallery.models,
            "version": __version__,
            "uptime_s": round(gallery.uptime_s, 1),
            "answers": gallery.answers,
            "clients": clients,
        }
    )


def pack_view(view: View, jpeg: bytes) -> bytes:
    """Four bytes with the head's length (big-endian), the head as JSON, the picture."""
    head = json.dumps(_head(view), separators=(",", ":")).encode()
    return _LENGTH.pack(len(head)) + head + jpeg


def unpack_view(payload: bytes) -> tuple[dict[str, Any], bytes]:
    """Inverse of `pack_view`, for tests and other programs: head and picture."""
    (length,) = _LENGTH.unpack_from(payload)
    start = _LENGTH.size
    return json.loads(payload[start : start + length]), payload[start + length :]


def client_name(view: View) -> str:
    """The client's name in the transport, as text."""
    return view.client.hex()


def _head(view: View) -> dict[str, Any]:
    mask = view.mask.reshape(-1)
    return {
        "client": client_name(view),
        "number": view.number,
        "model": view.model,
        "frame": view.offload.frame_index,
        "height": view.grid.height,
        "width": view.grid.width,
        "region_pixels": view.grid.region_pixels,
        "low": [int(region) for region in mask.nonzero()[0]],
        "regions": len(mask),
        "restoration_point": view.offload.restoration_point,
        "bytes": len(view.offload.full) + len(view.offload.low),
        "spans_s": {"queue": view.queue_s, "decode": view.decode_s, "inference": view.inference_s},
        "latencies_s": view.latencies_s,
        "objects": _objects(view),
    }


def _objects(view: View) -> list[dict[str, Any]]:
    found = view.detections
    return [
        {
            "box": [round(float(side), 1) for side in box],
            "class_id": int(class_id),
            "name": found.class_names[class_id],
            "score": round(float(score), 2),
        }
        for box, class_id, score in zip(found.boxes, found.class_id, found.scores, strict=True)
    ]
