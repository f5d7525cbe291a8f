"""The endpoint with the accelerator: a session without I/O, the engine, and a live shell. Any detector will do."""

from foveate.server.detector_like import DetectorLike
from foveate.server.engine import Engine, Inferred
from foveate.server.live import LiveServer, serve
from foveate.server.session import Reply, ServerSession, Work

__all__ = ["DetectorLike", "Engine", "Inferred", "LiveServer", "Reply", "ServerSession", "Work", "serve"]
