"""A plain ViT in the ViTDet form that takes frames of mixed resolution (ViTMAlis, section III).

    images, masks, restoration points
      -> tiles -> tokens (windows, w * w, C) -> N subsets of (M - 1 window blocks, 1 global block) -> map (B, C, h, w)

A frame with restoration point k joins full resolution inside subset k, after its last window block and before its
global block; with 0, its pixels are restored before the first block. No parameter is added to the plain model.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from foveate.core import InputError, RegionGrid
from foveate.models.block import Block, ScoreReader, casts
from foveate.models.config_checks import check_count
from foveate.models.cuda_graphs import Graphs
from foveate.models.cuda_pass import run_fused, runs_fused
from foveate.models.embed import ConvolutionalStem, LinearEmbedding
from foveate.models.layout import (
    BatchLayout,
    FrameLayout,
    LayoutRun,
    batch_layout,
    frame_layout,
    index_on,
    layout_runs,
    map_index,
)
from foveate.models.mixed_frames import check_points
from foveate.models.pixels import blank_beyond, check_images, degrade_regions, select_tiles
from foveate.models.positions import raster_positions, stretched_positions, tiled_positions, token_positions
from foveate.models.restore import restore_windows
from foveate.models.weight_state import WeightKey

_COUNTS = ("dim", "depth", "heads", "subsets", "patch_size", "window_size", "downsampling_factor", "position_size")
_CHOICES = {
    "stem": ("linear", "convolutional"),
    "positions": ("stretched", "tiled", "none"),
    "window_table": ("interpolate", "cut"),
}

KEPT_CODES_BYTES = 2**28
"""Position codes of masks and sizes that a backbone keeps for frames to come; one mask of a ViT-L at 4K takes half."""


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
        self._check_counts()
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise InputError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")
        if self.depth % self.subsets:
            raise InputError(f"depth must be a multiple of subsets ({self.subsets}), got {self.depth}")
        if self.dim % self.heads:
            raise InputError(f"dim must be a multiple of heads ({self.heads}), got {self.dim}")
        if self.stem == "convolutional":
            self._check_stem()

    def _check_counts(self) -> None:
        given = {name: getattr(self, name) for name in _COUNTS}
        if self.relative_size is not None:
            given["relative_size rows"], given["relative_size columns"] = self.relative_size
        if self.window_table_size is not None:
            given["window_table_size"] = self.window_table_size
        for name, value in given.items():
            check_count(name, value, 1)
        if not 1 <= self.mlp_ratio * self.dim < math.inf:
            raise InputError(f"mlp_ratio must give a hidden layer of at least 1, got {self.mlp_ratio}")

    def _check_stem(self) -> None:
        """Its convolutions halve a patch down to one token and double their channels up to dim."""
        patch = self.patch_size
        if patch < 2 or patch & (patch - 1):
            raise InputError(f"a convolutional stem needs a power of two above 1 as patch size, got {patch}")
        if 2 * self.dim < patch:
            raise InputError(f"a convolutional stem down to {patch} pixels needs a dim of {patch // 2}, got {self.dim}")

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
        self.graphs = Graphs()
        """Passes on CUDA that are replayed."""

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
        wrong types, shapes or ranges.
        """
        check_images(images)
        _check_dtype(images, self.embed.projection.weight.dtype)
        grid = self.config.grid(images.shape[2], images.shape[3])
        given = [0] * len(images) if restoration_points is None else restoration_points
        points = check_points(given, len(images), self.config.subsets + 1)
        masks = _check_masks(downsampling_masks, grid, len(images))
        masks, early = masks.cpu(), (torch.tensor(points) == 0)[:, None, None]
        images = degrade_regions(images, grid, masks & early)
        layouts = [frame_layout(grid, mask) for mask in (masks & ~early).numpy()]
        full, low = select_tiles(images, grid, layouts)
        return _joined(self._run_maps(full, low, layouts, points))

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
        in raster order; they are overwritten beyond the frame unless they want gradients. A frame with low regions
        needs a point of 1..N + 1.
        `readers`: by subset 1..N, who is shown the attention of its global block.
        """
        return [one for maps in self._run_maps(full, low, layouts, points, readers) for one in torch.split(maps, 1)]

    def _run_maps(
        self,
        full: Tensor,
        low: Tensor,
        layouts: list[FrameLayout],
        points: Sequence[int],
        readers: Mapping[int, ScoreReader] | None = None,
    ) -> list[Tensor]:
        """`forward_tiles`, one map `(frames, C, h, w)` for neighbours of one layout."""
        if not readers and runs_fused(self, full, layouts):
            return run_fused(self, full, low, layouts, points)
        batch = batch_layout(layouts, full.device)
        if torch.is_grad_enabled() and (full.requires_grad or low.requires_grad):
            full, low = full.clone(), low.clone()
        blank_beyond(full, low, batch)
        tokens = self._embed(full, low, batch)
        per_subset = self.config.depth // self.config.subsets
        for subset in range(1, self.config.subsets + 1):
            blocks = self.blocks[(subset - 1) * per_subset : subset * per_subset]
            for block in blocks[:-1]:
                tokens = block(tokens, batch)
            tokens, batch = _restore(tokens, batch, [p == subset for p in points])
            tokens = blocks[-1](tokens, batch, (readers or {}).get(subset))
        tokens, batch = _restore(tokens, batch, [p > self.config.subsets for p in points])
        return _maps(tokens, batch)

    def _embed(self, full: Tensor, low: Tensor, batch: BatchLayout) -> Tensor:
        """Pixels of tiles to position-coded tokens `(windows, w * w, C)`, frame by frame."""
        config, parts = self.config, []
        w, d, dim = config.window_size, config.downsampling_factor, config.dim
        fine = self.embed(full).reshape(-1, d, w, d, w, dim).transpose(2, 3).reshape(-1, d * d, w * w, dim)
        coarse = self.embed(low).reshape(-1, w * w, dim) if len(low) else fine.new_zeros(0, w * w, dim)
        fine_parts = torch.split(fine, [run.count * len(run.layout.full_regions) for run in batch.runs])
        coarse_parts = torch.split(coarse, [run.count * len(run.layout.low_regions) for run in batch.runs])
        for run, full_windows, low_windows in zip(batch.runs, fine_parts, coarse_parts, strict=True):
            tokens = _join_windows(full_windows, low_windows, run)
            parts.append((tokens if self.positions is None else tokens + self._codes(run.layout)).flatten(0, 1))
        return _joined(parts).contiguous()

    def _codes(self, layout: FrameLayout) -> Tensor:
        """Absolute position codes of a frame's tokens; kept between frames when no gradient is wanted."""
        table = self.positions
        assert table is not None
        if torch.is_grad_enabled() or table.is_inference():
            return self._make_codes(table, layout)
        return self._kept_codes(layout, lambda: self._make_codes(table, layout))

    def raster_codes(self, grids: tuple[RegionGrid, ...]) -> Tensor | None:
        """Absolute position codes of the patches of each grid, then of its low tokens, in raster order: `(n, C)`."""
        table = self.positions
        if table is None:
            return None
        spread = tiled_positions if self.config.positions == "tiled" else stretched_positions

        def make() -> Tensor:
            return torch.cat([raster_positions(spread(table, grid), grid) for grid in grids])

        return make() if table.is_inference() else self._kept_codes(grids, make)

    def _make_codes(self, table: Tensor, layout: FrameLayout) -> Tensor:
        spread = tiled_positions if self.config.positions == "tiled" else stretched_positions
        if torch.is_grad_enabled() or table.is_inference():
            return token_positions(spread(table, layout.grid), layout)
        return token_positions(self._kept_codes(layout.grid, lambda: spread(table, layout.grid)), layout)

    def _kept_codes(self, of: object, make: Callable[[], Tensor]) -> Tensor:
        """What `make` makes of the table for a layout or a grid, kept until the table changes."""
        table = self.positions
        assert table is not None
        key = (of, WeightKey.of(table), table.dtype, table.device)
        codes = self._position_cache.get(key)
        if codes is None:
            codes = make()
            kept = sum(one.nbytes for one in list(self._position_cache.values()))
            if len(self._position_cache) > 32 or kept + codes.nbytes > KEPT_CODES_BYTES:
                self._position_cache.clear()  # perhaps while another thread looks
            self._position_cache[key] = codes
        return codes


