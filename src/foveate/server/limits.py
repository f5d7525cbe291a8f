"""How much of a server its clients may take."""

from dataclasses import dataclass

from foveate.core import InputError


@dataclass(frozen=True, kw_only=True)
class ServerLimits:
    """Beside those of every message: its length, sides, pixels and objects, in `network.messages`.

    Of each client one frame waits, one is decoded and one is in the model, whatever it sends. Raises `InputError` on
    what is not above 0.
    """

    clients: int = 256
    """Known at a time; further ones are refused, unless one of them has been silent for `silent_s`."""
    waiting: int = 64
    """Clients with a frame in the queue; frames of further ones are refused."""
    silent_s: float = 10.0
    """After so long without a word a client makes room for another; a device asks every second at least."""
    idle_s: float = 60.0
    """After so long without a word a client is forgotten."""
    malformed: int = 20
    """Messages of one client that are none, at once, until it is ignored."""
    malformed_per_s: float = 1.0
    """Rate at which they are forgiven."""
    ignored_s: float = 30.0
    """For how long a client is ignored: its messages are not read."""

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if not getattr(self, name) > 0:
                raise InputError(f"the limit {name} must be above 0, got {getattr(self, name)}")
