"""One Transformer block of ViTDet, on windows or on whole frames of mixed resolution (Li et al. 2022)."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foveate.models.attention import attend, attend_windows, attend_with_bias, biases_pay
from foveate.models.layout import BatchLayout, FrameGroup, FrameLayout
from foveate.models.positions import fit_table, key_code, query_code, relative_axis
from foveate.models.relative_bias import RelativeBias
from foveate.models.threads import in_threads

ScoreReader = Callable[[Tensor, Tensor, FrameGroup], None]
"""Is shown queries and keys `(frames, heads, n, dim)` of the frames of a group, whose products are the scores."""


class Attention(nn.Module):
    """Multi-head attention with optional decomposed relative positions.

    `relative_size`: rows and columns that the tables were made for; None = no relative positions.
    """

    def __init__(self, dim: int, heads: int, *, relative_size: tuple[int, int] | None, window_table: str) -> None:
        super().__init__()
        self.heads, self.head_dim, self.window_table = heads, dim // heads, window_table
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.relative_rows: nn.Parameter | None = None
        self.relative_columns: nn.Parameter | None = None
        self.fitted_tables: dict[str, Any] = {}  # kept by the CUDA path between frames of one size
        if relative_size:
            rows, columns = relative_size
            self.relative_rows = nn.Parameter(torch.zeros(2 * rows - 1, self.head_dim))
            self.relative_columns = nn.Parameter(torch.zeros(2 * columns - 1, self.head_dim))

    def windows(self, tokens: Tensor, window_size: int) -> Tensor:
        """Attention inside each window: `(windows, w * w, C)` -> the same shape."""
        count, area, dim = tokens.shape
        qkv = self.qkv(tokens).reshape(count, area, 3, self.heads, self.head_dim).permute(2, 0, 3, 1, 4)
        if tokens.device.type != "cpu" and self.relative_rows is None:
            attended = F.scaled_dot_product_attention(*qkv.unbind(0))  # takes strided parts, without copies
            return cast("Tensor", self.proj(attended.transpose(1, 2).reshape(count, area, dim)))
        query, key, value = qkv.flatten(1, 2).unbind(0)
        scaled = query * self.head_dim**-0.5
        if self.relative_rows is not None and self.relative_columns is not None:
            codes = [
                self._window_code(query, table, window_size, axis)
                for axis, table in enumerate((self.relative_rows, self.relative_columns))
            ]
            scaled = torch.cat([scaled, *codes], dim=-1)
            key = torch.cat([key, _window_keys(window_size).to(key).expand(len(key), -1, -1)], dim=-1)
        out = attend_windows(scaled, key, value)
        merged = out.reshape(count, self.heads, area, self.head_dim).transpose(1, 2).reshape(count, area, dim)
        projected: Tensor = self.proj(merged)
        return projected

    def _window_code(self, query: Tensor, table: Tensor, window_size: int, axis: int) -> Tensor:
        """What queries append in window blocks, which are blind to scale: `(n, w * w, w)`."""
        fitted = fit_table(table, window_size, how=self.window_table)
        places = torch.arange(window_size, device=query.device)
        distance = fitted[places[:, None] - places + window_size - 1]
        grid = query.reshape(len(query), window_size, window_size, self.head_dim)
        equation = ("nrcd,rkd->nrck", "nrcd,ckd->nrck")[axis]
        return torch.einsum(equation, grid, distance).reshape(len(query), window_size**2, window_size)

    def split(self, tokens: Tensor) -> Tensor:
        """Queries, keys and values of each head: `(n, C)` -> `(3, heads, n, head_dim)`."""
        joint: Tensor = self.qkv(tokens)
        return joint.reshape(len(tokens), 3, self.heads, self.head_dim).permute(1, 2, 0, 3)

    def frames(self, qkv: Tensor, batch: BatchLayout, reader: ScoreReader | None = None) -> Tensor:
        """Attention among all real tokens of each frame: `(3, heads, n, head_dim)` -> `(heads, n, head_dim)`."""
        parts = [self._group(qkv[:, :, group.rows], group, reader) for group in batch.groups]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def _group(self, qkv: Tensor, group: FrameGroup, reader: ScoreReader | None) -> Tensor:
        """The frames of one group at once."""
        query, key, value = qkv.reshape(3, self.heads, len(group.layouts), -1, self.head_dim).transpose(1, 2).unbind(0)
        scaled, tables = query * self.head_dim**-0.5, self._fitted_tables(group, query.dtype)
        as_bias = bool(tables) and biases_pay(query)
        folded = (scaled, key)
        if tables and (reader is not None or not as_bias):
            folded = _fold(
                scaled, key, [_frame_codes(q, tables, at) for q, at in zip(query, group.layouts, strict=True)]
            )
        if reader is not None:
            reader(*folded, group)
        if as_bias:
            frames = zip(query, group.layouts, strict=True)
            biases = [RelativeBias(query=q, tables=tables, layout=layout) for q, layout in frames]
            attended = attend_with_bias(scaled, key, value, biases)
        else:
            attended = attend(*folded, value)
        return attended.transpose(0, 1).flatten(1, 2)

    def _fitted_tables(self, group: FrameGroup, dtype: torch.dtype) -> tuple[Tensor, ...]:
        """Relative tables of rows and of columns for the frames of a group, which are of one size; or none."""
        tables = [table for table in (self.relative_rows, self.relative_columns) if table is not None]
        patches = group.layouts[0].grid.patches
        return tuple(fit_table(table, length).to(dtype) for table, length in zip(tables, patches, strict=False))

    def merge(self, attended: Tensor) -> Tensor:
        """Results of all heads as tokens: `(heads, n, head_dim)` -> `(n, C)`."""
        projected: Tensor = self.proj(attended.transpose(0, 1).flatten(1))
        return projected


def _fold(query: Tensor, key: Tensor, codes: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Queries and keys `(frames, heads, n, dim)` with the codes of each frame appended."""
    queries, keys = (torch.stack(parts) for parts in zip(*codes, strict=True))
    return torch.cat([query, queries], dim=-1), torch.cat([key, keys], dim=-1)


