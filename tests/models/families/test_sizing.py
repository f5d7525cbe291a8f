"""Sizes of inputs, against the functions of transformers."""

import numpy as np
import pytest

from foveate.core import InputError
from foveate.models.families.sizing import (
    FixedSize,
    LeastChange,
    LongestEdge,
    OwnSize,
    ShortestEdge,
    read_sizing,
)

SIZES = [(480, 640), (640, 480), (720, 1280), (1080, 1920), (301, 507), (800, 800), (100, 1333), (7, 3000)]


@pytest.mark.oracle
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("longest", [1333, None])
def test_the_shortest_edge_is_as_detr_resizes(size, longest):
    from transformers.image_transforms import get_size_with_aspect_ratio

    expected = get_size_with_aspect_ratio(size, 800, longest)
    assert ShortestEdge(shortest=800, longest=longest)(*size) == expected


@pytest.mark.oracle
@pytest.mark.parametrize("size", SIZES[:-1])
@pytest.mark.parametrize("shortest", [800, 512])
def test_yolos_cuts_both_sides_to_multiples(size, shortest):
    from transformers.models.yolos.image_processing_pil_yolos import get_size_with_aspect_ratio_yolos

    rule = ShortestEdge(shortest=shortest, longest=1333, multiple=16)
    assert rule(*size) == get_size_with_aspect_ratio_yolos(size, shortest, 1333)


@pytest.mark.oracle
@pytest.mark.parametrize("size", SIZES[:-1])
def test_the_least_change_is_as_dpt_resizes(size):
    from transformers.models.dpt.image_processing_pil_dpt import get_resize_output_image_size

    expected = get_resize_output_image_size(np.zeros((3, *size)), (518, 518), keep_aspect_ratio=True, multiple=14)
    assert LeastChange(height=518, width=518, multiple=14)(*size) == (expected.height, expected.width)


@pytest.mark.oracle
@pytest.mark.parametrize("size", SIZES[:-1])
def test_the_longest_edge_is_as_sam_resizes(size):
    from transformers import SamImageProcessorPil

    expected = SamImageProcessorPil()._get_preprocess_shape(size, 1024)
    assert LongestEdge(longest=1024)(*size) == expected


def test_the_own_size_is_rounded_to_what_the_model_can_take():
    assert OwnSize(multiple=64)(1080, 1920) == (1088, 1920)
    assert OwnSize(multiple=14)(3, 100) == (14, 98)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"size": {"height": 640, "width": 512}}, FixedSize(height=640, width=512)),
        ({"size": 384}, FixedSize(height=384, width=384)),
        ({"size": {"shortest_edge": 800, "longest_edge": 1333}}, ShortestEdge(shortest=800, longest=1333, multiple=16)),
        ({"size": {"shortest_edge": 256}}, ShortestEdge(shortest=256, multiple=16)),
        ({"size": {"longest_edge": 1024}}, LongestEdge(longest=1024)),
        (
            {"size": {"height": 518, "width": 518}, "keep_aspect_ratio": True, "ensure_multiple_of": 14},
            LeastChange(height=518, width=518, multiple=14),
        ),
    ],
)
def test_the_forms_of_published_preprocessors_are_known(settings, expected):
    assert read_sizing(settings, multiple=16) == expected


@pytest.mark.parametrize("size", [None, "large", {"max_height": 3}, {"height": 3}])
def test_other_forms_are_refused(size):
    with pytest.raises(InputError, match="size must give height and width, shortest_edge or longest_edge, got"):
        read_sizing({"size": size})
