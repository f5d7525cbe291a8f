"""Offloads in parts and probes on the wire."""

import math

import msgspec
import pytest

from foveate.core import ProtocolError
from foveate.network.messages import (
    MAX_PIXELS,
    MAX_PROBE_BYTES,
    MAX_SLICES,
    PROTOCOL_VERSION,
    Part,
    PartsOffload,
    Probe,
    Probed,
    decode_from_device,
    decode_from_server,
    encode,
)

PART = Part(top=0, left=10, bottom=100, right=200, scale=0.5, by_class=False, data=b"picture")
PARTS = PartsOffload(
    offload_id=3,
    frame_index=9,
    height=500,
    width=700,
    score_threshold=0.05,
    patience_s=0.3,
    slice_side=256,
    slice_overlap=0.25,
    merge_iou=0.25,
    parts=[PART],
)


def changed(message, **fields):
    content = msgspec.to_builtins(message, builtin_types=(bytes,)) | fields
    return b"fv" + bytes([PROTOCOL_VERSION]) + msgspec.msgpack.encode(content)


def test_the_unchanged_messages_are_good():
    assert decode_from_device(changed(PARTS)) == PARTS
    assert decode_from_device(with_part()) == PARTS


def with_part(**fields):
    return changed(PARTS, parts=[msgspec.to_builtins(PART, builtin_types=(bytes,)) | fields])


@pytest.mark.parametrize("message", [PARTS, Probe(number=1, padding=bytes(16_384))])
def test_what_a_device_says_arrives(message):
    assert decode_from_device(encode(message)) == message


def test_the_answer_to_a_probe_arrives():
    assert decode_from_server(encode(Probed(number=7))) == Probed(number=7)


@pytest.mark.parametrize(
    "fields",
    [
        {"bottom": 501},
        {"right": 701},
        {"top": 100},
        {"left": 200},
        {"top": -1},
        {"scale": 0.0},
        {"scale": 1.5},
        {"scale": math.nan},
        {"data": "text"},
    ],
)
def test_a_part_must_lie_in_its_frame(fields):
    with pytest.raises(ProtocolError):
        decode_from_device(with_part(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"parts": []},
        {"parts": [msgspec.to_builtins(PART, builtin_types=(bytes,))] * 65},
        {"slice_side": 16},
        {"slice_overlap": 0.9},
        {"slice_overlap": math.nan},
        {"merge_iou": 0.0},
        {"height": 0},
        {"patience_s": -1.0},
        {"score_threshold": 1.5},
    ],
)
def test_offloads_in_parts_out_of_range_are_refused(fields):
    with pytest.raises(ProtocolError):
        decode_from_device(changed(PARTS, **fields))


def test_parts_hold_no_more_pixels_than_a_frame():
    whole = msgspec.to_builtins(PART, builtin_types=(bytes,)) | {"left": 0, "bottom": 2000, "right": 4000, "scale": 1.0}
    assert MAX_PIXELS > 2000 * 4000
    assert decode_from_device(changed(PARTS, height=2000, width=4000, parts=[whole]))
    with pytest.raises(ProtocolError, match="pixels together"):
        decode_from_device(changed(PARTS, height=2000, width=4000, parts=[whole, whole]))


def in_slices(height, width, **slices):
    whole = msgspec.to_builtins(PART, builtin_types=(bytes,)) | {"left": 0, "bottom": height, "right": width}
    return changed(PARTS, height=height, width=width, parts=[whole | {"scale": 1.0}], **slices)


def test_offloads_of_too_many_slices_are_refused():
    with pytest.raises(ProtocolError, match=f"{MAX_SLICES} slices, this one has 2961"):
        decode_from_device(in_slices(3072, 4096, slice_side=128, slice_overlap=0.5))


@pytest.mark.parametrize("slices", [{"slice_side": 320, "slice_overlap": 0.25}, {"slice_side": 0}])
def test_a_large_frame_may_be_cut_finely(slices):
    assert decode_from_device(in_slices(3072, 4096, **slices))


def test_slices_are_counted_at_the_scale_of_their_part():
    reduced = msgspec.to_builtins(PART, builtin_types=(bytes,)) | {"left": 0, "bottom": 3072, "right": 4096}
    parts = [reduced | {"scale": 0.25}]
    assert decode_from_device(changed(PARTS, height=3072, width=4096, parts=parts, slice_side=128, slice_overlap=0.5))


def test_frames_of_too_many_pixels_are_refused():
    with pytest.raises(ProtocolError, match=f"{MAX_PIXELS} pixels"):
        decode_from_device(changed(PARTS, height=8000, width=8000))


def test_a_probe_is_of_limited_length():
    with pytest.raises(ProtocolError):
        decode_from_device(encode(Probe(number=1, padding=bytes(MAX_PROBE_BYTES + 1))))
