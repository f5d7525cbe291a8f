"""The contract of every transport: whole messages, no blocking but in `poll`, one thread per end.

Only `wake` may be called from another thread than the one that polls.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What ended a connection; only `Channel.redial` makes another."""

    reason: str
    """In words."""
    refused: bool = False
    """Whether the peer was there and ended it before any message could pass: trying again soon will not help."""


class _End(ABC):
    @abstractmethod
    def wake(self) -> None:
        """Make a running or the next `poll` return at once. The one method for other threads."""

    @abstractmethod
    def close(self) -> None:
        """Drop what has not been sent and free the address; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Channel(_End):
    """A device's end: one peer."""

    @abstractmethod
    def send(self, payload: bytes) -> bool:
        """Queue a message; False if the queue is full and the message was dropped."""

    @abstractmethod
    def redial(self) -> None:
        """Connect anew: what waits to be sent is dropped, and the peer may see a stranger."""

    @abstractmethod
    def poll(self, timeout_s: float) -> bytes | None:
        """The next message, waiting for at most `timeout_s` seconds; None if none came, on a fault, or on `wake`."""

    def fault(self) -> Fault | None:
        """What ended the connection, told once; None while there is one, or one may still come about."""
        return None

    @property
    def state(self) -> str:
        """What is known of the connection, in words; empty where nothing can be wrong with it."""
        return ""


class Hub(_End):
    """A server's end: many peers, each named by bytes that mean nothing else."""

    @abstractmethod
    def send(self, peer: bytes, payload: bytes) -> bool:
        """Queue a message to one peer; False if it was dropped: its queue is full, or the peer is gone."""

    @abstractmethod
    def poll(self, timeout_s: float) -> tuple[bytes, bytes] | None:
        """`(peer, message)`, waiting for at most `timeout_s` seconds; None if none came or `wake` was called."""
