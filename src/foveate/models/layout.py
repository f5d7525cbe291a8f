"""Where each token of a mixed-resolution frame lies, and how windows turn into a regular map again.

Tokens are kept as `(windows, w * w, C)`: a low-resolution region of `r = w * d` patches is exactly one window,
a full-resolution region is d x d windows (ViTMAlis, section III-A). A frame's windows stand together, those of
full resolution first, both in raster order of regions. Windows without a single real token are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.core import Mask, RegionGrid
from foveate.core.regions import ceil_div

Index = NDArray[np.int64]

CPU_CHUNK = 24
"""About how many windows a block takes at a time on a CPU: their activations stay in cache (docs/log.md)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameLayout:
    """Token positions of one frame with one downsampling mask."""

    grid: RegionGrid
    full_regions: Index
    """Raster numbers of the regions at full resolution."""
    low_regions: Index
    """Raster numbers of the downsampled regions."""
    kept_windows: Index
    """Which of the `len(full_regions) * d * d` full windows hold a real token."""
    row: Index
    """`(windows, w * w)`: uppermost patch row that the token covers."""
    column: Index
    """`(windows, w * w)`: leftmost patch column that the token covers."""
    scale: Index
    """`(windows,)`: patches that a token of the window covers along each axis, 1 or d."""

    @property
    def windows(self) -> int:
        """How many windows the frame has."""
        return len(self.scale)

    @property
    def full_windows(self) -> int:
        """How many of them are of full resolution; these come first."""
        return len(self.kept_windows)

    @cached_property
    def real(self) -> NDArray[np.bool_]:
        """`(windows, w * w)`: tokens that cover at least one patch of the frame."""
        rows, columns = self.grid.patches
        return (self.row < rows) & (self.column < columns)

    @cached_property
    def real_tokens(self) -> int:
        """How many of them there are."""
        return int(self.real.sum())

    def spans(self, axis: int) -> tuple[Index, Index]:
        """First patch and number of real patches of each real token along an axis: two `(n,)` arrays."""
        start = (self.row, self.column)[axis][self.real]
        length = np.broadcast_to(self.scale[:, None], self.row.shape)[self.real]
        return start, np.minimum(length, self.grid.patches[axis] - start)

    def low_extents(self) -> Index:
        """`(n_low, 2)`: real rows and columns of tokens in each low-resolution window."""
        origin = _region_origins(self.grid, self.low_regions)
        covered = np.minimum(self.grid.region_size, np.array(self.grid.patches) - origin)
        return -(-covered // self.grid.downsampling_factor)


def frame_layout(grid: RegionGrid, mask: Mask | None = None) -> FrameLayout:
    """The layout of a frame; raises `InputError` if the mask does not fit the grid."""
    return _cached_layout(grid, grid.check_mask(mask).tobytes())


@lru_cache(maxsize=512)
def _cached_layout(grid: RegionGrid, mask_bytes: bytes) -> FrameLayout:
    mask = np.array(list(mask_bytes), np.bool_)  # torch.compile cannot look into a buffer
    full_regions, low_regions = np.flatnonzero(~mask), np.flatnonzero(mask)
    w, d = grid.window_size, grid.downsampling_factor
    origins = _region_origins(grid, full_regions)[:, None] + _child_origins(w, d)[None]
    origins = origins.reshape(-1, 2)
    kept = np.flatnonzero((origins < np.array(grid.patches)).all(axis=1))
    starts = np.concatenate([origins[kept], _region_origins(grid, low_regions)])
    scale = np.repeat([1, d], [len(kept), len(low_regions)])
    step = np.stack(np.divmod(np.arange(w * w), w), axis=1)
    tokens = starts[:, None] + scale[:, None, None] * step[None]
    return FrameLayout(
        grid=grid,
        full_regions=full_regions,
        low_regions=low_regions,
        kept_windows=kept,
        row=tokens[..., 0],
        column=tokens[..., 1],
        scale=scale,
    )


@lru_cache(maxsize=1024)
def index_on(layout: FrameLayout, name: str, torch_device: torch.device) -> Tensor:
    """One of the layout's index arrays as a tensor, kept: copying from host memory would wait for the device."""
    return upload(getattr(layout, name), torch_device)


def upload(values: NDArray[np.generic], torch_device: torch.device) -> Tensor:
    """An array as a tensor there, without waiting for the device; made so that it can take part in training."""
    with torch.inference_mode(False):  # noqa: FBT003 - torch.compile knows no keyword
        here = torch.from_numpy(np.ascontiguousarray(values))
        pinned = here.pin_memory() if torch_device.type == "cuda" else here
        return pinned.to(torch_device, non_blocking=True)


def _region_origins(grid: RegionGrid, regions: Index) -> Index:
    columns = grid.shape[1]
    return np.stack([regions // columns, regions % columns], axis=1) * grid.region_size


def _child_origins(window_size: int, factor: int) -> Index:
    """Offsets `(d * d, 2)` of the windows inside a region, patches."""
    return np.stack(np.divmod(np.arange(factor * factor), factor), axis=1) * window_size


@dataclass(frozen=True, kw_only=True, eq=False)
class LayoutRun:
    """Consecutive frames of one layout: what is done alike to each is one operation on `(frames, windows, ...)`."""

    layout: FrameLayout
    frames: slice
    """Which frames of the batch."""

    @property
    def count(self) -> int:
        """How many frames."""
        return int(self.frames.stop - self.frames.start)

    @property
    def windows(self) -> int:
        """How many windows all of them have."""
        return self.count * self.layout.windows


def layout_runs(frames: Sequence[FrameLayout], marks: Sequence[bool] | None = None) -> list[LayoutRun]:
    """Neighbours of one layout together; with `marks`, one per frame, only where these are equal too."""
    keys = list(zip(frames, [False] * len(frames) if marks is None else marks, strict=True))
    cuts = [i for i in range(1, len(keys)) if keys[i] != keys[i - 1]]
    return [
        LayoutRun(layout=frames[first], frames=slice(first, last))
        for first, last in zip([0, *cuts], [*cuts, len(keys)], strict=True)
    ]


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameGroup:
    """Consecutive frames of a batch that have equally many real tokens: global attention runs on all at once."""

    layouts: tuple[FrameLayout, ...]
    rows: slice
    """Their real tokens among those of the batch."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowChunk:
    """Windows that a block takes at a time."""

    windows: slice
    """Which windows of the batch."""
    rows: slice
    """Their real tokens among those of the batch."""
    real: Tensor | None
    """Indices of the real tokens among the chunk's, or None if all are real."""
    padding: Tensor | None
    """Indices of the other tokens, those beyond their frames, or None."""

    def take_real(self, tokens: Tensor) -> Tensor:
        """The real ones of the chunk's tokens: `(windows, w * w, C)` -> `(n, C)`."""
        flat = tokens.flatten(0, 1)
        return flat if self.real is None else flat.index_select(0, self.real)

    def spread_real(self, values: Tensor) -> Tensor:
        """The inverse of `take_real` for a differentiable result, 0 beyond the frames: `(n, C)` -> `(tokens, C)`."""
        if self.real is None or self.padding is None:
            return values
        flat = values.new_zeros(len(self.real) + len(self.padding), values.shape[1])
        return flat.index_copy(0, self.real, values)

    def add_real(self, tokens: Tensor, values: Tensor) -> None:
        """Add `(n, C)` to the real ones of the chunk's tokens, in place."""
        if self.real is None:
            tokens += values.view_as(tokens)
        else:
            tokens.view(-1, tokens.shape[-1]).index_add_(0, self.real, values)


class BatchLayout:
    """Layouts of several frames, their windows one after the other. Equal or different grids and masks."""

    def __init__(self, frames: list[FrameLayout], torch_device: torch.device) -> None:
        self.frames = frames
        self.torch_device = torch_device
        self.offsets = np.concatenate([[0], np.cumsum([f.windows for f in frames])]).astype(int)
        """First window of each frame, and one past the last of all."""
        self.runs = layout_runs(frames)
        real = np.concatenate([f.real for f in frames])
        self._row = np.concatenate([[0], np.cumsum(real.sum(axis=1))])
        self._real = real
        self._parts = _chunk_count(len(real)) if torch_device.type == "cpu" else 1
        self.groups = [self._group(a, b) for a, b in self._equal_runs()]

    @cached_property
    def whole(self) -> WindowChunk:
        """All windows at once."""
        return self._chunk(slice(0, len(self._real)), self._real)

    @cached_property
    def chunks(self) -> list[WindowChunk]:
        """The windows in parts, as many as suit the device."""
        count, real = len(self._real), self._real
        step = max(1, ceil_div(count, self._parts))
        return [self._chunk(slice(i, min(i + step, count)), real) for i in range(0, count, step)]

    def _chunk(self, windows: slice, real: NDArray[np.bool_]) -> WindowChunk:
        inside, whole = real[windows].reshape(-1), bool(real[windows].all())
        return WindowChunk(
            windows=windows,
            rows=self._rows(windows.start, windows.stop),
            real=None if whole else self._tensor(np.flatnonzero(inside)),
            padding=None if whole else self._tensor(np.flatnonzero(~inside)),
        )

    def _rows(self, first: int, last: int) -> slice:
        """Real tokens of the windows `first` to `last`, among those of the batch."""
        return slice(int(self._row[first]), int(self._row[last]))

    def _tensor(self, index: Index) -> Tensor:
        return upload(index, self.torch_device)

    def _equal_runs(self) -> list[tuple[int, int]]:
        keys = [(f.windows, f.real_tokens, f.grid) for f in self.frames]
        cuts = [i for i in range(1, len(keys)) if keys[i] != keys[i - 1]]
        return list(zip([0, *cuts], [*cuts, len(keys)], strict=True))

    def _group(self, first: int, last: int) -> FrameGroup:
        rows = self._rows(int(self.offsets[first]), int(self.offsets[last]))
        return FrameGroup(layouts=tuple(self.frames[first:last]), rows=rows)


def batch_layout(frames: list[FrameLayout], torch_device: torch.device) -> BatchLayout:
    """The layout of a batch, kept while the same frames come again."""
    return _cached_batch(tuple(frames), torch_device, torch.get_num_threads())


@lru_cache(maxsize=64)
def _cached_batch(frames: tuple[FrameLayout, ...], torch_device: torch.device, _threads: int) -> BatchLayout:
    return BatchLayout(list(frames), torch_device)


def _chunk_count(windows: int) -> int:
    """Chunks of about `CPU_CHUNK` windows, as many for each thread."""
    threads = torch.get_num_threads()
    return threads * max(1, round(windows / (threads * CPU_CHUNK)))


@lru_cache(maxsize=64)
def map_index(grid: RegionGrid) -> Index:
    """For each patch in raster order, its token's place in the windows of the full layout: `(patches,)`."""
    layout = frame_layout(grid)
    columns = grid.patches[1]
    index = np.empty(grid.patches[0] * columns, np.int64)
    real = layout.real
    index[layout.row[real] * columns + layout.column[real]] = np.flatnonzero(real)
    return index
