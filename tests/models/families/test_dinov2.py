"""DINOv2 at mixed resolution, with and without registers."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from foveate.core import InputError
from foveate.models.families import MixedImages
from foveate.models.families.dinov2 import MixedDinov2
from foveate.testing.families import FamilyContract, random_images, random_masks, randomise

from . import networks

pytestmark = pytest.mark.oracle


class TestDinov2(FamilyContract):
    sizes = ((84, 112), (101, 143), (56, 56))
    refused_sizes = ((13, 56),)

    def build_original(self) -> Any:
        return networks.dinov2()

    def adapt(self, theirs: Any) -> MixedDinov2:
        return MixedDinov2(theirs)

    def original_outputs(self, theirs: Any, images: torch.Tensor) -> Sequence[torch.Tensor]:
        return theirs(images).feature_maps

    def outputs(self, answer: Any) -> Sequence[torch.Tensor]:
        return answer.feature_maps


class TestWithRegisters(TestDinov2):
    def build_original(self) -> Any:
        return networks.dinov2_with_registers()


class TestFlatWithoutNorm(TestDinov2):
    def build_original(self) -> Any:
        return networks.dinov2(reshape_hidden_states=False, apply_layernorm=False)


class TestRegionsOfThreeTokens(TestDinov2):
    sizes = ((140, 112), (101, 143))

    def adapt(self, theirs: Any) -> MixedDinov2:
        return MixedDinov2(theirs, window_size=3)


class TestFactorThree(TestDinov2):
    sizes = ((140, 112), (101, 143))

    def adapt(self, theirs: Any) -> MixedDinov2:
        return MixedDinov2(theirs, window_size=2, downsampling_factor=3)


@torch.inference_mode()
def test_coarse_tokens_are_embedded_small_pixels_plus_the_mean_of_the_codes_beneath():
    """Written out for one region, against the list of tokens that the blocks get."""
    ours = MixedDinov2(randomise(networks.dinov2()), window_size=2)
    images = random_images(1, (84, 84))
    masks = torch.zeros(1, *ours.region_grid(84, 84).shape, dtype=torch.bool)
    masks[0, 0, 1] = True  # patches 0..3 x 4..5: clipped at the right
    seen: list[torch.Tensor] = []
    run_block = ours.run_block
    ours.run_block = lambda index, tokens, lists: seen.append(tokens) or run_block(index, tokens, lists)
    ours(MixedImages(images=images, masks=masks, points=[4]))
    codes = ours.position_codes(ours.region_grid(84, 84))
    small = torch.nn.functional.avg_pool2d(images[:, :, :56, 56:84], 2)
    embedded = ours.embed(small)[0]  # (2, 1, C)
    wanted = embedded[:, 0] + torch.stack([codes[i : i + 2, 4:6].mean(dim=(0, 1)) for i in (0, 2)])
    assert seen[0].shape[1] == 1 + 36 - 8 + 2
    distances = torch.cdist(wanted, seen[0][0], compute_mode="donot_use_mm_for_euclid_dist")
    assert distances.min(dim=1).values.max() < 1e-5


@torch.inference_mode()
def test_maps_of_blocks_before_the_restoration_differ_under_a_coarse_token_by_position_alone():
    ours = MixedDinov2(randomise(networks.dinov2(apply_layernorm=False)))
    images, masks = random_images(1, (84, 112)), torch.zeros(1, 3, 4, dtype=torch.bool)
    masks[0, 1, 2] = True
    codes = ours.position_codes(ours.region_grid(84, 112)).permute(2, 0, 1)
    maps = [m[0] - codes for m in ours(MixedImages(images=images, masks=masks, points=[4])).feature_maps]
    spread = [m[:, 2:4, 4:6].flatten(1).std(dim=1).mean() for m in maps]
    assert spread[0] < 1e-5
    assert spread[1] < 1e-5
    assert spread[2] > 1e-2  # the last block has seen restored patches, each at its own place
    assert maps[0][:, 2:4, 2:4].flatten(1).std(dim=1).mean() > 1e-2


@torch.inference_mode()
def test_in_bfloat16_the_maps_stay_close_and_come_in_the_dtype_of_the_images():
    ours = MixedDinov2(randomise(networks.dinov2()))
    images, masks = random_images(1, (84, 112)), random_masks(ours, 1, (84, 112))
    given = MixedImages(images=images, masks=masks, points=[2])
    expected = ours(given).feature_maps[-1]
    got = ours.to(torch.bfloat16)(given).feature_maps[-1]
    assert got.dtype == torch.float32
    assert (got - expected).abs().mean() < 0.05 * expected.abs().mean() + 0.02


@pytest.mark.parametrize("sizes", [{"window_size": 0}, {"downsampling_factor": 0}])
def test_region_sizes_below_one_are_refused(sizes):
    with pytest.raises(InputError, match="must be at least 1, got 0"):
        MixedDinov2(networks.dinov2(), **sizes)


@pytest.mark.parametrize("change", ["in place", "a fused optimiser"])
def test_kept_position_codes_follow_the_weights(change):
    ours, images = MixedDinov2(randomise(networks.dinov2())), random_images(1, (84, 112))
    table = ours.theirs.embeddings.position_embeddings
    table.grad = torch.randn_like(table)
    with torch.no_grad():
        before = ours(images).feature_maps[0]
        assert torch.equal(ours(images).feature_maps[0], before)
        if change == "in place":
            table *= 2
        else:
            torch.optim.AdamW([table], lr=0.5, fused=True).step()
        assert not torch.allclose(ours(images).feature_maps[0], before, atol=1e-3)
