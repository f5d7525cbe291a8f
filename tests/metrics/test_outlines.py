"""Masks in COCO's run lengths: there and back, and what the numbers mean."""

import numpy as np
import pytest

from foveate.core import InputError
from foveate.metrics import decode_outline, encode_outline


@pytest.mark.parametrize("seed", range(5))
def test_a_mask_survives_the_way_there_and_back(seed):
    rng = np.random.default_rng(seed)
    pixels = rng.random((int(rng.integers(1, 30)), int(rng.integers(1, 30)))) < rng.random()
    np.testing.assert_array_equal(decode_outline(encode_outline(pixels)), pixels)


@pytest.mark.parametrize(
    ("pixels", "counts"),
    [
        ([[0, 0], [0, 0]], [4]),
        ([[1, 1], [1, 1]], [0, 4]),
        ([[0, 1], [1, 1]], [1, 3]),  # down the first column, then the second
        ([[1, 0], [0, 0]], [0, 1, 3]),
    ],
)
def test_runs_go_down_columns_and_begin_outside(pixels, counts):
    assert encode_outline(np.array(pixels, bool)) == {"size": [2, 2], "counts": counts}


def test_runs_that_do_not_fill_the_size_are_refused():
    with pytest.raises(InputError, match="must fill 2 x 3 pixels, got 5"):
        decode_outline({"size": [2, 3], "counts": [1, 4]})


def test_compressed_runs_are_refused_by_name():
    with pytest.raises(InputError, match="got compressed text"):
        decode_outline({"size": [2, 3], "counts": "06"})
