"""What a server tells those who watch it: metrics, logs, the live page. Watching never changes an answer."""

from collections.abc import Callable
from dataclasses import dataclass

from foveate.network.messages import AnyOffload, Welcome
from foveate.server.engine import Inferred


@dataclass(frozen=True, kw_only=True)
class ServingStarted:
    """The first events, one for each model: it is loaded."""

    welcome: Welcome
    """What devices are told of it."""


@dataclass(frozen=True, kw_only=True)
class ClientGreeted:
    """A device was told what runs here; it may have been here before."""

    client: bytes
    """Its name in the transport."""


@dataclass(frozen=True, kw_only=True)
class ClientForgotten:
    """A device that was silent for long must greet again."""

    client: bytes


@dataclass(frozen=True, kw_only=True)
class ClientIgnored:
    """A client sent too much that is no message: for a while nothing of it is read."""

    client: bytes
    span_s: float
    """For how long, seconds."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OffloadAnswered:
    """A result was handed to the transport."""

    client: bytes
    offload: AnyOffload
    inferred: Inferred
    queue_s: float
    """How long it waited for the engine, seconds."""


@dataclass(frozen=True, kw_only=True)
class OffloadRefused:
    """No result will come of an offload; or a message was none, or a greeting asked for what is not here."""

    client: bytes
    offload_id: int | None
    """None where the message was no offload, or could not be read."""
    reason: str
    """One of `REFUSALS`: what a dashboard counts by."""
    text: str
    """What the device was told."""
    by_engine: bool = False
    """Whether the engine had it, and got done with it."""


REFUSALS = (
    *("malformed", "version", "unusable", "busy", "superseded", "stale", "failed", "stranger", "unknown_model"),
    "full",
)
"""Not a message; one of another version of the protocol; a frame that this model cannot take; too many wait; a newer
frame came; its deadline passed; the model failed on it; sent before a greeting; a greeting for a model that does not
run here; a greeting where there is no room."""


@dataclass(frozen=True, kw_only=True)
class LoopTurned:
    """The server's loop has turned: several times a second, also when nobody sends."""

    waiting: int
    """Offloads that wait for the engine."""
    running: int
    """Offloads in the engine."""
    received_bytes: int
    """Bytes of all messages that came in this turn."""


ServerEvent = (
    ServingStarted | ClientGreeted | ClientForgotten | ClientIgnored | OffloadAnswered | OffloadRefused | LoopTurned
)
Observer = Callable[[ServerEvent], None]
"""Called in the server's loop, so it must be quick. One that raises is logged, and the server goes on."""


def ignore(event: ServerEvent) -> None:
    """The observer of those who do not watch."""
