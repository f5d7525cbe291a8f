"""Blocks of the backbone on a CUDA device, without gradients: the real tokens alone, few and fused kernels.

The result is that of `Block` up to the rounding of bf16, with the hyperbolic form of GELU (which the matrix library
adds to its product). Biases that a block adds to its tokens wait in `shift`, a vector that all tokens share: the
products add to the tokens in place, and the next normalisation adds the vector. Restoration keeps it, its weights
summing to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.models.block import Block
from foveate.models.cuda_tables import KEYS, BatchTables, batch_tables, map_places, restoration
from foveate.models.layout import BatchLayout, batch_layout, frame_layout, layout_runs
from foveate.models.positions import fit_table

if TYPE_CHECKING:
    from foveate.models.backbone import Backbone

HEAD_DIM = 64
FRAME_LAUNCH = {"num_warps": 8, "num_stages": 3}
"""How the kernel for frames is launched (docs/log.md)."""


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
    relative, subsets = backbone.config.relative_size is not None, backbone.config.subsets
    tables = batch_tables(batch, relative=relative)
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
    return mixed, batch_tables(batch_layout(layouts, x.device), relative=tables.relative)


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
        if tables.relative:
            lengths = (w, w)
            codes = self._codes(qkv, lengths, tables.window_spans, tables.window_codes, spans=1)
        grid = (len(tables.places) // w**2, attention.heads)
        kernels().attend_in_windows[grid](
            qkv, attention.qkv.bias, codes, tables.places, out, len(qkv), HEAD_DIM**-0.5,
            DIM=out.shape[1], AREA=w**2, SIDE=w, CODES=2 * w if tables.relative else 0, BLOCK=128,
            num_warps=8,
        )  # fmt: skip
        return out

    def _frames(self, qkv: Tensor, tables: BatchTables) -> Tensor:
        if not tables.relative:
            return self.attend_frames(qkv, tables, None)
        lengths = tables.frames[0].grid.patches
        codes = self._codes(qkv, lengths, tables.query_spans, tables.key_codes, spans=tables.spans)
        return self.attend_frames(qkv, tables, codes)

    def attend_frames(self, qkv: Tensor, tables: BatchTables, codes: Tensor | None) -> Tensor:
        """Attention among the tokens of each frame, before its projection: `(n, 3 * C)` -> `(n, C)`."""
        dim = qkv.shape[1] // 3
        out = qkv.new_empty(len(qkv), dim)
        pairs = qkv[:, dim:].index_select(0, tables.key)
        kernels().attend_in_frames[(len(tables.blocks), self.block.attention.heads)](
            qkv, pairs, qkv if codes is None else codes, tables.blocks, tables.barred, tables.slots,
            tables.picked_row, tables.picked_column, out, len(qkv), HEAD_DIM**-0.5,
            DIM=dim, CODES=0 if codes is None else codes.shape[2], SLOTS=tables.slots.shape[1],
            M=tables.queries, N=KEYS, **FRAME_LAUNCH,
        )  # fmt: skip
        return out

    def _codes(self, qkv: Tensor, lengths: tuple[int, int], queries: Tensor, keys: Tensor, *, spans: int) -> Tensor:
        """`(heads, n, codes)`, times the square root of the head's width, by which scores will be divided."""
        heads, tokens = self.block.attention.heads, len(qkv)
        table = self._table(lengths)
        query = qkv[:, : heads * HEAD_DIM].view(tokens, heads, HEAD_DIM).transpose(0, 1)
        products = torch.bmm(query, table.t().expand(heads, -1, -1))
        out = qkv.new_empty(heads, tokens, len(keys))
        block = min(128, 1 << (len(keys) - 1).bit_length())
        kernels().gather_codes[(-(-tokens // 16), heads, -(-len(keys) // block))](
            products, queries, keys, out, tokens, HEAD_DIM**0.5,
            WIDTH=products.shape[2], CODES=len(keys), SPANS=spans, ROWS=16, BLOCK=block, num_warps=4,
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
