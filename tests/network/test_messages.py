import math
import pickle

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveate.core import Detections, OffloadPlan, ProtocolError, RegionGrid, VersionError
from foveate.network.messages import (
    MAX_MESSAGE_BYTES,
    MAX_PIXELS,
    MAX_SIDE,
    PROTOCOL_VERSION,
    Ack,
    Failure,
    Hello,
    Offload,
    Ping,
    Pong,
    Result,
    Welcome,
    decode_from_device,
    decode_from_server,
    encode,
    pack_mask,
    unpack_mask,
)

NAMES = ("person", "car")
GRID = RegionGrid(height=500, width=700, window_size=3)
WELCOME = Welcome(
    model="m",
    weights_hash="h",
    class_names=list(NAMES),
    score_threshold=0.3,
    patch_size=16,
    window_size=9,
    downsampling_factor=2,
    subsets=4,
)
OFFLOAD = Offload(
    offload_id=3,
    frame_index=9,
    height=500,
    width=700,
    mask=b"",
    restoration_point=2,
    score_threshold=0.3,
    patience_s=4.5,
    full=b"full",
    low=b"low",
)
RESULT = Result(offload_id=3, boxes=b"", scores=b"", class_id=b"", decode_s=0.01, inference_s=0.2)


def some_detections(n):
    rng = np.random.default_rng(n)
    return Detections(
        boxes=rng.random((n, 4)) * 700, scores=rng.random(n), class_id=np.arange(n) % 2, class_names=NAMES
    )


def changed(message, **fields):
    """The bytes of a message whose fields were not checked, as a hostile peer could send them."""
    content = msgspec.to_builtins(message, builtin_types=(bytes,)) | fields
    return encode(Hello())[:3] + msgspec.msgpack.encode(content)


@pytest.mark.parametrize("message", [Hello(), Hello(model="m"), OFFLOAD, Ping(number=7)])
def test_what_a_device_says_arrives(message):
    assert decode_from_device(encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        WELCOME,
        msgspec.structs.replace(WELCOME, models=["m", "n"]),
        Ack(offload_id=1),
        RESULT,
        Failure(offload_id=None, text="no"),
        Failure(offload_id=2, text=""),
        Pong(number=0),
    ],
)
def test_what_a_server_says_arrives(message):
    assert decode_from_server(encode(message)) == message


def test_the_two_directions_do_not_mix():
    with pytest.raises(ProtocolError, match="malformed"):
        decode_from_device(encode(WELCOME))
    with pytest.raises(ProtocolError, match="malformed"):
        decode_from_server(encode(Hello()))


@pytest.mark.parametrize(("decode", "message"), [(decode_from_device, Hello()), (decode_from_server, RESULT)])
def test_deep_nesting_in_an_unknown_field_is_malformed(decode, message):
    with pytest.raises(ProtocolError, match="malformed"):
        decode(changed(message, x=msgspec.Raw(b"\x91" * 20_000 + b"\xc0")))


def test_another_version_is_named():
    data = bytearray(encode(Hello()))
    data[2] = PROTOCOL_VERSION + 1
    with pytest.raises(VersionError, match=f"device speaks .* {PROTOCOL_VERSION + 1}, this server {PROTOCOL_VERSION}:"):
        decode_from_device(bytes(data))
    with pytest.raises(VersionError, match=f"server speaks .* {PROTOCOL_VERSION + 1}, this device {PROTOCOL_VERSION}:"):
        decode_from_server(bytes(data))


@pytest.mark.parametrize("data", [b"", b"f", b"fv", b"HTTP/1.1 400", pickle.dumps({"type": "hello"})])
def test_strangers_are_refused(data):
    with pytest.raises(ProtocolError, match="does not speak"):
        decode_from_device(data)


def test_long_messages_are_refused_on_both_ends():
    with pytest.raises(ProtocolError, match="may hold"):
        encode(msgspec.structs.replace(OFFLOAD, full=bytes(MAX_MESSAGE_BYTES)))
    with pytest.raises(ProtocolError, match="may hold"):
        decode_from_device(bytes(MAX_MESSAGE_BYTES + 1))


@pytest.mark.parametrize(
    "fields",
    [
        {"height": 0},
        {"width": MAX_SIDE + 1},
        {"offload_id": -1},
        {"offload_id": 2**60},
        {"restoration_point": -1},
        {"score_threshold": 2.0},
        {"score_threshold": math.nan},
        {"patience_s": -0.1},
        {"patience_s": math.nan},
        {"patience_s": math.inf},
        {"full": "text"},
        {"type": "unknown"},
        {"mask": None},
    ],
)
def test_offloads_out_of_range_are_refused(fields):
    with pytest.raises(ProtocolError):
        decode_from_device(changed(OFFLOAD, **fields))


