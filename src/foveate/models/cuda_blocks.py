"""Blocks of the backbone on a CUDA device, without gradients: the real tokens alone, few and fused kernels.

The result is that of `Block` up to the rounding of bf16, with the hyperbolic form of GELU (which the matrix library
adds to its product). Biases that blocks add to their tokens are the same for all tokens: their sums so far, `shifts`,
are added by the normalisations, while products add to the tokens in place. Restoration keeps them, its weights summing
to 1.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.models.block import Block
from foveate.models.cuda_keys import CELL, KEYS
from foveate.models.cuda_plan import PassShape, StageShape, Tables
from foveate.models.cuda_tables import PIECE
from foveate.models.positions import fit_table
from foveate.models.weight_state import WeightKey

HEAD_DIM = 64


def kernels() -> Any:
    """The module of kernels, or None without Triton."""
    try:
        from foveate.models import cuda_kernels  # noqa: PLC0415 - Triton may be missing
    except ImportError:
        return None
    return cuda_kernels


def run_blocks(blocks: Sequence["FusedBlock"], x: Tensor, shape: PassShape, tables: Tables) -> Tensor:
    """Real tokens `(n, C)`, overwritten -> those of full resolution, but for the shift after the last block."""
    for number, stage in enumerate(shape.stages):
        own = Stage(shape, stage, shape.stage(tables, number))
        if stage.restored:
            x = own.restored(x)
        for block in blocks[stage.blocks.start : stage.blocks.stop]:
            block.run(x, own)
    return x


def shifts_of(blocks: Sequence[Block]) -> Tensor:
    """`(2 * blocks + 1, C)`: what tokens want before each normalisation, and in the end."""
    biases: list[Tensor] = [bias for block in blocks for bias in (block.attention.proj.bias, block.fc2.bias)]
    sums = torch.stack(biases).float().cumsum(dim=0)
    return torch.cat([torch.zeros_like(sums[:1]), sums])


def cut_maps(x: Tensor, shift: Tensor, shape: PassShape, places: Sequence[Tensor]) -> list[Tensor]:
    """Tokens of full frames -> one map `(frames, C, rows, columns)` per run of frames of one size.

    `places`: for each run, the token of each patch of a frame.
    """
    maps, start = [], 0
    for (grid, run), place in zip(itertools.groupby(shape.grids), places, strict=True):
        count = len(list(run))
        part = x[start : start + count * len(place)].view(count, len(place), x.shape[1])
        start += count * len(place)
        cells = part.index_select(1, place) + shift.to(x.dtype)
        maps.append(cells.view(count, *grid.patches, -1).permute(0, 3, 1, 2))
    return maps


@dataclass(frozen=True)
class Stage:
    """Consecutive blocks over the same tokens, with their tables."""

    whole: PassShape
    shape: StageShape
    tables: Tables

    def restored(self, x: Tensor) -> Tensor:
        """The tokens of these blocks from those of the blocks before."""
        weights = self.tables["weights"].to(x.dtype)
        return F.embedding_bag(self.tables["sources"], x, per_sample_weights=weights, mode="sum")


@dataclass(frozen=True)
class FusedBlock:
    """A `Block` run on real tokens."""

    block: Block
    relative: Tensor | None
    """Its relative tables, rows above columns."""
    shifts: Tensor
    """`(2, C)`: what tokens want before either normalisation."""

    def run(self, x: Tensor, stage: Stage) -> None:
        """Change tokens `x` `(n, C)` in place."""
        block, attention = self.block, self.block.attention
        normed = _normalise(x, self.shifts[0], block.norm1)
        qkv = torch.addmm(attention.qkv.bias, normed, attention.qkv.weight.t())
        attended = self._frames(qkv, stage) if block.is_global else self._windows(qkv, stage)
        x.addmm_(attended, attention.proj.weight.t())
        normed = _normalise(x, self.shifts[1], block.norm2)
        hidden = torch._addmm_activation(block.fc1.bias, normed, block.fc1.weight.t(), use_gelu=True)  # noqa: SLF001
        x.addmm_(hidden, block.fc2.weight.t())

    def _windows(self, qkv: Tensor, stage: Stage) -> Tensor:
        attention, w, places = self.block.attention, self.block.window_size, stage.tables["places"]
        out = qkv.new_empty(len(qkv), qkv.shape[1] // 3)
        kernels().attend_in_windows[len(places) // w**2, attention.heads](
            qkv, attention.qkv.bias, qkv if self.relative is None else self.relative, places, out, HEAD_DIM**-0.5,
            DIM=out.shape[1], AREA=w**2, SIDE=w, TABLE=0 if self.relative is None else 2 * (2 * w - 1), BLOCK=128,
            num_warps=8,
        )  # fmt: skip
        return out

    def _frames(self, qkv: Tensor, stage: Stage) -> Tensor:
        """Attention among the tokens of each frame, before its projection: `(n, 3 * C)` -> `(n, C)`."""
        dim, launch, tables = qkv.shape[1] // 3, stage.whole.launch, stage.tables
        out = qkv.new_empty(len(qkv), dim)
        pairs = qkv[:, dim:].index_select(0, tables["key"])
        grid = (len(tables["blocks"]), self.block.attention.heads)
        how = {"DIM": dim, "M": launch.queries, "num_warps": launch.warps, "num_stages": launch.stages}
        if launch.relative:
            codes = self.frame_codes(qkv, stage)
            kernels().attend_by_cells[grid](
                qkv, pairs, codes, tables["blocks"], tables["groups"], out, len(qkv), codes.shape[2], HEAD_DIM**-0.5,
                R=CELL[0], C=CELL[1], **how,
            )  # fmt: skip
        else:
            kernels().attend_in_frames[grid](
                qkv, pairs, tables["blocks"], tables["barred"], out, HEAD_DIM**-0.5, N=KEYS, **how
            )
        return out

    def frame_codes(self, qkv: Tensor, stage: Stage) -> Tensor:
        """`(heads, n, codes)`: what each query adds to its products with the keys of a row or a column, unscaled."""
        assert self.relative is not None
        keys, pieces, heads = stage.tables["key_codes"], stage.tables["pieces"], self.block.attention.heads
        tokens, count = len(qkv), keys.shape[-2]
        query = qkv[:, : heads * HEAD_DIM].view(tokens, heads, HEAD_DIM).transpose(0, 1)
        products = torch.bmm(query, self.relative.t().expand(heads, -1, -1))
        out = qkv.new_empty(heads, tokens, count)
        block = min(64, 1 << (count - 1).bit_length())
        kernels().gather_codes[len(pieces), heads, -(-count // block)](
            products, stage.tables["query_spans"], keys, pieces, out, tokens, count, HEAD_DIM**0.5,
            WIDTH=products.shape[2], SPANS=stage.shape.spans, ROWS=PIECE, BLOCK=block, num_warps=4,
        )  # fmt: skip
        return out


def relative_tables(block: Block, lengths: tuple[int, int]) -> Tensor:
    """Both relative tables of a block for these lengths, one under the other, made up to a multiple of 8 rows."""
    attention = block.attention
    kept = attention.fitted_tables
    rows, columns = attention.relative_rows, attention.relative_columns
    assert rows is not None
    assert columns is not None
    key = (lengths, WeightKey.of(rows), WeightKey.of(columns), rows.dtype)
    if kept.get("key") != key:
        how = attention.window_table if not block.is_global else "interpolate"
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
