from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveate.codec import PictureCoding, decode_picture, encode_picture
from foveate.core import CodecError, InputError

SIZE = (24, 32)
PICTURE = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)


def test_a_png_comes_back_as_it_was():
    assert np.array_equal(decode_picture(encode_picture(PICTURE, PictureCoding(quality=None)), size=SIZE), PICTURE)


def test_a_jpeg_comes_back_nearly_and_is_smaller():
    smooth = np.broadcast_to(np.arange(32, dtype=np.uint8)[:, None] * 7, (*SIZE, 3)).copy()
    data = encode_picture(smooth, PictureCoding(quality=90))
    assert np.abs(decode_picture(data, size=SIZE).astype(int) - smooth).mean() < 3
    sizes = [len(encode_picture(PICTURE, PictureCoding(quality=quality))) for quality in (50, 90, None)]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("quality", [90, None])
def test_a_picture_of_another_size_is_refused(quality):
    with pytest.raises(CodecError, match="24 x 32"):
        decode_picture(encode_picture(PICTURE, PictureCoding(quality=quality)), size=(32, 24))


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 400), png=st.booleans(), flip=st.integers(0, 10_000))
def test_damaged_bytes_never_raise_anything_but_a_codec_error(cut, png, flip):
    data = bytearray(encode_picture(PICTURE, PictureCoding(quality=None if png else 60)))
    data[flip % len(data)] ^= 0x55
    with suppress(CodecError):
        assert decode_picture(bytes(data[: max(cut, 1) * len(data) // 400]), size=SIZE).shape == (*SIZE, 3)


@pytest.mark.parametrize("text", ["jpeg", "jpeg:x", "webp", "png:3", ""])
def test_a_coding_of_another_form_is_refused(text):
    with pytest.raises(InputError, match="jpeg:QUALITY or png"):
        PictureCoding.parse(text)


def test_codings_are_written_as_they_are_read():
    assert [str(PictureCoding.parse(text)) for text in ("jpeg:75", "png")] == ["jpeg:75", "png"]
    with pytest.raises(InputError, match=r"1\.\.100"):
        PictureCoding.parse("jpeg:0")
