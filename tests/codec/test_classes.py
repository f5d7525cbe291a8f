"""A quality per class in one stream: every patch is exactly what a frame of its quality would show."""

import struct
import zlib

import numpy as np
import pytest

from foveate.codec import (
    class_sizes,
    decode_classes,
    decode_jpeg,
    encode_classes,
    encode_jpeg,
    thumbnail_bytes,
)
from foveate.codec.classes import _parts, _stream
from foveate.core import CLASS_QUALITIES, CodecError, InputError, patch_grid


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth shapes and some noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 9 + c) + np.cos(y / 13 - c) for c in range(3)], axis=2)
    return np.clip(128 + 50 * waves + rng.normal(0, 12, (height, width, 3)), 0, 255).astype(np.uint8)


def random_classes(height: int, width: int, seed: int = 0, count: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, count, patch_grid(height, width), np.uint8)


def of_pixels(classes: np.ndarray, height: int, width: int) -> np.ndarray:
    return classes.repeat(16, axis=0).repeat(16, axis=1)[:height, :width]


@pytest.mark.parametrize("size", [(160, 256), (100, 75), (16, 16), (33, 400), (1, 17)])
@pytest.mark.parametrize("qualities", [(10, 50, 90), (100, 30, 70), (30, 30, 95), (70, 70, 70)])
def test_each_patch_decodes_as_in_a_frame_of_its_quality(size, qualities):
    pixels, classes = picture(*size), random_classes(*size)
    decoded = decode_classes(encode_classes(pixels, classes, qualities), frame_size=size)
    assert decoded.shape == pixels.shape
    assert decoded.flags.c_contiguous
    label = of_pixels(classes, *size)
    padded = np.pad(pixels, ((0, -size[0] % 16), (0, -size[1] % 16), (0, 0)), mode="edge")
    for number in np.unique(classes):
        quality = qualities[number]
        whole = decode_jpeg(encode_jpeg(padded, quality=quality), size=padded.shape[:2])[: size[0], : size[1]]
        if len(set(qualities)) == 1:
            whole = decode_jpeg(encode_jpeg(pixels, quality=quality), size=size)
        np.testing.assert_array_equal(decoded[label == number], whole[label == number])


@pytest.mark.parametrize("quality", CLASS_QUALITIES)
def test_every_quality_of_the_grid_goes_to_every_class(quality):
    pixels, classes = picture(96, 112), random_classes(96, 112)
    for number in range(3):
        qualities = [50, 50, 50]
        qualities[number] = quality
        decoded = decode_classes(encode_classes(pixels, classes, qualities), frame_size=(96, 112))
        error = np.abs(decoded.astype(int) - pixels)[of_pixels(classes, 96, 112) == number].mean()
        assert error < {10: 25, 30: 18, 50: 15}.get(quality, 13)


def test_one_quality_is_a_plain_picture_without_a_map():
    pixels, classes = picture(64, 80), random_classes(64, 80)
    encoded = encode_classes(pixels, classes, (50, 50, 50))
    assert encoded.data.endswith(encode_jpeg(pixels, quality=50))
    assert encoded.size_bytes < len(encode_jpeg(pixels, quality=50)) + 32


def test_a_class_without_patches_costs_nothing():
    pixels, classes = picture(64, 80), np.zeros((4, 5), np.uint8)
    assert encode_classes(pixels, classes, (50, 90, 100)) == encode_classes(pixels, classes, (50, 10, 10))


def test_less_quality_anywhere_is_fewer_bytes():
    pixels, classes = picture(160, 256), random_classes(160, 256)
    best = encode_classes(pixels, classes, (95, 95, 95)).size_bytes
    for number in range(3):
        qualities = [95, 95, 95]
        qualities[number] = 30
        assert encode_classes(pixels, classes, qualities).size_bytes < best


def test_same_frame_same_bytes():
    pixels, classes = picture(64, 80), random_classes(64, 80)
    assert encode_classes(pixels, classes, (10, 50, 90)) == encode_classes(pixels.copy(), classes.copy(), [10, 50, 90])


