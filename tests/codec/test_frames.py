"""Frames through JPEG and back."""

import cv2
import numpy as np
import pytest
import simplejpeg

from foveate.codec import EncodedFrame, decode_frame, encode_frame
from foveate.core import CodecError, InputError, RegionGrid, join_regions, split_regions

GRID = RegionGrid(height=150, width=230, patch_size=16, window_size=2)


def scene(height=150, width=230, seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (height // 32 + 2, width // 32 + 2, 3), dtype=np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def checkerboard(grid):
    return np.indices(grid.shape).sum(axis=0) % 2 == 0


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


@pytest.mark.parametrize("mask", [None, np.zeros(GRID.shape, bool)])
def test_without_low_regions_the_payload_is_one_plain_jpeg(mask):
    encoded = encode_frame(scene(), grid=GRID, mask=mask, quality=90)
    assert encoded.full == simplejpeg.encode_jpeg(scene(), quality=90, colorsubsampling="420")
    assert encoded.low == b""
    assert psnr(join_regions(decode_frame(encoded, grid=GRID, mask=mask)), scene()) > 33


@pytest.mark.parametrize(("height", "width"), [(150, 230), (230, 150), (64, 64), (17, 33), (1, 1)])
def test_mixed_frames_come_back_close_to_the_reference(height, width):
    grid = RegionGrid(height=height, width=width, patch_size=16, window_size=2)
    mask, pixels = checkerboard(grid), scene(height, width)
    encoded = encode_frame(pixels, grid=grid, mask=mask, quality=95, colorsubsampling="444")
    decoded, reference = decode_frame(encoded, grid=grid, mask=mask), split_regions(pixels, grid, mask)
    assert np.array_equal(decoded.mask, mask)
    assert psnr(join_regions(decoded), join_regions(reference)) > 35


@pytest.mark.parametrize("mask", [checkerboard(GRID), np.ones(GRID.shape, bool)])
def test_one_picture_decodes_to_the_very_tiles_of_two(mask):
    """Every cell is whole JPEG blocks: what lies beside it changes nothing."""
    two, one = (encode_frame(scene(), grid=GRID, mask=mask, quality=80, one_picture=flag) for flag in (False, True))
    assert one.low == b""
    assert one.full not in (two.full, b"")
    first, second = (decode_frame(encoded, grid=GRID, mask=mask) for encoded in (two, one))
    assert np.array_equal(first.full, second.full)
    assert np.array_equal(first.low, second.low)


def test_without_low_regions_one_picture_is_the_plain_frame():
    whole = encode_frame(scene(), grid=GRID, quality=90, one_picture=True)
    assert whole == encode_frame(scene(), grid=GRID, quality=90)


def test_all_regions_low_leave_the_full_stream_empty():
    mask = np.ones(GRID.shape, bool)
    encoded = encode_frame(scene(), grid=GRID, mask=mask, quality=90)
    assert encoded.full == b""
    assert encoded.size_bytes == len(encoded.low) > 0
    assert len(decode_frame(encoded, grid=GRID, mask=mask).low) == len(GRID)


def test_a_tile_decodes_to_the_same_pixels_whatever_its_neighbours_are():
    mask = checkerboard(GRID)
    pixels = scene()
    other = pixels.copy()
    other[:64, 64:128] = 255 - other[:64, 64:128]  # region (0, 1), at full resolution
    a, b = (
        decode_frame(encode_frame(p, grid=GRID, mask=mask, quality=80), grid=GRID, mask=mask) for p in (pixels, other)
    )
    assert not np.array_equal(a.full[0], b.full[0])
    assert np.array_equal(a.full[1:], b.full[1:])
    assert np.array_equal(a.low, b.low)


def test_the_same_frame_gives_the_same_bytes():
    mask = checkerboard(GRID)
    assert encode_frame(scene(), grid=GRID, mask=mask, quality=70) == encode_frame(
        scene(), grid=GRID, mask=mask, quality=70
    )


def test_quality_and_downsampling_both_save_bytes():
    mask = checkerboard(GRID)
    sizes = [
        encode_frame(scene(), grid=GRID, mask=m, quality=q).size_bytes for m, q in ((None, 95), (mask, 95), (mask, 50))
    ]
    assert sizes == sorted(sizes, reverse=True)


def test_wrong_frames_masks_and_qualities_are_named():
    with pytest.raises(InputError, match="150 x 230, got a frame of"):
        encode_frame(scene(64, 64), grid=GRID, quality=90)
    with pytest.raises(InputError, match="downsampling mask"):
        encode_frame(scene(), grid=GRID, mask=np.zeros((1, 1), bool), quality=90)
    with pytest.raises(InputError, match="quality must lie in"):
        encode_frame(scene(), grid=GRID, quality=0)
    with pytest.raises(InputError, match="65,500 pixels"):
        encode_frame(np.zeros((1, 65501, 3), np.uint8), grid=RegionGrid(height=1, width=65501), quality=90)


def progressive(pixels):
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    return data.tobytes()


GOOD = encode_frame(scene(), grid=GRID, quality=90).full
BAD_FULL = {
    "empty": (b"", "got 0 bytes"),
    "foreign": (b"\x89PNG\r\n" * 40, "not a JPEG"),
    "header cut": (GOOD[:30], "not a JPEG"),
    "data cut": (GOOD[: len(GOOD) // 2], "damaged JPEG"),
    "other size": (simplejpeg.encode_jpeg(scene(160, 230)), "expected a YCbCr JPEG of 150 x 230"),
    "grey": (
        simplejpeg.encode_jpeg(scene()[..., :1].copy(), colorspace="GRAY", colorsubsampling="Gray"),
        "got Gray",
    ),
    "many scans": (progressive(scene()), "one scan"),
}


@pytest.mark.parametrize("name", BAD_FULL)
def test_bytes_that_are_no_intact_jpeg_of_this_grid_are_refused_in_one_line(name):
    data, message = BAD_FULL[name]
    with pytest.raises(CodecError, match=message) as caught:
        decode_frame(EncodedFrame(full=data), grid=GRID)
    assert "\n" not in str(caught.value)


def test_streams_that_the_mask_does_not_call_for_are_refused():
    with pytest.raises(CodecError, match="0 low regions"):
        decode_frame(EncodedFrame(full=GOOD, low=GOOD), grid=GRID)
    with pytest.raises(CodecError, match="expected a YCbCr JPEG"):
        decode_frame(EncodedFrame(full=GOOD, low=GOOD), grid=GRID, mask=checkerboard(GRID))
    with pytest.raises(CodecError, match="expected a YCbCr JPEG"):  # one picture for all, and not this one
        decode_frame(EncodedFrame(full=GOOD), grid=GRID, mask=checkerboard(GRID))


def test_a_huge_picture_is_refused_by_its_header_alone(monkeypatch):
    bomb = bytearray(simplejpeg.encode_jpeg(scene()))
    marker = bomb.index(b"\xff\xc0")
    bomb[marker + 5 : marker + 9] = b"\xff\x00\xff\x00"  # 65,280 x 65,280
    monkeypatch.setattr(simplejpeg, "decode_jpeg", lambda *a, **k: pytest.fail("decoded"))
    with pytest.raises(CodecError, match="65280 x 65280"):
        decode_frame(EncodedFrame(full=bytes(bomb)), grid=GRID)