def _frame_codes(query: Tensor, tables: tuple[Tensor, ...], layout: FrameLayout) -> tuple[Tensor, Tensor]:
    """Codes of one frame: query part `(heads, n, rows + columns)` and key part of the same shape."""
    axes = [relative_axis(layout, axis, query) for axis in (0, 1)]
    queries = [query_code(query, table, axis) for table, axis in zip(tables, axes, strict=True)]
    keys = torch.cat([key_code(axis) for axis in axes], dim=-1)
    return torch.cat(queries, dim=-1), keys.expand(len(query), -1, -1)


@lru_cache(maxsize=8)
def _window_keys(window_size: int) -> Tensor:
    """One-hot rows and columns of the tokens of a window: `(w * w, 2 * w)`."""
    eye = torch.eye(window_size)
    rows, columns = eye.repeat_interleave(window_size, dim=0), eye.repeat(window_size, 1)
    return torch.cat([rows, columns], dim=1)


def casts(kind: str) -> bool:
    """Whether autocast chooses the dtype of products on this kind of device."""
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


class Block(nn.Module):
    """Attention and MLP with pre-normalisation. `is_global`: attends over frames instead of windows."""

    def __init__(
        self,
        dim: int,
        heads: int,
        mlp_ratio: float,
        *,
        is_global: bool,
        window_size: int,
        relative_size: tuple[int, int] | None,
        window_table: str,
    ) -> None:
        super().__init__()
        self.is_global, self.window_size = is_global, window_size
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attention = Attention(dim, heads, relative_size=relative_size, window_table=window_table)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.fc1 = nn.Linear(dim, int(dim * mlp_ratio))
        self.fc2 = nn.Linear(int(dim * mlp_ratio), dim)

    def forward(self, tokens: Tensor, batch: BatchLayout, reader: ScoreReader | None = None) -> Tensor:
        """`(windows, w * w, C)` -> the same shape; values of tokens beyond the frame have no meaning.

        `reader` is shown the attention of a global block, group by group. Without gradients and autocast `tokens` is
        overwritten, a few windows at a time, so that the work stays in cache.
        """
        if not torch.is_grad_enabled() and not casts(tokens.device.type):
            return self._overwrite(tokens, batch, reader)
        attended = self._global(tokens, batch, reader) if self.is_global else self._local(tokens, batch.whole.padding)
        tokens = tokens + attended
        hidden = F.gelu(self.fc1(self.norm2(tokens)))
        mixed: Tensor = self.fc2(hidden)
        return tokens + mixed

    def _overwrite(self, tokens: Tensor, batch: BatchLayout, reader: ScoreReader | None) -> Tensor:
        attended = self._attend_frames(tokens, batch, reader) if self.is_global else None

        def work(index: int, count: int) -> None:
            for chunk in batch.chunks[index::count]:
                part = tokens[chunk.windows]
                if attended is None:
                    part += self._local(part, chunk.padding)
                else:
                    chunk.add_real(part, self._by_windows(self.attention.merge, attended[:, chunk.rows]))
                part += self.fc2(torch.ops.aten.gelu_(self.fc1(self.norm2(part))))

        in_threads(work, on=tokens.device)
        return tokens

    def _attend_frames(self, tokens: Tensor, batch: BatchLayout, reader: ScoreReader | None) -> Tensor:
        """Global attention before its projection, without gradients: `(heads, real tokens, head_dim)`."""
        attention = self.attention
        qkv = tokens.new_empty(3, attention.heads, batch.whole.rows.stop, attention.head_dim)

        def work(index: int, count: int) -> None:
            for chunk in batch.chunks[index::count]:
                real = self.norm1(chunk.take_real(tokens[chunk.windows]))
                qkv[:, :, chunk.rows] = self._by_windows(attention.split, real)

        in_threads(work, on=tokens.device)
        return attention.frames(qkv, batch, reader)

    def _by_windows(self, project: Callable[[Tensor], Tensor], tokens: Tensor) -> Tensor:
        """`project` on `(..., n, C)`, or a part of C per head, as if n were a number of whole windows.

        Libraries keep code for each shape that they multiply: every mask has another number of real tokens, and a
        server's memory would grow for as long as new ones come (docs/log.md).
        """
        count = tokens.shape[-2]
        projected = project(F.pad(tokens, (0, 0, 0, -count % self.window_size**2)))
        return projected.narrow(-2, 0, count)

    def _global(self, tokens: Tensor, batch: BatchLayout, reader: ScoreReader | None) -> Tensor:
        qkv = self.attention.split(self.norm1(batch.whole.take_real(tokens)))
        attended = self.attention.merge(self.attention.frames(qkv, batch, reader))
        return batch.whole.spread_real(attended).view_as(tokens)

    def _local(self, tokens: Tensor, padding: Tensor | None) -> Tensor:
        normed: Tensor = self.norm1(tokens)
        if padding is not None:
            # ViTDet pads with zeros after the normalisation: padding takes part as key and value of its bias.
            normed.view(-1, normed.shape[-1]).index_fill_(0, padding, 0)
        return self.attention.windows(normed, self.window_size)
