# ruff: noqa: D102  # the name of a test is its docstring
"""What every family of published networks promises. Inherit, and build one small network of it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from foveate.core import InputError
from foveate.models.families import HeadedNetwork, MixedBackbone, MixedImages, MixedNetwork
from foveate.models.pixels import degrade_regions


class FamilyContract(ABC):
    """Tests that each family inherits; one that does not apply is set to None, with the reason."""

    sizes: ClassVar[Sequence[tuple[int, int]]]
    """Heights and widths that the original takes, odd ones among them unless it takes none."""
    refused_sizes: ClassVar[Sequence[tuple[int, int]]]
    """Heights and widths that the family cannot take."""
    tolerance: ClassVar[float] = 1e-4
    """Greatest difference from the original in float32."""

    @abstractmethod
    def build_original(self) -> nn.Module:
        """A small network of transformers; `randomise` gives it values."""

    @abstractmethod
    def adapt(self, theirs: Any) -> MixedNetwork:
        """The same network at mixed resolution; may take it over."""

    @abstractmethod
    def original_outputs(self, theirs: Any, images: Tensor) -> Sequence[Tensor]:
        """What the original answers."""

    @abstractmethod
    def outputs(self, answer: Any) -> Sequence[Tensor]:
        """The same tensors from what the adapted network answers."""

    def pair(self) -> tuple[nn.Module, MixedNetwork]:
        """The original and the adapted network, with the same random values."""
        theirs = randomise(self.build_original())
        return theirs, self.adapt(deepcopy(theirs)).eval()

    @torch.inference_mode()
    def test_without_a_downsampled_region_it_equals_the_original(self) -> None:
        theirs, ours = self.pair()
        for size in self.sizes:
            images = random_images(2, size)
            expected = self.original_outputs(theirs, images)
            assert all(part.std() > 0.01 for part in expected)  # or equality would say nothing
            same(self.outputs(ours(images)), expected, self.tolerance)
            nothing = torch.zeros(2, *ours.region_grid(*size).shape, dtype=torch.bool)
            for point in ours.restoration_points:
                given = MixedImages(images=images, masks=nothing, points=[point, point])
                same(self.outputs(ours(given)), expected, self.tolerance)

    @torch.inference_mode()
    def test_restoration_point_0_equals_the_original_on_pixels_down_and_upsampled(self) -> None:
        theirs, ours = self.pair()
        for size in self.sizes:
            images, masks = random_images(2, size), random_masks(ours, 2, size)
            grid = ours.region_grid(*size)
            degraded = images.clone()
            inside = images[:, :, : grid.height, : grid.width]
            degraded[:, :, : grid.height, : grid.width] = degrade_regions(inside, grid, masks)
            answer = self.outputs(ours(MixedImages(images=images, masks=masks, points=[0, 0])))
            same(answer, self.original_outputs(theirs, degraded), self.tolerance)

    @torch.inference_mode()
    def test_a_batch_equals_its_images_one_by_one_at_every_restoration_point(self) -> None:
        _, ours = self.pair()
        latest = ours.restoration_points[-1]
        for size in self.sizes:
            images, masks = random_images(3, size), random_masks(ours, 3, size)
            masks[2] = False
            for point in ours.restoration_points:
                points = [point, latest, point]
                batch = self.outputs(ours(MixedImages(images=images, masks=masks, points=points)))
                for i in range(3):
                    one = slice(i, i + 1)
                    given = MixedImages(images=images[one], masks=masks[one], points=points[one])
                    same([part[one] for part in batch], self.outputs(ours(given)), 1e-4)

    @torch.inference_mode()
    def test_restored_answers_have_the_original_shapes_and_depend_on_mask_and_point(self) -> None:
        theirs, ours = self.pair()
        size = self.sizes[0]
        images = random_images(1, size)
        plain = self.original_outputs(theirs, images)
        masks = random_masks(ours, 1, size)
        seen = [plain]
        for point in ours.restoration_points:
            answer = self.outputs(ours(MixedImages(images=images, masks=masks, points=[point])))
            assert [part.shape for part in answer] == [part.shape for part in plain]
            assert all(part.isfinite().all() for part in answer)
            for other in seen:
                assert max(float((a - b).abs().max()) for a, b in zip(answer, other, strict=True)) > 1e-4
            seen.append(answer)

    @torch.inference_mode()
    def test_blocks_before_the_restoration_see_fewer_tokens_and_no_block_more(self) -> None:
        _, ours = self.pair()
        backbone = ours.mixed if isinstance(ours, HeadedNetwork) else ours
        assert isinstance(backbone, MixedBackbone)
        size = self.sizes[0]
        everything = torch.ones(1, *ours.region_grid(*size).shape, dtype=torch.bool)
        images = random_images(1, size)
        full = tokens_of_blocks(backbone, MixedImages(images=images))
        for point, restored_before in enumerate(backbone.restore_before, start=1):
            mixed = tokens_of_blocks(backbone, MixedImages(images=images, masks=everything, points=[point]))
            assert mixed[restored_before:] == full[restored_before:]
            assert all(a < b for a, b in zip(mixed[:restored_before], full[:restored_before], strict=True))

    def test_sizes_that_it_cannot_take_are_refused(self) -> None:
        _, ours = self.pair()
        for size in self.refused_sizes:
            refused(lambda size=size: ours.region_grid(*size))
            refused(lambda size=size: ours(random_images(1, size)))

    def test_masks_and_points_that_do_not_fit_are_refused(self) -> None:
        _, ours = self.pair()
        size = self.sizes[0]
        images, shape = random_images(1, size), ours.region_grid(*size).shape
        too_small = torch.zeros(1, shape[0], shape[1] + 1, dtype=torch.bool)
        refused(lambda: ours(MixedImages(images=images, masks=too_small)))
        refused(lambda: ours(MixedImages(images=images, masks=torch.zeros(1, *shape))))
        refused(lambda: ours(MixedImages(images=images, points=[ours.restoration_points[-1] + 1])))
        refused(lambda: ours(MixedImages(images=images, points=[0, 0])))


def randomise(network: nn.Module, seed: int = 0) -> nn.Module:
    """Values with which every part of a network matters; the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in network.named_parameters():
        if value.ndim < 2:
            noise = torch.randn(value.shape, generator=generator) * 0.2
            values = noise + 1 if name.endswith(("weight", "gamma_1", "gamma_2", "lambda1")) else noise
        else:
            fan = value[0].numel() if value.ndim in (2, 4) and name.endswith("weight") else 4
            values = torch.randn(value.shape, generator=generator) * fan**-0.5
        value.data = values.to(value)
    return network.eval()


