"""Where the tokens of a batch lie, as the tables that the CUDA path looks things up in.

The CUDA path keeps the real tokens alone, `(n, C)`, frame by frame and in the order of their windows.
"""

import itertools
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.models.cuda_keys import (
    PLAIN,
    FrameLaunch,
    Rows,
    banded_blocks,
    cell_blocks,
    key_codes,
    plain_blocks,
    query_spans,
)
from foveate.models.layout import BatchLayout, FrameLayout, map_index


@lru_cache(maxsize=256)
def window_places(layout: FrameLayout) -> Rows:
    """`(windows * w * w,)`: number of each real token, -1 for the others."""
    real = layout.real.reshape(-1)
    return np.where(real, np.cumsum(real) - 1, -1).astype(np.int32)


@lru_cache(maxsize=64)
def map_places(layout: FrameLayout, torch_device: torch.device) -> Tensor:
    """Number of the token of each patch of a full layout, raster order."""
    with torch.inference_mode(mode=False):
        return torch.from_numpy(window_places(layout)[map_index(layout.grid)].astype(np.int64)).to(torch_device)


class BatchTables:
    """Tables of a batch on its device. With `launch`, what relative positions need too; then frames are one size."""

    def __init__(self, batch: BatchLayout, launch: FrameLaunch | None) -> None:
        self.frames, self.torch_device, self.launch = batch.frames, batch.torch_device, launch
        frames = batch.frames
        starts = np.cumsum([0, *(layout.real_tokens for layout in frames)])
        self.starts = [int(start) for start in starts]
        self.tokens = self.starts[-1]
        self.spans = max(int(layout.scale.max()) for layout in frames)
        real = np.concatenate([layout.real.reshape(-1) for layout in frames])
        values: dict[str, NDArray[np.generic]] = {
            "places": _numbered([window_places(layout) for layout in frames], starts),
            "real": np.flatnonzero(real),
            **self._keys(starts),
        }
        if launch is not None:
            w = frames[0].grid.window_size
            values["query_spans"] = np.concatenate([query_spans(layout) for layout in frames])
            values["window_spans"] = _window_spans(frames, w)
            values["window_codes"] = _window_codes(w)
            values["window_pieces"] = _pieces(starts[[0, -1]])
            values["pieces"] = _pieces(starts)
        found = dict(zip(values, on_device(list(values.values()), batch.torch_device), strict=True))
        self.places, self.real, self.key, self.blocks = (found[name] for name in ("places", "real", "key", "blocks"))
        """Row of each place in a window, -1 for none; places that are real; token of each key; what a program does."""
        self.parts = found
        """All tables by name."""

    def _keys(self, starts: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
        """Blocks of keys, as the kernel for frames takes them."""
        launch, frames = self.launch or PLAIN, self.frames
        if self.launch is None or launch.cell is None:
            bands = [(plain_blocks if self.launch is None else banded_blocks)(layout) for layout in frames]
            counts = [len(part.slots) for part in bands]
            key = _numbered([part.key for part in bands], starts)
            values: dict[str, NDArray[np.generic]] = {
                "barred": np.where(key < 0, -np.inf, 0).astype(np.float32),
                "slots": np.concatenate([part.slots for part in bands]),
                "picked_row": np.concatenate([part.picked_row for part in bands]),
                "picked_column": np.concatenate([part.picked_column for part in bands]),
            }
            if self.launch is not None:
                values["key_codes"] = np.stack([key_codes(layout) for layout in frames])
        else:
            cells = [cell_blocks(layout, launch.cell) for layout in frames]
            counts = [len(part.groups) for part in cells]
            key = _numbered([part.key for part in cells], starts)
            most = max(len(part.codes) for part in cells)
            codes = np.zeros((len(cells), most, 4), np.int32)
            for table, part in zip(codes, cells, strict=True):
                table[: len(part.codes)] = part.codes
            values = {"groups": np.concatenate([part.groups for part in cells]), "key_codes": codes}
        return values | {"key": np.maximum(key, 0), "blocks": _query_blocks(starts, counts, launch.queries)}


def on_device(values: list[NDArray[np.generic]], torch_device: torch.device) -> list[Tensor]:
    """Arrays as tensors there, integers as int32, in one transfer that waits for nothing; each starts at 16 bytes."""
    whole = [np.ascontiguousarray(v, np.float32 if v.dtype.kind == "f" else np.int32) for v in values]
    ends = np.cumsum([-(-v.size // 4) * 4 for v in whole]).tolist()
    with torch.inference_mode(mode=False):
        packed = torch.empty(ends[-1], dtype=torch.int32, pin_memory=torch_device.type == "cuda")
        flat = packed.numpy()
        for start, v in zip([0, *ends], whole, strict=False):
            flat[start : start + v.size] = v.reshape(-1).view(np.int32)
        there = packed.to(torch_device, non_blocking=True)
        return [
            there[start : start + v.size].view(torch.float32 if v.dtype.kind == "f" else torch.int32).view(v.shape)
            for start, v in zip([0, *ends], whole, strict=False)
        ]


PIECE = 16
"""Tokens that a program of `gather_codes` takes."""


def _pieces(starts: NDArray[np.int64]) -> Rows:
    """`(n, 3)`: first token, one past the last of its frame, and frame."""
    parts = [
        np.stack(np.broadcast_arrays(np.arange(start, stop, PIECE), stop, number), axis=1)
        for number, (start, stop) in enumerate(itertools.pairwise(starts))
    ]
    return np.concatenate(parts).astype(np.int32)


def _numbered(parts: list[Rows], starts: NDArray[np.int64]) -> Rows:
    """Numbers within frames -> numbers within the batch; -1 stays."""
    joined = [np.where(part < 0, -1, part + start) for part, start in zip(parts, starts[:-1], strict=True)]
    return np.concatenate(joined).astype(np.int32)


def _query_blocks(starts: NDArray[np.int64], key_blocks: list[int], queries: int) -> Rows:
    first_keys = np.cumsum([0, *key_blocks])
    blocks = [
        (query, stop, first, count)
        for start, stop, first, count in zip(starts[:-1], starts[1:], first_keys[:-1], key_blocks, strict=True)
        for query in range(int(start), int(stop), queries)
    ]
    return np.array(blocks, np.int32)


def _window_spans(frames: list[FrameLayout], w: int) -> Rows:
    """`query_spans` inside windows, which are blind to scale."""
    token = np.concatenate([np.nonzero(layout.real)[1] for layout in frames])
    one = np.ones_like(token)
    return np.stack([token // w, one, token % w, one], axis=1).astype(np.int32)


def _window_codes(w: int) -> Rows:
    """`key_codes` of the rows and columns of a window."""
    place, one = np.arange(w), np.ones(w, int)
    axes = [np.stack([place, one, one * (axis * (2 * w - 1) + w - 1), one * axis], axis=1) for axis in (0, 1)]
    return np.concatenate(axes).astype(np.int32)


def batch_tables(batch: BatchLayout, launch: FrameLaunch | None) -> BatchTables:
    """The tables of a batch, kept while the same frames come again."""
    return _cached_tables(batch, launch)


@lru_cache(maxsize=64)
def _cached_tables(batch: BatchLayout, launch: FrameLaunch | None) -> BatchTables:
    return BatchTables(batch, launch)
