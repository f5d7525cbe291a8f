import pytest

from foveate.cli.sizes import read_size
from foveate.core import InputError


def test_a_size_is_height_and_width():
    assert read_size("720x1280") == (720, 1280)


@pytest.mark.parametrize("text", ["", "720", "720p", "x", "720x", "x1280", "-1x5", "1.5x2", "1x2x3", "٣x٣", "²x2"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InputError, match="a size is HEIGHTxWIDTH in pixels"):
        read_size(text)


@pytest.mark.parametrize("text", ["0x0", "0x9", "9x8193", "99999x99999"])
def test_a_size_that_no_frame_has_is_refused(text):
    with pytest.raises(InputError, match="sides have 1 to 8192 pixels"):
        read_size(text)
