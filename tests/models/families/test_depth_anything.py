"""Depth Anything at mixed resolution."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from foveate.core import InputError
from foveate.models.families.depth_anything import MixedDepthAnything
from foveate.testing.families import FamilyContract

from . import networks

pytestmark = pytest.mark.oracle


class TestDepthAnything(FamilyContract):
    sizes = ((84, 112), (101, 143))
    refused_sizes = ((13, 56),)

    def build_original(self) -> Any:
        return networks.depth_anything()

    def adapt(self, theirs: Any) -> MixedDepthAnything:
        return MixedDepthAnything(theirs)

    def original_outputs(self, theirs: Any, images: torch.Tensor) -> Sequence[torch.Tensor]:
        return (theirs(images).predicted_depth,)

    def outputs(self, answer: Any) -> Sequence[torch.Tensor]:
        return (answer,)


def test_another_backbone_is_refused():
    theirs = networks.depth_anything()
    theirs.backbone.config.model_type = "swin"
    with pytest.raises(InputError, match="backbone of type dinov2, got swin"):
        MixedDepthAnything(theirs)