def _check_dtype(images: Tensor, wanted: torch.dtype) -> None:
    if images.dtype != wanted and not casts(images.device.type):
        raise InputError(f"images must be {wanted} like the weights, got {images.dtype}")


def _check_masks(masks: Tensor | None, grid: RegionGrid, count: int) -> Tensor:
    wanted = (count, *grid.shape)
    if masks is None:
        return torch.zeros(wanted, dtype=torch.bool)
    if masks.dtype != torch.bool or tuple(masks.shape) != wanted:
        raise InputError(f"downsampling_masks must be bool {wanted}, got {masks.dtype} {tuple(masks.shape)}")
    return masks


def _join_windows(full: Tensor, low: Tensor, run: LayoutRun) -> Tensor:
    """Windows `(full regions, d * d, w * w, C)` and `(low regions, w * w, C)` of alike frames, joined frame by frame.

    `(frames, windows, w * w, C)`; windows without a real token are left out.
    """
    layout, (area, dim) = run.layout, full.shape[2:]
    windows = full.reshape(run.count, len(layout.full_regions) * full.shape[1], area, dim)
    if layout.full_windows < windows.shape[1]:
        windows = windows.index_select(1, index_on(layout, "kept_windows", windows.device))
    if not len(low):
        return windows
    coarse = low.reshape(run.count, len(layout.low_regions), area, dim)
    return torch.cat([windows, coarse], dim=1) if windows.shape[1] else coarse


