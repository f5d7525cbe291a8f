"""The surroundings of single cells of a map, so that a few convolutions can be computed for those cells alone."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Neighbourhoods:
    """Squares of cells around `n` cells of one map; cells beyond the map's border are 0."""

    values: Tensor
    """`(n, C, side, side)`, channels last in memory."""
    inside: Tensor
    """Bool `(n, 1, side, side)`: cells that belong to the map."""

    def convolved(self, values: Tensor) -> "Neighbourhoods":
        """What a 3 x 3 convolution without padding made of `values`: `(n, C, side - 2, side - 2)`.

        Cells beyond the border become 0 again, which is what padding shows to the next convolution.
        """
        inside = self.inside[:, :, 1:-1, 1:-1]
        return Neighbourhoods(values=values * inside, inside=inside)


def neighbourhoods(level: Tensor, rows: Tensor, columns: Tensor, reach: int) -> Neighbourhoods:
    """Squares of side `2 * reach + 1` around the cells `(rows, columns)`, each int `(n,)`, of a map `(C, h, w)`."""
    offsets = torch.arange(-reach, reach + 1, device=level.device)
    y = (rows[:, None] + offsets)[:, :, None]
    x = (columns[:, None] + offsets)[:, None, :]
    padded = F.pad(level.permute(1, 2, 0), (0, 0, reach, reach, reach, reach))
    inside = (y >= 0) & (y < level.shape[1]) & (x >= 0) & (x < level.shape[2])
    return Neighbourhoods(values=padded[y + reach, x + reach].permute(0, 3, 1, 2), inside=inside[:, None])
