"""What a device and a server say to each other: versioned msgpack structs, checked on arrival.

    device                              server
    Hello              ->               Welcome, or Failure where the model is not known
    Offload            ->               Ack at once, later Result or Failure, within the device's patience
    PartsOffload       ->               likewise
    Ping               ->               Pong at once
    Probe              ->               Probed at once
    anything but Hello ->               Stranger, if the server does not know the device: greet again

Every message of every version starts with two magic bytes and one that holds the protocol version, so that each end can
say what the other speaks. Nothing is ever unpickled. Lengths, ranges and
picture sizes are checked before any pixel is decoded.
"""

import math
from typing import Annotated, Self, TypeVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from foveate.core import (
    Detections,
    InputError,
    Mask,
    OffloadPlan,
    ProtocolError,
    RegionGrid,
    Slicing,
    VersionError,
    View,
)

PROTOCOL_VERSION = 4
"""2: `Result` says how long a frame waited. 3: `Offload` says how long its device waits, `Hello` names a model,
`PartsOffload` and `Probe` exist. 4: regions of both resolutions may lie in one picture of an `Offload`, and be restored
after the last block."""
MAX_MESSAGE_BYTES = 32 * 2**20
"""Longer messages are refused unread."""
MAX_SIDE = 8192
"""Longest accepted side of a frame, pixels."""
MAX_PIXELS = 4096 * 3072
"""Most pixels accepted in a frame: 4K fits, a decompression bomb does not."""
MAX_DETECTIONS = 10_000
MAX_PARTS = 64
"""Most pictures in an offload in parts."""
MAX_PROBE_BYTES = 64 * 1024
MIN_SLICE, MAX_OVERLAP = 128, 0.5
"""Smaller slices, or more of them, would let a small message cost a server hours."""
MAX_SLICES = 256
"""Most slices of an offload in parts: 4K in slices of 320 pixels that overlap by a quarter fits."""
MAX_TEXT = 1000
"""Longest name or explanation, characters."""
MAX_MODELS = 256
"""Most models of one server."""

_MAGIC = b"fv"
_HEADER = _MAGIC + bytes([PROTOCOL_VERSION])

Count = Annotated[int, Meta(ge=0, le=2**53)]
Side = Annotated[int, Meta(ge=1, le=MAX_SIDE)]
Small = Annotated[int, Meta(ge=1, le=1024)]
Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0, le=86400)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello"):
    """A device asks what the server runs."""

    model: Text = ""
    """Name of the model that is to see its frames; empty = the server's first."""


class Welcome(msgspec.Struct, frozen=True, kw_only=True, tag="welcome"):
    """The server describes the model that will run: all that a device needs to cut frames and to name classes."""

    model: Text
    weights_hash: Text
    class_names: Annotated[list[Text], Meta(min_length=1, max_length=10_000)]
    score_threshold: Share
    """Detections below it are not shown."""
    patch_size: Small
    """Pixels."""
    window_size: Small
    """w, tokens."""
    downsampling_factor: Annotated[int, Meta(ge=1, le=16)]
    """d."""
    subsets: Annotated[int, Meta(ge=0, le=64)]
    """N: restoration points run from 0 to N."""
    models: Annotated[list[Text], Meta(max_length=MAX_MODELS)] = []
    """Names of all models that a `Hello` may ask for; the first is the one that runs where none is named."""

    def grid(self, height: int, width: int) -> RegionGrid:
        """Decision regions of a frame of `height x width` pixels."""
        return RegionGrid(
            height=height,
            width=width,
            patch_size=self.patch_size,
            window_size=self.window_size,
            downsampling_factor=self.downsampling_factor,
        )