def random_images(count: int, size: tuple[int, int]) -> Tensor:
    """Normalised images `(count, 3, H, W)` with structure at every scale."""
    generator = torch.Generator().manual_seed(count * 1_000_003 + size[0] * 1009 + size[1])
    coarse = torch.randn(count, 3, -(-size[0] // 16), -(-size[1] // 16), generator=generator)
    spread = nn.functional.interpolate(coarse, scale_factor=16, mode="bilinear")[:, :, : size[0], : size[1]]
    return spread + 0.5 * torch.randn(count, 3, *size, generator=generator)


def random_masks(network: MixedNetwork, count: int, size: tuple[int, int]) -> Tensor:
    """Masks with about half of the regions, at least one of each kind where there are two."""
    generator = torch.Generator().manual_seed(count)
    masks = torch.rand(count, *network.region_grid(*size).shape, generator=generator) < 0.5
    masks[:, 0, 0], masks[:, -1, -1] = False, True
    return masks


def tokens_of_blocks(backbone: MixedBackbone, given: MixedImages) -> list[int]:
    """How many tokens each block works on."""
    counts = [0] * backbone.depth
    run_frames = backbone.run_frames

    def counted(index: int, tokens: Tensor, lists: Any) -> Tensor:
        counts[index] += len(tokens)
        return run_frames(index, tokens, lists)

    backbone.run_frames = counted  # type: ignore[method-assign]
    try:
        backbone.stages(given)
    finally:
        backbone.run_frames = run_frames  # type: ignore[method-assign]
    return counts


def same(got: Sequence[Tensor], expected: Sequence[Tensor], tolerance: float) -> None:
    """Raise `AssertionError` unless the tensors agree."""
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=tolerance)


def refused(call: Any) -> None:
    """Raise `AssertionError` unless the call raises `InputError`."""
    try:
        call()
    except InputError:
        return
    raise AssertionError("an InputError was expected")
