"""The endpoint with the accelerator: a session without I/O, the engine, and a live shell. Any detector will do."""

from foveate.server.engine import DetectorLike, Engine, Inferred
from foveate.server.events import (
    REFUSALS,
    ClientForgotten,
    ClientGreeted,
    LoopTurned,
    Observer,
    OffloadAnswered,
    OffloadRefused,
    ServerEvent,
    ServingStarted,
)
from foveate.server.live import LiveServer, serve
from foveate.server.session import Reply, ServerSession, Work

__all__ = [
    "REFUSALS",
    "ClientForgotten",
    "ClientGreeted",
    "DetectorLike",
    "Engine",
    "Inferred",
    "LiveServer",
    "LoopTurned",
    "Observer",
    "OffloadAnswered",
    "OffloadRefused",
    "Reply",
    "ServerEvent",
    "ServerSession",
    "ServingStarted",
    "Work",
    "serve",
]