def test_a_frame_that_is_not_contiguous_is_a_frame():
    pixels, classes = picture(64, 160), random_classes(64, 80)
    view = pixels[:, ::2]
    assert encode_classes(view, classes, (10, 50, 90)) == encode_classes(view.copy(), classes, (10, 50, 90))


def test_sizes_by_class_add_up_to_those_of_streams():
    pixels, classes = picture(320, 480), random_classes(320, 480)
    sizes = class_sizes(pixels, classes, 3, CLASS_QUALITIES)
    assert (np.diff(sizes, axis=1) > 0).all()
    overhead = encode_classes(pixels, classes, (10, 30, 50)).size_bytes - sizes[0, 0] - sizes[1, 1] - sizes[2, 2]
    for columns in ((6, 0, 3), (2, 5, 4)):
        qualities = [CLASS_QUALITIES[column] for column in columns]
        mosaics = sum(int(sizes[row, column]) for row, column in enumerate(columns))
        assert encode_classes(pixels, classes, qualities).size_bytes == mosaics + overhead
    assert class_sizes(pixels, np.zeros_like(classes), 2, (10, 30))[1].tolist() == [0, 0]


def test_a_thumbnail_tells_rich_content_from_poor():
    flat = np.full((320, 480, 3), 90, np.uint8)
    assert thumbnail_bytes(flat) < thumbnail_bytes(picture(320, 480)) < len(encode_jpeg(picture(320, 480), quality=100))


@pytest.mark.parametrize(
    ("classes", "qualities", "says"),
    [
        (np.zeros((3, 5), np.uint8), (10, 50, 90), r"shape \(4, 5\), got uint8 of shape \(3, 5\)"),
        (np.zeros((4, 5), np.int64), (10, 50, 90), "must be uint8"),
        (np.full((4, 5), 3, np.uint8), (10, 50, 90), r"0\.\.2, got 3"),
        (np.zeros((4, 5), np.uint8), (0, 50, 90), r"1\.\.100, got 0"),
    ],
)
def test_maps_and_qualities_that_do_not_fit_are_refused(classes, qualities, says):
    with pytest.raises(InputError, match=says):
        encode_classes(picture(64, 80), classes, qualities)


def damaged(data: bytes) -> dict[str, bytes]:
    """Streams that nobody should take, by what is wrong with them."""
    packed, pictures = _parts(data, (64, 80))
    other = encode_classes(picture(64, 80), random_classes(64, 80, seed=1, count=2), (10, 50)).data
    return {
        "nothing": b"",
        "a part of the header": data[:9],
        "another magic": b"fvc0" + data[4:],
        "another size": data[:4] + struct.pack("<HH", 80, 64) + data[8:],
        "no mosaics": data[:8] + b"\0" + data[9:],
        "more mosaics than lengths": data[:8] + b"\xff" + data[9:],
        "a torn end": data[:-1],
        "more than its parts": data + b"x",
        "a map that is no zlib": _stream((64, 80), bytes(len(packed)), pictures).data,
        "a torn map": _stream((64, 80), packed[:-6], pictures).data,
        "a map of one mosaic": _stream((64, 80), zlib.compress(bytes(20)), pictures).data,
        "a map of millions": _stream((64, 80), zlib.compress(bytes(10**7)), pictures).data,
        "a map of four mosaics": _stream((64, 80), zlib.compress(bytes([0, 1, 2, 3] * 5)), pictures).data,
        "mosaics that are none": _stream((64, 80), packed, [bytes(100)] * 3).data,
        "mosaics of another frame": _stream((64, 80), _parts(other, (64, 80))[0], pictures[:2]).data,
        "a frame that is none": _stream((64, 80), b"", pictures[:1]).data,
    }


def test_damaged_streams_are_refused():
    data = encode_classes(picture(64, 80), random_classes(64, 80), (10, 50, 90)).data
    decode_classes(data, frame_size=(64, 80))
    for name, wrong in damaged(data).items():
        with pytest.raises(CodecError):
            raise AssertionError(f"{name}: decoded to {decode_classes(wrong, frame_size=(64, 80)).shape}")
