"""SAM's image encoder as foveate's own backbone."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
import torch

from foveate.core import InputError
from foveate.models.families.sam import MixedSam
from foveate.testing.families import FamilyContract, random_images, randomise

from . import networks

pytestmark = pytest.mark.oracle


class TestSam(FamilyContract):
    sizes = ((160, 160),)
    refused_sizes = ((160, 144), (320, 320))

    # It runs on foveate's own backbone, which has tests of its own.
    test_blocks_before_the_restoration_see_fewer_tokens_and_no_block_more = None  # type: ignore[assignment]

    def build_original(self) -> Any:
        return networks.sam()

    def adapt(self, theirs: Any) -> MixedSam:
        return MixedSam(theirs)

    def original_outputs(self, theirs: Any, images: torch.Tensor) -> Sequence[torch.Tensor]:
        return (theirs.get_image_embeddings(images),)

    def outputs(self, answer: Any) -> Sequence[torch.Tensor]:
        return (answer,)


@torch.inference_mode()
def test_its_mask_decoder_takes_the_embeddings():
    theirs = randomise(networks.sam())
    ours, images = MixedSam(deepcopy(theirs)), random_images(1, (160, 160))
    points = torch.tensor([[[[40.0, 50.0]]]])
    expected = theirs(pixel_values=images, input_points=points)
    got = ours.theirs(image_embeddings=ours(images), input_points=points)
    torch.testing.assert_close(got.pred_masks, expected.pred_masks, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(got.iou_scores, expected.iou_scores, atol=1e-4, rtol=1e-4)


def test_forms_that_the_backbone_lacks_are_refused():
    with pytest.raises(InputError, match="must be one window, 3, got 2"):
        MixedSam(networks.sam(), window_size=2)
    with pytest.raises(InputError, match="this configuration differs"):
        MixedSam(networks.sam(hidden_act="relu"))