class Offload(msgspec.Struct, frozen=True, kw_only=True, tag="offload"):
    """One compressed frame and how to run it."""

    offload_id: Count
    frame_index: Count
    height: Side
    width: Side
    mask: bytes
    """Downsampling mask, one bit per region in raster order; empty = nothing downsampled."""
    restoration_point: Annotated[int, Meta(ge=0, le=64)]
    score_threshold: Share
    patience_s: Seconds
    """How much longer the device waits, counted from when it sends this. A span, so that no clock of another host is
    read: the server counts it from receipt, which is late by what the uplink took."""
    full: bytes
    """JPEG of the frame, or of the mosaic of full-resolution regions; of that of all regions where `low` is empty."""
    low: bytes
    """JPEG of the mosaic of downsampled regions; may be empty."""
    slice_regions: Annotated[int, Meta(ge=0, le=64)] = 0
    """Side of the slices that the model sees one by one, decision regions; 0 = the model sees the whole frame."""

    @property
    def picture_bytes(self) -> int:
        """Compressed size of the frame."""
        return len(self.full) + len(self.low)

    @classmethod
    def of(
        cls,
        plan: OffloadPlan,
        *,
        offload_id: int,
        frame_index: int,
        grid: RegionGrid,
        score_threshold: float,
        patience_s: float,
        full: bytes,
        low: bytes,
    ) -> Self:
        """The message that carries out `plan` for one frame."""
        return cls(
            offload_id=offload_id,
            frame_index=frame_index,
            height=grid.height,
            width=grid.width,
            mask=pack_mask(plan.downsampling_mask),
            restoration_point=plan.restoration_point,
            score_threshold=score_threshold,
            patience_s=patience_s,
            full=full,
            low=low,
            slice_regions=0 if plan.slicing is None else max(1, round(plan.slicing.side / grid.region_pixels)),
        )


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One picture of an offload in parts, and which rectangle of the frame it shows."""

    top: Annotated[int, Meta(ge=0, le=MAX_SIDE)]
    left: Annotated[int, Meta(ge=0, le=MAX_SIDE)]
    bottom: Side
    right: Side
    scale: Annotated[float, Meta(gt=0, le=1)]
    """Factor on height and width."""
    by_class: bool = False
    """Whether `data` is a stream of importance classes (`codec.classes`) in place of one JPEG."""
    data: bytes
    """The scaled rectangle, compressed."""

    @property
    def view(self) -> View:
        """The rectangle at its scale. Raises `InputError` on an empty one."""
        return View(top=self.top, left=self.left, bottom=self.bottom, right=self.right, scale=self.scale)


class PartsOffload(msgspec.Struct, frozen=True, kw_only=True, tag="parts"):
    """One frame as pictures of its parts, each of which the server slices before its model sees it."""

    offload_id: Count
    frame_index: Count
    height: Side
    """Of the frame, pixels."""
    width: Side
    score_threshold: Share
    patience_s: Seconds
    """How much longer the device waits, as in `Offload`."""
    slice_side: Annotated[int, Meta(ge=0, le=MAX_SIDE)]
    """Pixels; 0 = nothing is sliced."""
    slice_overlap: Annotated[float, Meta(ge=0, lt=1)]
    merge_iou: Annotated[float, Meta(gt=0, le=1)]
    parts: Annotated[list[Part], Meta(min_length=1, max_length=MAX_PARTS)]

    @property
    def picture_bytes(self) -> int:
        """Compressed size of all parts."""
        return sum(len(part.data) for part in self.parts)

    @property
    def slicing(self) -> Slicing | None:
        """How the parts are sliced; None = they are not. Raises `InputError` on slices that cannot be."""
        if not self.slice_side:
            return None
        return Slicing(side=self.slice_side, overlap=self.slice_overlap, merge_iou=self.merge_iou)

    @property
    def restoration_point(self) -> int:
        """0: there is nothing to restore in parts."""
        return 0


class Probe(msgspec.Struct, frozen=True, kw_only=True, tag="probe"):
    """Bytes that only measure how fast the uplink is."""

    number: Count
    padding: Annotated[bytes, Meta(max_length=MAX_PROBE_BYTES)]


class Probed(msgspec.Struct, frozen=True, kw_only=True, tag="probed"):
    """The answer to a `Probe`, sent at once."""

    number: Count


class Ack(msgspec.Struct, frozen=True, kw_only=True, tag="ack"):
    """The server holds the whole `Offload`."""

    offload_id: Count


class Result(msgspec.Struct, frozen=True, kw_only=True, tag="result"):
    """What the model saw. Arrays travel as little-endian bytes."""

    offload_id: Count
    boxes: bytes
    """float32 `(n, 4)` xyxy, pixels of the original frame."""
    scores: bytes
    """float32 `(n,)`."""
    class_id: bytes
    """int32 `(n,)`."""
    queue_s: Seconds = 0.0
    """Between receipt and inference, decoding apart: other frames had their turn."""
    decode_s: Seconds
    """Bytes to pixels of this frame."""
    inference_s: Seconds
    """From the start to the end of the batch that the frame was in, for so long it was in the model."""

    @classmethod
    def of(
        cls, detections: Detections, *, offload_id: int, decode_s: float, inference_s: float, queue_s: float = 0.0
    ) -> Self:
        """The message that carries `detections`."""
        return cls(
            offload_id=offload_id,
            boxes=detections.boxes.astype("<f4").tobytes(),
            scores=detections.scores.astype("<f4").tobytes(),
            class_id=detections.class_id.astype("<i4").tobytes(),
            queue_s=queue_s,
            decode_s=decode_s,
            inference_s=inference_s,
        )

    def detections(self, class_names: tuple[str, ...]) -> Detections:
        """Inverse of `of`; raises `ProtocolError` on lengths, classes or numbers that cannot be."""
        boxes, scores = _floats("boxes", self.boxes), _floats("scores", self.scores)
        if len(boxes) != 4 * len(scores) or len(self.class_id) != 4 * len(scores):
            raise ProtocolError("a result needs four coordinates and one class id per score")
        try:
            return Detections(
                boxes=boxes,
                scores=scores,
                class_id=np.frombuffer(self.class_id, "<i4"),
                class_names=class_names,
            )
        except InputError as error:
            raise ProtocolError(f"unusable result: {error}") from error


class Failure(msgspec.Struct, frozen=True, kw_only=True, tag="failure", omit_defaults=True):
    """No result will come."""

    offload_id: Count | None
    """None where the message could not be read at all."""
    text: Text
    busy: bool = False
    """Whether too many frames wait at the server: the next one at once would be refused as well."""


class Stranger(msgspec.Struct, frozen=True, kw_only=True, tag="stranger"):
    """The server has no memory of this device, as after a restart: nothing is answered before a `Hello`."""


class Ping(msgspec.Struct, frozen=True, kw_only=True, tag="ping"):
    """A heartbeat that measures the round trip of an idle link."""

    number: Count


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag="pong"):
    """The answer to a `Ping`, sent at once."""

    number: Count


AnyOffload = Offload | PartsOffload
FromDevice = Hello | Offload | PartsOffload | Ping | Probe
FromServer = Welcome | Ack | Result | Failure | Pong | Probed | Stranger

_encoder = msgspec.msgpack.Encoder()
_from_device: msgspec.msgpack.Decoder[FromDevice] = msgspec.msgpack.Decoder(FromDevice)
_from_server: msgspec.msgpack.Decoder[FromServer] = msgspec.msgpack.Decoder(FromServer)
_M = TypeVar("_M")


def encode(message: FromDevice | FromServer) -> bytes:
    """Message -> bytes. Raises `ProtocolError` if the result is longer than `MAX_MESSAGE_BYTES`."""
    return encode_kind(message)


def encode_kind(message: msgspec.Struct) -> bytes:
    """A message of any family -> bytes, with magic and version. Raises `ProtocolError` where it is too long."""
    data = _HEADER + _encoder.encode(message)
    if len(data) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"a message may hold {MAX_MESSAGE_BYTES} bytes, this one has {len(data)}")
    return data


def decode_from_device(data: bytes) -> FromDevice:
    """Bytes -> message, on the server. Raises `ProtocolError`, of which `VersionError` is one."""
    message = read_from_device(data)
    if isinstance(message, Offload | PartsOffload):
        check_extent(message)
    return message


def read_from_device(data: bytes) -> FromDevice:
    """Like `decode_from_device`, but an offload may ask for too much: see `check_extent`."""
    message = decode_kind(_from_device, data, peer="device", here="server")
    if isinstance(message, PartsOffload):
        _check_parts(message)
    return message


def check_extent(offload: AnyOffload) -> None:
    """Raise `ProtocolError` where a well-formed offload has more pixels or slices than any server takes."""
    if offload.height * offload.width > MAX_PIXELS:
        raise ProtocolError(f"a frame may hold {MAX_PIXELS} pixels, this one is {offload.height} x {offload.width}")
    if not isinstance(offload, PartsOffload):
        return
    if sum((p.bottom - p.top) * (p.right - p.left) * p.scale**2 for p in offload.parts) > MAX_PIXELS:
        raise ProtocolError(f"parts may hold {MAX_PIXELS} pixels together")
    slices = 0 if offload.slicing is None else offload.slicing.count(part.view.size for part in offload.parts)
    if slices > MAX_SLICES:
        raise ProtocolError(f"an offload may have {MAX_SLICES} slices, this one has {slices}")


def _check_parts(message: PartsOffload) -> None:
    """Parts lie in the frame; slices are not too small and do not overlap by too much."""
    for part in message.parts:
        if not (part.top < part.bottom <= message.height and part.left < part.right <= message.width):
            raise ProtocolError(
                f"a part must lie in its {message.height} x {message.width} frame, got rows {part.top} to "
                f"{part.bottom} and columns {part.left} to {part.right}"
            )
    if message.slice_side and (message.slice_side < MIN_SLICE or message.slice_overlap > MAX_OVERLAP):
        raise ProtocolError(
            f"slices have sides of at least {MIN_SLICE} pixels and overlap by at most {MAX_OVERLAP:g}, "
            f"got {message.slice_side} and {message.slice_overlap:g}"
        )


def decode_from_server(data: bytes) -> FromServer:
    """Bytes -> message, on the device. Raises `ProtocolError`, of which `VersionError` is one."""
    return decode_kind(_from_server, data, peer="server", here="device")


def decode_kind(decoder: msgspec.msgpack.Decoder[_M], data: bytes, *, peer: str, here: str) -> _M:
    """Bytes -> message of one family, the inverse of `encode_kind`. Raises `ProtocolError`.

    `peer` and `here` are what messages call the two ends.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"a message may hold {MAX_MESSAGE_BYTES} bytes, this one has {len(data)}")
    if data[:2] != _MAGIC or len(data) < len(_HEADER):
        raise ProtocolError(f"the {peer} does not speak foveate's protocol")
    if data[2] != PROTOCOL_VERSION:
        raise VersionError(
            f"the {peer} speaks protocol version {data[2]}, this {here} {PROTOCOL_VERSION}: both ends need the same"
        )
    try:
        return decoder.decode(memoryview(data)[len(_HEADER) :])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"malformed message: {error}") from error