def test_frames_of_too_many_pixels_are_refused():
    with pytest.raises(ProtocolError, match=f"{MAX_PIXELS} pixels"):
        decode_from_device(changed(OFFLOAD, height=MAX_SIDE, width=MAX_SIDE))


@pytest.mark.parametrize(
    "fields", [{"decode_s": -1.0}, {"inference_s": math.inf}, {"inference_s": math.nan}, {"decode_s": 1e9}]
)
def test_durations_that_cannot_be_are_refused(fields):
    with pytest.raises(ProtocolError):
        decode_from_server(changed(RESULT, **fields))


@pytest.mark.parametrize("n", [0, 1, 7])
def test_detections_arrive_exactly(n):
    sent = some_detections(n)
    message = Result.of(sent, offload_id=1, decode_s=0.0, inference_s=0.0)
    arrived = decode_from_server(encode(message))
    assert arrived.detections(NAMES) == sent


@pytest.mark.parametrize(
    "fields",
    [
        {"boxes": bytes(12)},
        {"boxes": bytes(3)},
        {"class_id": bytes(8)},
        {"class_id": np.array([2], "<i4").tobytes()},
        {"class_id": np.array([-1], "<i4").tobytes()},
        {"scores": np.array([np.nan], "<f4").tobytes()},
        {"boxes": np.array([0, 0, np.inf, 1], "<f4").tobytes()},
        {"boxes": bytes(16 * 20_000), "scores": bytes(4 * 20_000), "class_id": bytes(4 * 20_000)},
    ],
)
def test_results_that_cannot_be_are_refused(fields):
    good = Result.of(some_detections(1), offload_id=1, decode_s=0.0, inference_s=0.0)
    bad = decode_from_server(changed(good, **fields))
    with pytest.raises(ProtocolError):
        bad.detections(NAMES)


@given(st.data(), st.integers(1, 1000), st.integers(1, 1000))
def test_masks_survive_packing(data, height, width):
    grid = RegionGrid(height=height, width=width, window_size=2)
    bits = data.draw(st.lists(st.booleans(), min_size=len(grid), max_size=len(grid)))
    mask = np.array(bits, np.bool_).reshape(grid.shape)
    packed = pack_mask(mask)
    assert len(packed) == math.ceil(len(grid) / 8)
    assert np.array_equal(unpack_mask(packed, grid), mask)


def test_no_mask_is_no_bytes():
    assert pack_mask(None) == b""
    assert unpack_mask(b"", GRID) is None


def test_masks_of_another_grid_are_refused():
    with pytest.raises(ProtocolError, match="needs"):
        unpack_mask(bytes(100), GRID)
    with pytest.raises(ProtocolError, match="more than"):
        unpack_mask(b"\xff", RegionGrid(height=64, width=128, window_size=2))


def test_a_plan_becomes_a_message():
    mask = np.ones(GRID.shape, np.bool_)
    plan = OffloadPlan(downsampling_mask=mask, restoration_point=3, jpeg_quality=70)
    message = Offload.of(
        plan, offload_id=1, frame_index=2, grid=GRID, score_threshold=0.4, patience_s=4.5, full=b"f", low=b"l"
    )
    assert (message.height, message.width, message.restoration_point) == (500, 700, 3)
    assert message.patience_s == 4.5
    assert np.array_equal(unpack_mask(message.mask, GRID), mask)


def test_a_welcome_describes_the_grid():
    assert WELCOME.grid(1080, 1920) == RegionGrid(height=1080, width=1920)


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_or_understood(data):
    for head in (b"", encode(Hello())[:3]):
        for decode in (decode_from_device, decode_from_server):
            try:
                decode(head + data)
            except ProtocolError:
                continue


@settings(max_examples=300)
@given(st.sampled_from([OFFLOAD, Hello(), Ping(number=4)]), st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_understood(message, place, value):
    data = bytearray(encode(message))
    data[place % len(data)] = value
    try:
        decode_from_device(bytes(data))
    except ProtocolError:
        return


@given(st.sampled_from([OFFLOAD, RESULT, WELCOME]), st.integers(0, 10_000))
def test_a_cut_message_is_refused(message, length):
    data = encode(message)
    decode = decode_from_device if isinstance(message, Offload) else decode_from_server
    with pytest.raises(ProtocolError):
        decode(data[: length % len(data)])