def _restore(tokens: Tensor, batch: BatchLayout, due: list[bool]) -> tuple[Tensor, BatchLayout]:
    """Bring the frames that are due to full resolution."""
    due = [now and len(layout.low_regions) > 0 for now, layout in zip(due, batch.frames, strict=True)]
    if not any(due):
        return tokens, batch
    runs = layout_runs(batch.frames, due)
    parts = []
    for part, run in zip(torch.split(tokens, [run.windows for run in runs]), runs, strict=True):
        now = due[run.frames.start]
        parts.append(
            restore_windows(part.view(run.count, -1, *part.shape[1:]), run.layout).flatten(0, 1) if now else part
        )
    layouts = [frame_layout(layout.grid) if now else layout for now, layout in zip(due, batch.frames, strict=True)]
    return _joined(parts), batch_layout(layouts, batch.torch_device)


def _maps(tokens: Tensor, batch: BatchLayout) -> list[Tensor]:
    """Windows of full layouts -> one map `(frames, C, rows, columns)` per run of frames, channels last in memory."""
    maps = []
    # Splitting joins the gradients once; slices would each make zeros for the whole batch.
    parts = torch.split(tokens, [run.windows for run in batch.runs])
    for part, run in zip(parts, batch.runs, strict=True):
        index = torch.from_numpy(map_index(run.layout.grid)).to(tokens.device)
        flat = part.reshape(run.count, -1, part.shape[-1])
        maps.append(flat.index_select(1, index).reshape(run.count, *run.layout.grid.patches, -1).permute(0, 3, 1, 2))
    return maps


def _joined(parts: list[Tensor]) -> Tensor:
    """Parts one after the other, without a copy where there is one."""
    return parts[0] if len(parts) == 1 else torch.cat(parts)
