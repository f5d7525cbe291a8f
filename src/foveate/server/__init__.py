"""The endpoint with the accelerator: a session without I/O, the engine, and a live shell. Any detector will do."""

from foveate.server.engine import DecodedFrame, DetectorLike, Engine, Inferred, welcome_of
from foveate.server.events import (
    REFUSALS,
    ClientForgotten,
    ClientGreeted,
    ClientIgnored,
    LoopTurned,
    Observer,
    OffloadAnswered,
    OffloadRefused,
    ServerEvent,
    ServingStarted,
)
from foveate.server.limits import ServerLimits
from foveate.server.live import LiveServer, serve
from foveate.server.queue import ACCELERATOR_BUDGET_TOKENS, BUDGET_TOKENS
from foveate.server.session import Reply, ServerSession
from foveate.server.work import Batch, Work

__all__ = [
    "ACCELERATOR_BUDGET_TOKENS",
    "BUDGET_TOKENS",
    "REFUSALS",
    "Batch",
    "ClientForgotten",
    "ClientGreeted",
    "ClientIgnored",
    "DecodedFrame",
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
    "ServerLimits",
    "ServerSession",
    "ServingStarted",
    "Work",
    "serve",
    "welcome_of",
]
