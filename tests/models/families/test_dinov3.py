"""DINOv3 at mixed resolution: rotary positions of tokens between patches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from foveate.models.families.dinov3 import MixedDinov3
from foveate.models.families.tokens import token_list
from foveate.testing.families import FamilyContract, randomise

from . import networks

pytestmark = pytest.mark.oracle


class TestDinov3(FamilyContract):
    sizes = ((96, 128), (101, 143))
    refused_sizes = ((15, 56),)

    def build_original(self) -> Any:
        return networks.dinov3()

    def adapt(self, theirs: Any) -> MixedDinov3:
        return MixedDinov3(theirs)

    def original_outputs(self, theirs: Any, images: torch.Tensor) -> Sequence[torch.Tensor]:
        return theirs(images).feature_maps

    def outputs(self, answer: Any) -> Sequence[torch.Tensor]:
        return answer.feature_maps


class TestFlatWithoutNorm(TestDinov3):
    def build_original(self) -> Any:
        return networks.dinov3(reshape_hidden_states=False, apply_layernorm=False, num_register_tokens=0)


class TestGatedMlpWithRegionsOfTwoTokens(TestDinov3):
    def build_original(self) -> Any:
        return networks.dinov3(use_gated_mlp=True)

    def adapt(self, theirs: Any) -> MixedDinov3:
        return MixedDinov3(theirs, window_size=2)


def test_a_coarse_token_turns_by_the_centre_of_the_patches_it_covers():
    """An image of half the size has patches whose centres are those of 2 x 2 patches: the same rotations."""
    ours = MixedDinov3(randomise(networks.dinov3()))
    grid = ours.region_grid(96, 128)
    coarse = ours.rotations(token_list(grid, np.ones(grid.shape, bool)))
    half = ours.theirs.rope_embeddings(torch.zeros(1, 3, 48, 64))
    torch.testing.assert_close(coarse, half, atol=1e-6, rtol=0)


def test_a_coarse_token_at_a_clipped_border_turns_by_the_centre_of_its_real_patches():
    ours = MixedDinov3(randomise(networks.dinov3()))
    grid = ours.region_grid(80, 80)  # 5 x 5 patches: the last region has one row and one column
    order = token_list(grid, np.ones(grid.shape, bool))
    assert sorted(set(order.centres[:, 0])) == [1.0, 3.0, 4.5]
