"""The contract of a family: what a published network must say about itself to run at mixed resolution.

    embed pixels of tiles -> add positions -> blocks, with restoration before one of them -> regular maps

A family gives its own patch embedding, position codes, special tokens and blocks, unchanged; this file does the rest.
The maps that come out are regular at whatever block they are taken, so the family's own head follows as it stands.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from foveate.core import InputError, RegionGrid
from foveate.models.families.tokens import Index, Stage, TokenList, restore_tokens, run_alike, take_stage, token_list
from foveate.models.mixed_frames import check_points
from foveate.models.pixels import area_average, check_images, cut_tiles, degrade_regions, extend_to_regions
from foveate.models.positions import token_positions
from foveate.models.weight_state import WeightKey

SUBSETS = 4
"""Restoration points of networks whose blocks are all alike, as in the plain ViT of ViTMAlis."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MixedImages:
    """A batch of images of one size and how they are looked at; takes the place of a network's `pixel_values`."""

    images: Tensor
    """Normalised `(B, 3, H, W)`."""
    masks: Tensor | None = None
    """Bool `(B, regions_h, regions_w)`, True = low resolution; None = full resolution."""
    points: Sequence[int] | None = None
    """Restoration point of each image, 0..N; None = 0."""

    @property
    def shape(self) -> torch.Size:
        """`(B, 3, H, W)`."""
        return self.images.shape

    @property
    def device(self) -> torch.device:
        """Where the images are."""
        return self.images.device

    @property
    def dtype(self) -> torch.dtype:
        """Of the images."""
        return self.images.dtype


class Features(NamedTuple):
    """What a backbone hands to a head, under the name by which heads of `transformers` ask for it."""

    feature_maps: tuple[Tensor, ...]
    """One `(B, C, rows, columns)` per tap, unless the family's heads want them otherwise."""


class MixedNetwork(nn.Module, ABC):
    """Any network of a family: with a head, or a backbone alone."""

    @property
    @abstractmethod
    def mixed_backbone(self) -> nn.Module:
        """The part that runs on mixed tokens; its dtype may be lowered without touching the head."""

    @property
    @abstractmethod
    def restoration_points(self) -> range:
        """0..N."""

    @property
    @abstractmethod
    def size_multiple(self) -> int | None:
        """Heights and widths that are multiples of it are allowed; None = there is one size only."""

    @abstractmethod
    def region_grid(self, height: int, width: int) -> RegionGrid:
        """Decision regions of images of `height x width` pixels. Raises `InputError` for sizes without any."""

    @abstractmethod
    def forward(self, given: Tensor | MixedImages) -> Any:
        """What the original's `forward` returns for the same images, or its tensors by their names.

        Raises `InputError` on wrong shapes or ranges.
        """


