"""Damage: bytes, messages and JPEG streams that are almost right. The same generator state gives the same damage."""

import math
import random
import struct
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from foveate.network.messages import FromDevice, FromServer, Hello, encode

_TELLING = (0x00, 0x01, 0x7F, 0x80, 0xD9, 0xDA, 0xFE, 0xFF)
"""Bytes that mean something, or are the end of a range."""
_VALUES: tuple[Any, ...] = (
    *(0, 1, -1, 2**31, 2**53, 2**63 - 1, -(2**63), 255, 65535, 8192, 4096, 3072, 0.0, -0.0, 0.5, 1e-300, 1e300),
    *(math.nan, math.inf, -math.inf, None, True, False, "", "x" * 2000, "\ud7ff", b"", b"\x00", bytes(5000), [], {}),
    *([1, 2, 3], {"type": "offload"}, [[[[]]]], msgspec.Raw(b"\x91" * 20_000 + b"\xc0")),
)
"""What a field may be made into: ends of ranges, other types, too much, too little and too deep."""


def mutate_bytes(chance: random.Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """One to eight changes somewhere: bytes replaced, inserted, removed, doubled, cut off, or taken from `others`."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        _mutate_once(chance, changed, others)
    return bytes(changed)


def mutate_message(chance: random.Random, message: FromDevice | FromServer) -> bytes:
    """A message whose bytes are well formed and whose fields are not: wrong values, types, names, or gone."""
    content: dict[str, Any] = msgspec.to_builtins(message, builtin_types=(bytes,))
    for _ in range(chance.choice((1, 1, 2, 3))):
        name = chance.choice(list(content))
        match chance.randrange(8):
            case 0:
                del content[name]
                content["nothing"] = 0
            case 1:
                content[chance.choice(("", "type", "full", "x" * 300))] = chance.choice(_VALUES)
            case 2 if isinstance(content[name], int | float) and abs(content[name]) < 2**62:
                content[name] += chance.choice((-1, 1, 0.5, 2**20))
            case 3 if isinstance(content[name], bytes) and content[name]:
                content[name] = mutate_bytes(chance, content[name])
            case _:
                content[name] = chance.choice(_VALUES)
    return encode(Hello())[:3] + msgspec.msgpack.encode(content)


def mutate_jpeg(chance: random.Random, data: bytes) -> bytes:
    """A JPEG with one to three of its segments changed so that a decoder has to look closely; or random damage."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        change: Callable[[random.Random, bytes], bytes] = chance.choice(_JPEG_CHANGES)
        data = change(chance, data)
    return data


def segments(data: bytes) -> list[tuple[int, int, int]]:
    """`(marker, start, end)` of each segment with a length, up to the first scan; `start` is where 0xFF stands."""
    found, place = [], 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker, (length,) = data[place + 1], struct.unpack_from(">H", data, place + 2)
        found.append((marker, place, min(place + 2 + length, len(data))))
        if marker == 0xDA:
            break
        place += 2 + max(length, 2)
    return found


def _mutate_once(chance: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    place, length = chance.randrange(len(data) + 1), chance.choice((1, 1, 2, 4, 16, 256))
    piece = slice(place, place + length)
    match chance.randrange(7):
        case 0 if data[piece]:
            data[place] ^= 1 << chance.randrange(8)
        case 1:
            data[piece] = bytes(chance.choice(_TELLING) for _ in data[piece])
        case 2:
            data[place:place] = chance.randbytes(length)
        case 3:
            del data[piece]
        case 4:
            data[place:place] = data[piece]
        case 5 if others:
            other = chance.choice(others)
            start = chance.randrange(len(other) + 1)
            data[piece] = other[start : start + length]
        case _:
            if chance.random() < 0.2:
                del data[place:]


def _change_frame_header(chance: random.Random, data: bytes) -> bytes:
    """Other size, precision, number of components or kind of coding."""
    changed = bytearray(data)
    for marker, start, end in segments(data):
        if 0xC0 <= marker <= 0xC2 and end - start >= 10:
            match chance.randrange(5):
                case 0:
                    struct.pack_into(">H", changed, start + 5, chance.choice((0, 1, 127, 129, 8192, 65500, 65535)))
                case 1:
                    struct.pack_into(">H", changed, start + 7, chance.choice((0, 1, 191, 193, 8192, 65500, 65535)))
                case 2:
                    changed[start + 4] = chance.choice((0, 1, 12, 16))
                case 3:
                    changed[start + 9] = chance.choice((0, 1, 2, 4, 255))
                case _:
                    changed[start + 1] = chance.choice((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCA, 0xCF))
    return bytes(changed)


def _change_sampling(chance: random.Random, data: bytes) -> bytes:
    """Other sampling factors, tables or component numbers."""
    changed = bytearray(data)
    for marker, start, end in segments(data):
        if 0xC0 <= marker <= 0xC2 and end > start + 10:
            changed[chance.randrange(start + 10, end)] = chance.choice((0x00, 0x11, 0x12, 0x21, 0x22, 0x44, 0xFF))
    return bytes(changed)


def _change_a_segment(chance: random.Random, data: bytes) -> bytes:
    """Damage inside, a wrong length, one twice, or one missing."""
    known = segments(data)
    if not known:
        return data
    _, start, end = chance.choice(known)
    match chance.randrange(4):
        case 0:
            return data[:start] + mutate_bytes(chance, data[start:end]) + data[end:]
        case 1:
            return data[: start + 2] + struct.pack(">H", chance.choice((0, 1, 2, 3, 65535))) + data[start + 4 :]
        case 2:
            return data[:end] + data[start:end] * chance.choice((1, 2, 50)) + data[end:]
        case _:
            return data[:start] + data[end:]


def _change_the_scan(chance: random.Random, data: bytes) -> bytes:
    """Cut off, interrupted by markers, damaged, or without its end."""
    place = data.rfind(b"\xff\xda") + 2
    cut = chance.randrange(place, len(data) + 1) if place < len(data) else len(data)
    match chance.randrange(4):
        case 0:
            return data[:cut]
        case 1:
            marker = chance.choice((0xD0, 0xD7, 0xD8, 0xD9, 0xDA, 0xDC, 0xC4, 0xE0))
            return data[:cut] + bytes((0xFF, marker)) + data[cut:]
        case 2:
            return data[:cut] + mutate_bytes(chance, data[cut:])
        case _:
            return data[:-2] + chance.randbytes(chance.choice((0, 2, 1000)))


_JPEG_CHANGES = (
    *(_change_frame_header, _change_sampling, _change_a_segment, _change_a_segment, _change_the_scan, _change_the_scan),
    mutate_bytes,
)
