"""The picture of a view against the frame that was sent."""

import numpy as np
import pytest

from foveate.codec import decode_jpeg
from foveate.core import CodecError, ManualClock
from foveate.server.events import ServingStarted
from foveate.server.watch.page import Gallery
from foveate.server.watch.page.composing import LONGEST_SIDE, compose, picture
from foveate.testing import moving_squares


@pytest.fixture
def view(welcome, answered):
    def of(event=None, **options):
        gallery = Gallery(ManualClock())
        gallery(ServingStarted(welcome=welcome))
        gallery(event or answered(**options))
        return gallery.views()[0]

    return of


@pytest.mark.parametrize("masked", [False, True])
def test_the_picture_is_the_frame_at_half_its_size(view, pixels, masked):
    height, width = pixels.shape[:2]
    expected = pixels.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    found = picture(view(masked=masked))
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 2


def test_a_frame_whose_border_cuts_regions_has_a_picture_of_its_own_size(view, welcome, answered, offload):
    odd = np.ascontiguousarray(next(moving_squares(1))[:101, :151])
    grid = welcome.grid(101, 151)
    mask = np.zeros(grid.shape, bool)
    mask[-1, -1] = True
    event = answered()
    changed = type(event)(
        client=b"odd", offload=offload(odd, grid=grid, mask=mask), inferred=event.inferred, queue_s=0.0
    )
    found = picture(view(changed))
    assert found.shape == (51, 76, 3)
    assert np.abs(found[:50, :75] - odd[:100, :150].reshape(50, 2, 75, 2, 3).mean(axis=(1, 3))).mean() < 2


def test_a_large_frame_is_reduced_further(view, welcome, answered, offload):
    large = next(moving_squares(1, (2160, 3840)))
    event = answered()
    sent = offload(large, grid=welcome.grid(2160, 3840), quality=50)
    seen = view(type(event)(client=b"4k", offload=sent, inferred=event.inferred, queue_s=0.0))
    assert decode_jpeg(compose(seen), size=(540, LONGEST_SIDE)).shape == (540, LONGEST_SIDE, 3)


def test_bytes_that_are_no_picture_raise(view, answered):
    event = answered(masked=False)
    broken = type(event.offload)(
        **{f: getattr(event.offload, f) for f in event.offload.__struct_fields__} | {"full": b"x"}
    )
    with pytest.raises(CodecError):
        compose(view(type(event)(client=b"x", offload=broken, inferred=event.inferred, queue_s=0.0)))
