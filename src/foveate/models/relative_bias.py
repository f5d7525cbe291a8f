"""Decomposed relative positions as a bias on scores, written for a few queries at a time.

Folded into queries and keys (`positions.py`) they are one more channel of every product for each row and each column
of a frame: 188 beside 64 for 1088 x 1920. Keys that form a grid need no product: the bias of a key is that of its row
plus that of its column.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor

from foveate.models.layout import FrameLayout, Index, upload
from foveate.models.positions import RelativeAxis, query_code, relative_axis


@dataclass(frozen=True, kw_only=True, eq=False)
class KeyGrid:
    """Keys of one resolution, each of some rows with each of some columns, in raster order.

    Rows and columns are entries of the biases of a query, where low resolution follows single patches.
    """

    rows: slice
    columns: slice | Tensor
    shape: tuple[int, int]
    keys: Index
    """Which of the frame's real tokens they are: `(rows * columns,)`."""


@lru_cache(maxsize=256)
def key_grids(layout: FrameLayout) -> tuple[KeyGrid, ...]:
    """The real tokens of a frame as few grids: one for a plain frame, else by runs of equal rows of the mask."""
    factor = layout.grid.downsampling_factor
    scale = np.broadcast_to(layout.scale[:, None], layout.row.shape)[layout.real]
    grids: list[KeyGrid] = []
    for step in sorted({1, factor}):
        lines = _runs_of_equal_lines(list(_lines(layout, np.flatnonzero(scale == step), step)))
        first_row, first_column = (0, 0) if step == 1 else layout.grid.patches
        grids += [_key_grid(run, first_row, first_column) for run in lines]
    return tuple(grids)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Line:
    """Keys of one row of tokens."""

    row: int
    columns: Index
    keys: Index

    def continues(self, above: "_Line") -> bool:
        return self.row == above.row + 1 and np.array_equal(self.columns, above.columns)


def _lines(layout: FrameLayout, keys: Index, step: int) -> Iterator[_Line]:
    """These real tokens row by row, from left to right; places count tokens of `step` patches."""
    row, column = (places[layout.real] // step for places in (layout.row, layout.column))
    raster = keys[np.lexsort((column[keys], row[keys]))]
    for line in np.split(raster, np.flatnonzero(np.diff(row[raster])) + 1):
        if len(line):
            yield _Line(row=int(row[line[0]]), columns=column[line], keys=line)


def _runs_of_equal_lines(lines: list[_Line]) -> list[list[_Line]]:
    runs: list[list[_Line]] = []
    for line in lines:
        if runs and line.continues(runs[-1][-1]):
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _key_grid(lines: list[_Line], first_row: int, first_column: int) -> KeyGrid:
    columns, top = lines[0].columns + first_column, lines[0].row + first_row
    together = columns[-1] - columns[0] + 1 == len(columns)
    return KeyGrid(
        rows=slice(top, top + len(lines)),
        columns=slice(int(columns[0]), int(columns[-1]) + 1) if together else upload(columns, torch.device("cpu")),
        shape=(len(lines), len(columns)),
        keys=np.concatenate([line.keys for line in lines]),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class RelativeBias:
    """What relative positions add to the scores of one frame, keys in an order of its own."""

    query: Tensor
    """`(heads, n, head_dim)`, unscaled."""
    tables: tuple[Tensor, ...]
    """Of rows and of columns, fitted to the frame."""
    layout: FrameLayout

    def scaled(self, factor: float) -> "RelativeBias":
        """The same with every bias multiplied."""
        return replace(self, tables=tuple(table * factor for table in self.tables))

    def largest(self) -> float:
        """No bias is further from 0 (Cauchy-Schwarz)."""
        longest = [torch.linalg.vector_norm(x, dim=-1).amax() for x in (self.query, *self.tables)]
        return float(longest[0] * sum(longest[1:]))

    @cached_property
    def order(self) -> Tensor:
        """Which real token is which key: `(n,)`."""
        return upload(np.concatenate([grid.keys for grid in key_grids(self.layout)]), self.query.device)

    @cached_property
    def _axes(self) -> list[RelativeAxis]:
        return [relative_axis(self.layout, axis, self.query) for axis in (0, 1)]

    def write(self, head: int, queries: slice, scores: Tensor) -> None:
        """Overwrite `scores` `(queries, n)` with the biases of one head."""
        asking, start = self.query[head : head + 1, queries], 0
        factor = self.layout.grid.downsampling_factor if len(self.layout.low_regions) else 1
        rows, columns = (
            _with_low_resolution(query_code(asking, table, axis.part(queries))[0], factor)
            for table, axis in zip(self.tables, self._axes, strict=True)
        )
        for grid in key_grids(self.layout):
            end = start + len(grid.keys)
            part = scores[:, start:end].view(-1, *grid.shape)
            torch.add(rows[:, grid.rows, None], columns[:, grid.columns][:, None], out=part)
            start = end


def _with_low_resolution(biases: Tensor, factor: int) -> Tensor:
    """Biases of single patches `(n, length)`, then their means over the patches of each coarse token."""
    if factor == 1:
        return biases
    length = biases.shape[-1]
    whole = length - length % factor
    means = [torch.stack([biases[:, slot:whole:factor] for slot in range(factor)]).mean(dim=0)]
    if whole < length:
        means.append(biases[:, whole:].mean(dim=-1, keepdim=True))
    return torch.cat([biases, *means], dim=-1)