def pack_mask(mask: Mask | None) -> bytes:
    """A downsampling mask as one bit per region in raster order; None -> no bytes."""
    return b"" if mask is None else np.packbits(mask.reshape(-1)).tobytes()


def unpack_mask(data: bytes, grid: RegionGrid) -> Mask | None:
    """Inverse of `pack_mask`. Raises `ProtocolError` unless there are exactly as many bits as regions."""
    if not data:
        return None
    if len(data) != math.ceil(len(grid) / 8):
        raise ProtocolError(f"the mask of {len(grid)} regions needs {math.ceil(len(grid) / 8)} bytes, got {len(data)}")
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    if bits[len(grid) :].any():
        raise ProtocolError(f"the mask names more than the frame's {len(grid)} regions")
    return bits[: len(grid)].astype(np.bool_).reshape(grid.shape)


def _floats(name: str, data: bytes) -> NDArray[np.float32]:
    if len(data) % 4 or len(data) > 16 * MAX_DETECTIONS:
        raise ProtocolError(f"{name} must be float32 of at most {MAX_DETECTIONS} objects, got {len(data)} bytes")
    values = np.frombuffer(data, "<f4").astype(np.float32)
    if not np.isfinite(values).all():
        raise ProtocolError(f"{name} hold a number that is not finite")
    return values
