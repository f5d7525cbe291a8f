"""ViTPose at mixed resolution."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from foveate.models.families.vitpose import MixedVitPose
from foveate.testing.families import FamilyContract

from . import networks

pytestmark = pytest.mark.oracle


class TestVitPose(FamilyContract):
    """With experts; patches overlap the border of the image by the padding of the convolution."""

    sizes = ((64, 48),)
    refused_sizes = ((48, 64), (128, 96))

    def build_original(self) -> Any:
        return networks.vitpose()

    def adapt(self, theirs: Any) -> MixedVitPose:
        return MixedVitPose(theirs)

    def original_outputs(self, theirs: Any, images: torch.Tensor) -> Sequence[torch.Tensor]:
        return (theirs(images, dataset_index=torch.zeros(len(images), dtype=torch.long)).heatmaps,)

    def outputs(self, answer: Any) -> Sequence[torch.Tensor]:
        return (answer,)

    # Its patches begin 2 pixels above and left of the regions' borders, so no image of the original is the same.
    test_restoration_point_0_equals_the_original_on_pixels_down_and_upsampled = None  # type: ignore[assignment]


class TestVitPoseWithoutExperts(TestVitPose):
    def build_original(self) -> Any:
        return networks.vitpose(num_experts=1)
