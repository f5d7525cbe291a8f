"""A plain ViT in the ViTDet form that takes frames of mixed resolution (ViTMAlis, section III).

    images, masks, restoration points
      -> tiles -> tokens (windows, w * w, C) -> N subsets of (M - 1 window blocks, 1 global block) -> map (B, C, h, w)

A frame with restoration point k joins full resolution inside subset k, after its last window block and before its
global block; with 0, its pixels are restored before the first block. No parameter is added to the plain model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from foveate.core import InputError, RegionGrid
from foveate.models.block import Block, ScoreReader
from foveate.models.embed import ConvolutionalStem, LinearEmbedding
from foveate.models.layout import BatchLayout, FrameLayout, batch_layout, frame_layout
from foveate.models.mixed_frames import check_points
from foveate.models.pixels import blank_beyond, check_images, degrade_regions, select_tiles
from foveate.models.positions import stretched_positions, tiled_positions, token_positions
from foveate.models.restore import restore_windows


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """Shape of a backbone. Raises `InputError` where the numbers do not fit one another."""

    dim: int
    """C: width of a token."""
    depth: int
    """Number of blocks, a multiple of `subsets`."""
    heads: int
    subsets: int = 4
    """N: each ends in a global block; also the largest restoration point."""
    patch_size: int = 16
    window_size: int = 9
    """w: side of an attention window, tokens."""
    downsampling_factor: int = 2
    """d: a region is w * d patches wide."""
    mlp_ratio: float = 4.0
    stem: Literal["linear", "convolutional"] = "linear"
    positions: Literal["stretched", "tiled", "none"] = "stretched"
    """Absolute positions: one table stretched over the frame, one table repeated per region, or none."""
    position_size: int = 14
    """Side of the stretched table, patches (published models: 14, from 224 pixels)."""
    relative_size: tuple[int, int] | None = None
    """Rows and columns of the relative tables of global blocks; None = no relative positions anywhere."""
    window_table: Literal["interpolate", "cut"] = "interpolate"
    """How relative tables of window blocks that were made for a larger window are used."""
    window_table_size: int | None = None
    """Window that the tables were made for; None = `window_size`."""

    def __post_init__(self) -> None:
        if self.depth % self.subsets:
            raise InputError(f"depth must be a multiple of subsets ({self.subsets}), got {self.depth}")
        if self.dim % self.heads:
            raise InputError(f"dim must be a multiple of heads ({self.heads}), got {self.dim}")
        if self.stem == "convolutional" and self.patch_size & (self.patch_size - 1):
            raise InputError(f"a convolutional stem needs a power of two as patch size, got {self.patch_size}")
        for name, known in (("stem", ("linear", "convolutional")), ("positions", ("stretched", "tiled", "none"))):
            if getattr(self, name) not in known:
                raise InputError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")

    def grid(self, height: int, width: int) -> RegionGrid:
        """Decision regions of a frame of `height x width` pixels."""
        return RegionGrid(
            height=height,
            width=width,
            patch_size=self.patch_size,
            window_size=self.window_size,
            downsampling_factor=self.downsampling_factor,
        )


class Backbone(nn.Module):
    """The mixed-resolution plain ViT. Usable alone on any image tensor."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.config = config
        embedding = LinearEmbedding if config.stem == "linear" else ConvolutionalStem
        self.embed = embedding(config.dim, config.patch_size)
        self.positions = self._position_table()
        self.blocks = nn.ModuleList(self._block(i) for i in range(config.depth))
        self._position_cache: dict[tuple[object, ...], Tensor] = {}

    def _position_table(self) -> nn.Parameter | None:
        config = self.config
        sizes = {"stretched": config.position_size, "tiled": config.window_size * config.downsampling_factor}
        if config.positions not in sizes:
            return None
        side = sizes[config.positions]
        table = nn.Parameter(torch.zeros(1, side, side, config.dim))
        return nn.init.trunc_normal_(table, std=0.02)  # type: ignore[return-value]

    def _block(self, index: int) -> Block:
        config = self.config
        is_global = (index + 1) % (config.depth // config.subsets) == 0
        window = config.window_table_size or config.window_size
        size = config.relative_size if is_global else (window, window)
        return Block(
            config.dim,
            config.heads,
            config.mlp_ratio,
            is_global=is_global,
            window_size=config.window_size,
            relative_size=size if config.relative_size else None,
            window_table=config.window_table,
        )

    def forward(
        self,
        images: Tensor,
        downsampling_masks: Tensor | None = None,
        restoration_points: Sequence[int] | None = None,
    ) -> Tensor:
        """Normalised `images` `(B, 3, H, W)`, 0 = mean colour -> feature map `(B, C, ceil(H / p), ceil(W / p))`.

        `downsampling_masks`: bool `(B, regions_h, regions_w)`, True = low resolution; None = full resolution.
        `restoration_points`: one of 0..N per image, or N + 1: after the last block; None = 0. Raises `InputError` on
        wrong shapes or ranges.
        """
        check_images(images)
        grid = self.config.grid(images.shape[2], images.shape[3])
        given = [0] * len(images) if restoration_points is None else restoration_points
        points = check_points(given, len(images), self.config.subsets + 1)
        layouts = [frame_layout(grid)] * len(images)
        if downsampling_masks is not None:
            masks = _check_masks(downsampling_masks, grid, len(images))
            early = torch.tensor(points, device=masks.device) == 0
            images = degrade_regions(images, grid, (masks & early[:, None, None]).to(images.device))
            left = (masks & ~early[:, None, None]).cpu().numpy()
            layouts = [frame_layout(grid, mask) for mask in left]
        full, low = select_tiles(images, grid, layouts)
        maps = self._forward_runs(full, low, layouts, points, {})
        return maps[0] if len(maps) == 1 else torch.cat(maps)

    def forward_tiles(
        self,
        full: Tensor,
        low: Tensor,
        layouts: list[FrameLayout],
        points: Sequence[int],
        readers: Mapping[int, ScoreReader] | None = None,
    ) -> list[Tensor]:
        """Tiles of a batch -> one feature map `(1, C, h, w)` per frame; frames may differ in size.

        `full` `(n_full, 3, s, s)` and `low` `(n_low, 3, s / d, s / d)` hold normalised pixels, frame by frame and
        in raster order; they are overwritten beyond the frame. A frame with low regions needs a point of 1..N + 1.
        `readers`: by subset 1..N, who is shown the attention of its global block.
        """
        maps = self._forward_runs(full, low, layouts, points, readers or {})
        return [one for run in maps for one in torch.split(run, 1)]

    def _forward_runs(
        self,
        full: Tensor,
        low: Tensor,
        layouts: list[FrameLayout],
        points: Sequence[int],
        readers: Mapping[int, ScoreReader],
    ) -> list[Tensor]:
        """As `forward_tiles`, but one map `(frames, C, h, w)` for each run of frames that end in one layout."""
        batch = batch_layout(layouts, full.device)
        blank_beyond(full, low, batch)
        tokens = self._embed(full, low, batch)
        per_subset = self.config.depth // self.config.subsets
        for subset in range(1, self.config.subsets + 1):
            blocks = self.blocks[(subset - 1) * per_subset : subset * per_subset]
            for block in blocks[:-1]:
                tokens = block(tokens, batch)
            tokens, batch = _restore(tokens, batch, [p == subset for p in points])
            tokens = blocks[-1](tokens, batch, readers.get(subset))
        tokens, batch = _restore(tokens, batch, [p > self.config.subsets for p in points])
        return _maps(tokens, batch)

    def _embed(self, full: Tensor, low: Tensor, batch: BatchLayout) -> Tensor:
        """Pixels of tiles to position-coded tokens `(windows, w * w, C)`, frame by frame."""
        config, parts = self.config, []
        w, d, dim = config.window_size, config.downsampling_factor, config.dim
        fine = self.embed(full).reshape(-1, d, w, d, w, dim).transpose(2, 3).reshape(-1, d * d, w * w, dim)
        coarse = self.embed(low).reshape(-1, w * w, dim) if len(low) else fine.new_zeros(0, w * w, dim)
        fine_parts = torch.split(fine, [n * len(layout.full_regions) for layout, n in batch.runs])
        coarse_parts = torch.split(coarse, [n * len(layout.low_regions) for layout, n in batch.runs])
        for (layout, count), full_windows, low_windows in zip(batch.runs, fine_parts, coarse_parts, strict=True):
            windows = _joined(full_windows, low_windows, layout, count)
            parts.append((windows if self.positions is None else windows + self._codes(layout)).flatten(0, 1))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _codes(self, layout: FrameLayout) -> Tensor:
        """Absolute position codes of a frame's tokens; kept between frames when no gradient is wanted."""
        table = self.positions
        assert table is not None
        if torch.is_grad_enabled() or table.is_inference():
            return self._make_codes(table, layout)
        # Torch counts in-place changes of a tensor, so that codes of older weights are never used.
        key = (layout, table.data_ptr(), table._version, table.dtype, table.device)  # noqa: SLF001
        codes = self._position_cache.get(key)
        if codes is None:
            if len(self._position_cache) > 32:
                self._position_cache.clear()  # perhaps while another thread looks
            codes = self._position_cache[key] = self._make_codes(table, layout)
        return codes

    def _make_codes(self, table: Tensor, layout: FrameLayout) -> Tensor:
        spread = tiled_positions if self.config.positions == "tiled" else stretched_positions
        return token_positions(spread(table, layout.grid), layout)


def _check_masks(masks: Tensor, grid: RegionGrid, count: int) -> Tensor:
    wanted = (count, *grid.shape)
    if masks.dtype != torch.bool or tuple(masks.shape) != wanted:
        raise InputError(f"downsampling_masks must be bool {wanted}, got {masks.dtype} {tuple(masks.shape)}")
    return masks


def _restore(tokens: Tensor, batch: BatchLayout, due: list[bool]) -> tuple[Tensor, BatchLayout]:
    """Bring the frames that are due to full resolution."""
    if batch.is_full:
        return tokens, batch
    due = [now and len(layout.low_regions) > 0 for now, layout in zip(due, batch.frames, strict=True)]
    if not any(due):
        return tokens, batch
    parts: list[Tensor] = []
    layouts = []
    windows = torch.split(tokens, [layout.windows for layout in batch.frames])
    for part, layout, now in zip(windows, batch.frames, due, strict=True):
        parts += restore_windows(part, layout) if now else [part]
        layouts.append(frame_layout(layout.grid) if now else layout)
    return torch.cat(parts), batch_layout(layouts, batch.torch_device)


def _joined(full: Tensor, low: Tensor, layout: FrameLayout, count: int) -> Tensor:
    """Windows of `count` frames of one layout, regions `(n, d * d, w * w, C)` and `(n_low, w * w, C)`.

    Returns `(count, windows, w * w, C)`.
    """
    windows = full.reshape(count, -1, *full.shape[2:])
    if layout.full_windows < windows.shape[1]:
        windows = windows.index_select(1, layout.index("kept_windows", full.device))
    return torch.cat([windows, low.reshape(count, -1, *low.shape[1:])], dim=1) if len(low) else windows


def _maps(tokens: Tensor, batch: BatchLayout) -> list[Tensor]:
    """Windows of full layouts -> one map `(frames, C, rows, columns)` per run, channels last in memory."""
    maps = []
    # Splitting joins the gradients once; slices would each make zeros for the whole batch.
    parts = torch.split(tokens, [n * layout.windows for layout, n in batch.runs])
    for (layout, count), windows in zip(batch.runs, parts, strict=True):
        part = windows.reshape(count, -1, windows.shape[-1])
        rows, columns = layout.grid.patches
        chosen = part.index_select(1, layout.index("map", tokens.device))
        maps.append(chosen.reshape(count, rows, columns, -1).permute(0, 3, 1, 2))
    return maps
