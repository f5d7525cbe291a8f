"""Blocks of the backbone on a CUDA device, without gradients: the real tokens alone, few and fused kernels.

The result is that of `Block` up to the rounding of bf16, with the hyperbolic form of GELU (which the matrix library
adds to its product). Biases that a block adds to its tokens wait in `shift`, a vector that all tokens share: the
products add to the tokens in place, and the next normalisation adds the vector. Restoration keeps it, its weights
summing to 1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.models.block import Block
from foveate.models.cuda_keys import BANDS, CELLS, KEYS, PLAIN, FrameLaunch
from foveate.models.cuda_restore import restoration
from foveate.models.cuda_tables import PIECE, BatchTables, batch_tables, map_places
from foveate.models.layout import BatchLayout, batch_layout, frame_layout, layout_runs
from foveate.models.positions import fit_table

if TYPE_CHECKING:
    from foveate.models.backbone import Backbone

HEAD_DIM = 64
FRAME_LAUNCHES = {"cells": CELLS, "bands": BANDS}
"""Ways of attention over frames with relative positions, all measured by benchmarks/gpu.py."""
FRAME_LAUNCH = "cells"
"""The one that is used; other sizes, warps and stages were slower (docs/log.md)."""


def frame_launch(backbone: "Backbone") -> FrameLaunch | None:
    """How global blocks with relative positions are launched; None without such."""
    return None if backbone.config.relative_size is None else FRAME_LAUNCHES[FRAME_LAUNCH]


def runs_fused(backbone: "Backbone", tokens: Tensor, batch: BatchLayout) -> bool:
    """Whether these tokens can take the fused path: half precision on CUDA, heads of 64, no gradients, Triton there."""
    if tokens.device.type != "cuda" or torch.is_grad_enabled() or torch.is_autocast_enabled("cuda"):
        return False
    config = backbone.config
    fits = tokens.dtype in (torch.bfloat16, torch.float16) and config.dim == HEAD_DIM * config.heads
    alike = config.relative_size is None or len({layout.grid for layout in batch.frames}) == 1
    return fits and alike and config.window_size <= 11 and kernels() is not None  # 121 of 128 rows


def kernels() -> Any:
    """The module of kernels, or None without Triton."""
    try:
        from foveate.models import cuda_kernels  # noqa: PLC0415 - Triton may be missing
    except ImportError:
        return None
    return cuda_kernels


def run_blocks(backbone: "Backbone", tokens: Tensor, batch: BatchLayout, points: Sequence[int]) -> list[Tensor]:
    """Tokens `(windows, w * w, C)` -> one map `(frames, C, rows, columns)` per run of frames of one size."""
    subsets, tables = backbone.config.subsets, batch_tables(batch, frame_launch(backbone))
    x = tokens.flatten(0, 1).index_select(0, tables.real)
    shift = torch.zeros(backbone.config.dim, dtype=torch.float32, device=x.device)
    per_subset = backbone.config.depth // subsets
    for index, block in enumerate(backbone.blocks):
        subset, place = divmod(index, per_subset)
        if place == per_subset - 1:
            x, tables = _restored(x, tables, [point == subset + 1 for point in points])
        assert isinstance(block, Block)
        shift = FusedBlock(block).run(x, shift, tables)
    x, tables = _restored(x, tables, [point > subsets for point in points])
    return _maps(x, shift, tables)


def _restored(x: Tensor, tables: BatchTables, due: list[bool]) -> tuple[Tensor, BatchTables]:
    """Bring the frames that are due to full resolution."""
    now = tuple(d and len(layout.low_regions) > 0 for d, layout in zip(due, tables.frames, strict=True))
    if not any(now):
        return x, tables
    source, weight = restoration(tuple(tables.frames), now, x.device)
    mixed = F.embedding_bag(source, x, per_sample_weights=weight.to(x.dtype), mode="sum")
    layouts = [frame_layout(one.grid) if d else one for d, one in zip(now, tables.frames, strict=True)]
    return mixed, batch_tables(batch_layout(layouts, x.device), tables.launch)


def _maps(x: Tensor, shift: Tensor, tables: BatchTables) -> list[Tensor]:
    maps = []
    for run in layout_runs(tables.frames):
        places, first = map_places(run.layout, x.device), tables.starts[run.frames.start]
        part = x[first : tables.starts[run.frames.stop]].view(run.count, -1, x.shape[1])
        cells = part.index_select(1, places) + shift.to(x.dtype)
        maps.append(cells.view(run.count, *run.layout.grid.patches, -1).permute(0, 3, 1, 2))
    return maps


@dataclass(frozen=True)
class FusedBlock:
    """A `Block` run on real tokens."""

    block: Block

    def run(self, x: Tensor, shift: Tensor, tables: BatchTables) -> Tensor:
        """Change tokens `x` `(n, C)` in place; the shift that they now have."""
        block, attention = self.block, self.block.attention
        normed = _normalise(x, shift, block.norm1)
        qkv = torch.addmm(attention.qkv.bias, normed, attention.qkv.weight.t())
        attended = self._frames(qkv, tables) if block.is_global else self._windows(qkv, tables)
        x.addmm_(attended, attention.proj.weight.t())
        shift = shift + attention.proj.bias
        normed = _normalise(x, shift, block.norm2)
        hidden = torch._addmm_activation(block.fc1.bias, normed, block.fc1.weight.t(), use_gelu=True)  # noqa: SLF001
        x.addmm_(hidden, block.fc2.weight.t())
        return shift + block.fc2.bias

    def _windows(self, qkv: Tensor, tables: BatchTables) -> Tensor:
        attention, w = self.block.attention, self.block.window_size
        codes, out = qkv, qkv.new_empty(len(qkv), qkv.shape[1] // 3)
        if tables.launch:
            parts = [tables.parts[f"window_{name}"] for name in ("spans", "codes", "pieces")]
            codes = self._codes(qkv, (w, w), *parts, spans=1, factor=HEAD_DIM**0.5)
        grid = (len(tables.places) // w**2, attention.heads)
        kernels().attend_in_windows[grid](
            qkv, attention.qkv.bias, codes, tables.places, out, len(qkv), HEAD_DIM**-0.5,
            DIM=out.shape[1], AREA=w**2, SIDE=w, CODES=2 * w if tables.launch else 0, BLOCK=128,
            num_warps=8,
        )  # fmt: skip
        return out

    def _frames(self, qkv: Tensor, tables: BatchTables) -> Tensor:
        return self.attend_frames(qkv, tables, self.frame_codes(qkv, tables) if tables.launch else None)

    def frame_codes(self, qkv: Tensor, tables: BatchTables) -> Tensor:
        """Codes of a global block, as its kernel wants them."""
        assert tables.launch is not None
        parts = [tables.parts[name] for name in ("query_spans", "key_codes", "pieces")]
        factor = HEAD_DIM**0.5 if tables.launch.cell is None else math.log2(math.e)
        return self._codes(qkv, tables.frames[0].grid.patches, *parts, spans=tables.spans, factor=factor)

    def attend_frames(self, qkv: Tensor, tables: BatchTables, codes: Tensor | None) -> Tensor:
        """Attention among the tokens of each frame, before its projection: `(n, 3 * C)` -> `(n, C)`."""
        dim, launch, parts = qkv.shape[1] // 3, tables.launch or PLAIN, tables.parts
        out = qkv.new_empty(len(qkv), dim)
        pairs = qkv[:, dim:].index_select(0, tables.key)
        grid = (len(tables.blocks), self.block.attention.heads)
        how = {"num_warps": launch.warps, "num_stages": launch.stages}
        if codes is not None and launch.cell is not None:
            kernels().attend_by_cells[grid](
                qkv, pairs, codes, tables.blocks, parts["groups"], out, len(qkv), codes.shape[2], HEAD_DIM**-0.5,
                DIM=dim, R=launch.cell[0], C=launch.cell[1], M=launch.queries, **how,
            )  # fmt: skip
            return out
        kernels().attend_in_frames[grid](
            qkv, pairs, qkv if codes is None else codes, tables.blocks, parts["barred"], parts["slots"],
            parts["picked_row"], parts["picked_column"], out, len(qkv), HEAD_DIM**-0.5,
            DIM=dim, CODES=0 if codes is None else codes.shape[2], SLOTS=parts["slots"].shape[1],
            M=launch.queries, N=KEYS, **how,
        )  # fmt: skip
        return out

    def _codes(
        self,
        qkv: Tensor,
        lengths: tuple[int, int],
        queries: Tensor,
        keys: Tensor,
        pieces: Tensor,
        *,
        spans: int,
        factor: float,
    ) -> Tensor:
        """`(heads, n, codes)`, times `factor`."""
        heads, tokens, count = self.block.attention.heads, len(qkv), keys.shape[-2]
        table = self._table(lengths)
        query = qkv[:, : heads * HEAD_DIM].view(tokens, heads, HEAD_DIM).transpose(0, 1)
        products = torch.bmm(query, table.t().expand(heads, -1, -1))
        out = qkv.new_empty(heads, tokens, count)
        block = min(64, 1 << (count - 1).bit_length())
        kernels().gather_codes[(len(pieces), heads, -(-count // block))](
            products, queries, keys, pieces, out, tokens, count, factor,
            WIDTH=products.shape[2], SPANS=spans, ROWS=PIECE, BLOCK=block, num_warps=4,
        )  # fmt: skip
        return out

    def _table(self, lengths: tuple[int, int]) -> Tensor:
        """Both relative tables for these lengths, one under the other, made up to a multiple of 8 rows."""
        attention = self.block.attention
        kept = attention.fitted_tables
        rows, columns = attention.relative_rows, attention.relative_columns
        assert rows is not None
        assert columns is not None
        versions = [0 if table.is_inference() else table._version for table in (rows, columns)]  # noqa: SLF001
        key = (lengths, rows.data_ptr(), *versions, rows.dtype)
        if kept.get("key") != key:
            how = attention.window_table if not self.block.is_global else "interpolate"
            both = [fit_table(table, length, how=how) for table, length in zip((rows, columns), lengths, strict=True)]
            joined = torch.cat(both)
            kept.update(key=key, table=F.pad(joined, (0, 0, 0, -len(joined) % 8)).contiguous())
        table: Tensor = kept["table"]
        return table


def _normalise(x: Tensor, shift: Tensor, norm: torch.nn.LayerNorm) -> Tensor:
    out = torch.empty_like(x)
    dim = x.shape[1]
    block = 1 << (dim - 1).bit_length()
    kernels().normalise[(len(x),)](
        x, shift, norm.weight, norm.bias, out, norm.eps, DIM=dim, BLOCK=block, num_warps=4 if block > 256 else 2
    )
    return out
