import numpy as np
import pytest

from foveate.codec import EncodedFrame, EncodedParts, crop, decode_part, encode_parts, encode_plan
from foveate.core import CodecError, InputError, OffloadPlan, RegionGrid, View
from foveate.testing import moving_squares

PIXELS = next(moving_squares(1))
SIZE = PIXELS.shape[:2]
GRID = RegionGrid(height=SIZE[0], width=SIZE[1], window_size=2)


def psnr(a, b):
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return 10 * np.log10(255**2 / max(error, 1e-9))


def test_views_come_back_as_they_were_cut():
    views = (View(top=8, left=0, bottom=70, right=100), View.whole(SIZE, 0.25))
    encoded = encode_parts(PIXELS, OffloadPlan(views=views, jpeg_quality=95))
    assert encoded.size_bytes == sum(len(part.data) for part in encoded.parts)
    for part, view in zip(encoded.parts, views, strict=True):
        decoded = decode_part(part)
        assert decoded.shape[:2] == view.size
        assert psnr(decoded, crop(PIXELS, view)) > 25


def test_a_frame_by_classes_is_one_part():
    classes = np.zeros((8, 12), np.uint8)
    classes[:4] = 2
    plan = OffloadPlan(importance_class=classes, class_qualities=(10, 50, 95))
    (part,) = encode_plan(PIXELS, grid=GRID, plan=plan).parts
    assert (part.by_class, part.view) == (True, View.whole(SIZE))
    decoded = decode_part(part)
    assert psnr(decoded[:64], PIXELS[:64]) > psnr(decoded[64:], PIXELS[64:]) > 15


def test_masks_make_a_mixed_frame():
    assert isinstance(encode_plan(PIXELS, grid=GRID, plan=OffloadPlan()), EncodedFrame)
    assert isinstance(encode_plan(PIXELS, grid=GRID, plan=OffloadPlan(views=(View.whole(SIZE),))), EncodedParts)


def test_a_plan_without_parts_is_refused():
    with pytest.raises(InputError, match="neither"):
        encode_parts(PIXELS, OffloadPlan())


def test_a_view_beyond_the_frame_is_refused():
    with pytest.raises(InputError, match="must lie in its frame"):
        crop(PIXELS, View(top=0, left=0, bottom=SIZE[0] + 1, right=10))


def test_bytes_of_another_size_are_refused():
    (part,) = encode_parts(PIXELS, OffloadPlan(views=(View.whole(SIZE),))).parts
    wrong = type(part)(view=View.whole((64, 64)), data=part.data)
    with pytest.raises(CodecError):
        decode_part(wrong)
