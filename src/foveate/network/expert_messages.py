"""What a device and a server of experts say to each other, on the same wire as frames and detections.

device                              server
AskRoster          ->               Roster; again, unasked, whenever the experts change
Sample             ->               Received at once, later Answer or NoAnswer
Ping               ->               Pong at once
anything else      ->               NotKnown, if the server does not know the device: ask for the roster again
"""

from typing import Annotated, Self

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from foveate.core import ExpertCard, InputError, ProtocolError
from foveate.network.messages import Count, Ping, Pong, Seconds, Text, decode_kind, encode_kind

MAX_CLASSES = 10_000
MAX_EXPERTS = 1000
MAX_PICTURE_BYTES = 2**20
"""Longest compressed picture: these are small ones."""

Picture = Annotated[bytes, Meta(min_length=1, max_length=MAX_PICTURE_BYTES)]
ClassId = Annotated[int, Meta(ge=0, lt=MAX_CLASSES)]


class AskRoster(msgspec.Struct, frozen=True, kw_only=True, tag="ask-roster"):
    """A device asks which experts there are."""


class RosterEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One expert."""

    name: Text
    subset: Annotated[list[ClassId], Meta(min_length=1, max_length=MAX_CLASSES)]
    """Classes that it is for, ascending."""
    relative_size: Annotated[float, Meta(gt=0)]


class Roster(msgspec.Struct, frozen=True, kw_only=True, tag="roster"):
    """The experts that answer at present."""

    revision: Count
    """Grows with every change."""
    classes: Annotated[int, Meta(ge=1, le=MAX_CLASSES)]
    """Over how many classes every expert answers."""
    experts: Annotated[list[RosterEntry], Meta(max_length=MAX_EXPERTS)]

    @classmethod
    def of(cls, cards: tuple[ExpertCard, ...], *, revision: int, classes: int) -> Self:
        """The message that tells of these experts."""
        entries = [RosterEntry(name=c.name, subset=list(c.subset), relative_size=c.relative_size) for c in cards]
        return cls(revision=revision, classes=classes, experts=entries)

    def cards(self) -> tuple[ExpertCard, ...]:
        """Inverse of `of`; raises `ProtocolError` on subsets that cannot be."""
        try:
            cards = tuple(
                ExpertCard(name=e.name, subset=tuple(e.subset), relative_size=e.relative_size) for e in self.experts
            )
        except InputError as error:
            raise ProtocolError(f"unusable roster: {error}") from error
        for card in cards:
            if card.subset[-1] >= self.classes:
                raise ProtocolError(f"unusable roster: expert {card.name} is for a class beyond {self.classes}")
        return cards


class Sample(msgspec.Struct, frozen=True, kw_only=True, tag="sample"):
    """One compressed picture and who shall answer it."""

    sample_id: Count
    expert: Text
    picture: Picture
    """JPEG or PNG at the picture's own size."""


class Received(msgspec.Struct, frozen=True, kw_only=True, tag="received"):
    """The server holds the whole `Sample`."""

    sample_id: Count


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag="answer"):
    """What an expert said."""

    sample_id: Count
    logits: bytes
    """float32 `(classes,)`, little-endian."""
    queue_s: Seconds
    """From receipt to the start of its batch."""
    decode_s: Seconds
    inference_s: Seconds
    """Of the batch."""
    batch: Annotated[int, Meta(ge=1)]
    """Samples in the batch."""

    def scores(self, classes: int) -> NDArray[np.float32]:
        """The logits; raises `ProtocolError` unless there is a finite one for each class."""
        if len(self.logits) != 4 * classes:
            raise ProtocolError(f"an answer needs {classes} float32 logits, got {len(self.logits)} bytes")
        values = np.frombuffer(self.logits, "<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise ProtocolError("logits hold a number that is not finite")
        return values


class NoAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="no-answer"):
    """No answer will come."""

    sample_id: Count | None
    """None where the message could not be read at all."""
    text: Text


class NotKnown(msgspec.Struct, frozen=True, kw_only=True, tag="not-known"):
    """The server has no memory of this device: nothing is answered before an `AskRoster`."""


FromEdge = AskRoster | Sample | Ping
FromExperts = Roster | Received | Answer | NoAnswer | NotKnown | Pong

_from_edge: msgspec.msgpack.Decoder[FromEdge] = msgspec.msgpack.Decoder(FromEdge)
_from_experts: msgspec.msgpack.Decoder[FromExperts] = msgspec.msgpack.Decoder(FromExperts)


def encode_expert_message(message: FromEdge | FromExperts) -> bytes:
    """Message -> bytes. Raises `ProtocolError` where it is too long."""
    return encode_kind(message)


def decode_from_edge(data: bytes) -> FromEdge:
    """Bytes -> message, on the server. Raises `ProtocolError`."""
    return decode_kind(_from_edge, data, peer="device", here="server")


def decode_from_experts(data: bytes) -> FromExperts:
    """Bytes -> message, on the device. Raises `ProtocolError`."""
    return decode_kind(_from_experts, data, peer="server", here="device")