class MixedBackbone(MixedNetwork):
    """A family's backbone at mixed resolution. A family states the attributes and overrides the abstract methods."""

    patch_size: int
    """Side of a patch, pixels."""
    depth: int
    """Blocks up to the last tap."""
    restore_before: tuple[int, ...]
    """Block before which restoration point k restores, for k = 1..N, rising."""
    taps: tuple[int, ...]
    """After how many blocks maps are taken, rising; 0 = the embeddings."""
    specials: int = 0
    """Special tokens of each part of a frame."""
    parts_per_side: int = 1
    """Into how many parts windowed blocks divide each side of a frame."""
    whole_sizes_only: bool = False
    """Whether sizes must be multiples of the patch; else what is left over at the right and below is not looked at."""

    def __init__(self, *, window_size: int = 1, downsampling_factor: int = 2) -> None:
        super().__init__()
        for name, value in (("window_size", window_size), ("downsampling_factor", downsampling_factor)):
            if value < 1:
                raise InputError(f"{name} must be at least 1, got {value}")
        self.window_size, self.downsampling_factor = window_size, downsampling_factor
        self._kept: dict[tuple[object, ...], Tensor] = {}

    @abstractmethod
    def embed(self, tiles: Tensor) -> Tensor:
        """Patch embedding without positions: `(n, 3, s, s)` -> `(n, s / p, s / p, C)`."""

    @abstractmethod
    def position_codes(self, grid: RegionGrid) -> Tensor | None:
        """Absolute codes of the patches of a frame `(rows, columns, C)`, or None."""

    def carried_codes(self, index: int, grid: RegionGrid) -> Tensor | None:  # noqa: ARG002  # for families that add more
        """Sum of the absolute codes that have been added to the patches before block `index`, as `position_codes`."""
        return self.position_codes(grid)

    @abstractmethod
    def special_tokens(self, grid: RegionGrid) -> Tensor:
        """Special tokens of each part with their positions `(specials, C)`."""

    @abstractmethod
    def run_block(self, index: int, tokens: Tensor, lists: Sequence[TokenList]) -> Tensor:
        """Block `index` on frames of equally many tokens: `(count, n, C)` -> the same shape."""

    def keep(self, grid: RegionGrid, table: Tensor, make: Callable[[], Tensor]) -> Tensor:
        """`make()`, kept while the same learned `table` is stretched over the same grid and no gradient is wanted."""
        if torch.is_grad_enabled() or table.is_inference():
            return make()
        key = (grid, WeightKey.of(table), table.dtype, table.device, torch.is_inference_mode_enabled())
        codes = self._kept.get(key)
        if codes is None:
            if len(self._kept) > 32:
                self._kept.clear()  # perhaps while another thread looks
            codes = self._kept[key] = make()
        return codes

    @property
    def mixed_backbone(self) -> nn.Module:
        """Itself."""
        return self

    @property
    def restoration_points(self) -> range:
        """0..N."""
        return range(len(self.restore_before) + 1)

    @property
    def size_multiple(self) -> int | None:
        """Whole patches; with windowed blocks, whole regions in each part."""
        regions = self.parts_per_side * self.window_size * self.downsampling_factor
        return self.patch_size * (regions if self.parts_per_side > 1 else 1)

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """Decision regions of images of `height x width` pixels. Raises `InputError` for sizes without any."""
        patch = self.patch_size
        whole = height // patch * patch, width // patch * patch
        if min(whole) < patch or (self.whole_sizes_only and whole != (height, width)):
            required = f"multiples of {patch}" if self.whole_sizes_only else f"at least {patch}"
            raise InputError(f"height and width must be {required} pixels, got {height} x {width}")
        grid = RegionGrid(
            height=whole[0],
            width=whole[1],
            patch_size=patch,
            window_size=self.window_size,
            downsampling_factor=self.downsampling_factor,
        )
        if self.parts_per_side > 1:
            self._check_parts(grid)
        return grid

    def _check_parts(self, grid: RegionGrid) -> None:
        """Regions must not lie across the border of two parts, or their tokens would attend to both."""
        side, patch = self.parts_per_side, self.patch_size
        if any(count % side for count in grid.patches):
            raise InputError(
                f"height and width must be multiples of {side * patch} pixels ({side} x {side} windows of "
                f"whole patches), got {grid.height} x {grid.width}"
            )
        spans = {count // side for count in grid.patches}
        if any(span % grid.region_size for span in spans):
            shown = " and ".join(str(span) for span in sorted(spans))
            raise InputError(
                f"a region must divide the windows, which are {shown} patches wide here: with factor "
                f"{grid.downsampling_factor} {_allowed(spans, grid.downsampling_factor)}, got {grid.region_size}"
            )

    def prepare(self, images: Tensor) -> Tensor:
        """Normalised images `(B, 3, H, W)` as `embed` wants to see them, in the same shape."""
        return images

    def as_maps(self, stages: list[Stage]) -> tuple[Tensor, ...]:
        """What the family's head wants of each tap."""
        return tuple(stage.patches.permute(0, 3, 1, 2) for stage in stages)

    def forward(self, given: Tensor | MixedImages) -> Features:
        """Images to feature maps. Raises `InputError` on wrong shapes or ranges."""
        return Features(tuple(part.to(given.dtype) for part in self.as_maps(self.stages(given))))

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights: that of the blocks' work, whatever the images have."""
        return next(self.parameters()).dtype

    def stages(self, given: Tensor | MixedImages) -> list[Stage]:
        """What the network has at each tap. Raises `InputError` on wrong shapes or ranges."""
        mixed = given if isinstance(given, MixedImages) else MixedImages(images=given)
        check_images(mixed.images)
        grid = self.region_grid(*mixed.images.shape[2:])
        images = self.prepare(mixed.images[:, :, : grid.height, : grid.width].to(self.dtype))
        given_points = [0] * len(images) if mixed.points is None else mixed.points
        points = check_points(given_points, len(images), self.restoration_points[-1])
        masks = _check_masks(mixed.masks, grid, len(images))
        early = (masks & (torch.tensor(points, device=masks.device) == 0)[:, None, None]).to(images.device)
        late = (masks.to(images.device) & ~early).cpu().numpy()
        lists = [self._list(grid, mask) for mask in late]
        tokens = self._tokens(degrade_regions(images, grid, early), grid, lists)
        return self._run(tokens, lists, points)

    def _list(self, grid: RegionGrid, mask: np.ndarray | None = None) -> TokenList:
        return token_list(grid, mask, parts_per_side=self.parts_per_side, specials=self.specials)

    def _tokens(self, images: Tensor, grid: RegionGrid, lists: list[TokenList]) -> list[Tensor]:
        """Pixels to lists of position-coded tokens `(n, C)`."""
        tiles = cut_tiles(extend_to_regions(images, grid), grid).flatten(1, 2)
        codes, special = self.position_codes(grid), self.special_tokens(grid)
        return [self._list_tokens(part, order, codes, special) for part, order in zip(tiles, lists, strict=True)]

    def _list_tokens(self, tiles: Tensor, order: TokenList, codes: Tensor | None, special: Tensor) -> Tensor:
        """All tiles of one image `(regions, 3, s, s)` -> its list of tokens."""
        layout, w, d = order.layout, self.window_size, self.downsampling_factor
        fine = self.embed(tiles[torch.from_numpy(layout.full_regions)])
        dim = fine.shape[-1]
        windows = fine.reshape(-1, d, w, d, w, dim).transpose(2, 3).reshape(-1, w * w, dim)
        windows = windows[torch.from_numpy(layout.kept_windows).to(tiles.device)]
        if not order.is_full:
            small = area_average(tiles[torch.from_numpy(layout.low_regions)], d)
            windows = torch.cat([windows, self.embed(small).reshape(-1, w * w, dim)])
        if codes is not None:
            windows = windows + token_positions(codes.to(fine), layout)
        tokens = fine.new_empty(len(order), dim)
        tokens[torch.from_numpy(order.patch_rows)] = windows.flatten(0, 1)[torch.from_numpy(order.place)]
        heads = special.to(fine).repeat(self.parts_per_side**2, 1)
        tokens[torch.from_numpy(order.special_rows.reshape(-1))] = heads
        return tokens

    def _run(self, tokens: list[Tensor], lists: list[TokenList], points: list[int]) -> list[Stage]:
        """All blocks; frames that are due are restored before a block."""
        due_before = [self.restore_before[point - 1] if point else -1 for point in points]
        grid = lists[0].layout.grid
        full = self._list(grid)
        stages = []
        for index in range(self.depth + 1):
            due = [i for i, before in enumerate(due_before) if before == index and not lists[i].is_full]
            is_tapped = index in self.taps
            is_mixed = any(not order.is_full for order in lists)
            codes = self.carried_codes(index, grid) if is_mixed and (due or is_tapped) else None
            if is_tapped:
                stages.append(take_stage(tokens, lists, codes))
            for i in due:
                tokens[i], lists[i] = restore_tokens(tokens[i], lists[i], full, codes), full
            if index < self.depth:
                tokens = self._run_block(index, tokens, lists)
        return stages

    def _run_block(self, index: int, tokens: list[Tensor], lists: list[TokenList]) -> list[Tensor]:
        joined = tokens[0] if len(tokens) == 1 else torch.cat(tokens)
        lengths = [len(order) for order in lists]
        return list(torch.split(self.run_frames(index, joined, lists), lengths))

    def run_frames(self, index: int, tokens: Tensor, lists: list[TokenList]) -> Tensor:
        """Block `index` on the lists of all frames, one after the other: `(N, C)` -> the same shape.

        Those of equal length run at once; a family whose attention takes stretches of any lengths overrides this.
        """
        lengths = np.array([len(order) for order in lists])

        def run(stretches: list[Tensor], which: Index) -> Tensor:
            return self.run_block(index, stretches[0], [lists[i] for i in which])

        return run_alike([tokens], lengths, run)


class HeadedNetwork(MixedNetwork):
    """A published network with its own head behind a mixed-resolution backbone."""

    def __init__(self, theirs: Any, mixed: MixedBackbone) -> None:
        super().__init__()
        self.theirs, self.mixed = theirs, mixed

    @property
    def mixed_backbone(self) -> nn.Module:
        """What stands before the head."""
        return self.mixed

    @property
    def restoration_points(self) -> range:
        """0..N."""
        return self.mixed.restoration_points

    @property
    def size_multiple(self) -> int | None:
        """As the backbone."""
        return self.mixed.size_multiple

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """As the backbone."""
        return self.mixed.region_grid(height, width)


def even_points(depth: int, subsets: int = SUBSETS) -> tuple[int, ...]:
    """The last block of each of `subsets` equal parts of the blocks (as many as blocks where these are fewer)."""
    count = min(subsets, depth)
    return tuple(round(k * depth / count) - 1 for k in range(1, count + 1))


def _check_masks(masks: Tensor | None, grid: RegionGrid, count: int) -> Tensor:
    wanted = (count, *grid.shape)
    if masks is None:
        return torch.zeros(wanted, dtype=torch.bool)
    if masks.dtype != torch.bool or tuple(masks.shape) != wanted:
        raise InputError(f"downsampling masks must be bool {wanted}, got {masks.dtype} {tuple(masks.shape)}")
    return masks


def _allowed(spans: set[int], factor: int) -> str:
    """Region sizes that divide every window, in words."""
    sizes = [r for r in range(factor, min(spans) + 1, factor) if all(span % r == 0 for span in spans)]
    return f"regions of {' or '.join(map(str, sizes))} patches" if sizes else "no region size does"
