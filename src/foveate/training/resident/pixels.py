"""Pixels of views: bilinear, four points per pixel, so that shrinking by up to four keeps its calm."""

import torch
from torch import Tensor

from foveate.training.augment import FILL
from foveate.training.resident.pool import MOST_PIXELS, PicturePool
from foveate.training.resident.views import Views

AT_ONCE = 128
"""Crops whose pixels are looked up at a time."""
_SPOTS = (-0.25, 0.25)
"""Points in a pixel along one axis, in pixels from its centre."""


def cut(pool: PicturePool, views: Views) -> Tensor:
    """Float16 `(B, 3, H, W)`, 0..255 (float32 on a CPU); beyond a picture the mean colour."""
    count = len(views.slots)
    parts = [_cut(pool, views, slice(first, first + AT_ONCE)) for first in range(0, count, AT_ONCE)]
    return torch.cat(parts)


def _cut(pool: PicturePool, views: Views, rows: slice) -> Tensor:
    height, width = views.size
    device = pool.torch_device
    y = torch.arange(height, device=device, dtype=torch.float32)[None, :, None]
    x = torch.arange(width, device=device, dtype=torch.float32)[None, None, :]
    x = torch.where(views.flipped[rows, None, None], width - 1 - x, x)
    corner = views.extents[rows, 0, :, None, None]
    part = (2 * (y >= corner[:, 0]) + (x >= corner[:, 1])).flatten(1).long()

    def of_part(values: Tensor) -> Tensor:
        return values[rows].gather(1, part).reshape(-1, height, width)

    step = of_part(views.steps)
    top, left = (of_part(views.origins[..., axis]) - of_part(views.tops[..., axis]) * step for axis in (0, 1))
    slots = of_part(views.slots)
    size = pool.sizes[slots]
    look = _Lookup(pool, slots * MOST_PIXELS, size[..., 0], size[..., 1])
    total: Tensor | float = 0.0
    for dy in _SPOTS:
        for dx in _SPOTS:
            total = total + look((y + 0.5 + dy) * step + top - 0.5, (x + 0.5 + dx) * step + left - 0.5)
    assert isinstance(total, Tensor)
    return (total / len(_SPOTS) ** 2).permute(0, 3, 1, 2)


class _Lookup:
    """Bilinear values of pictures at given places."""

    def __init__(self, pool: PicturePool, first: Tensor, height: Tensor, width: Tensor) -> None:
        self._pixels, self._first, self._height, self._width = pool.pixels, first, height, width
        self._dtype = torch.float16 if pool.torch_device.type == "cuda" else torch.float32
        self._fill = torch.tensor(FILL, dtype=self._dtype, device=pool.torch_device)

    def __call__(self, y: Tensor, x: Tensor) -> Tensor:
        """`(B, H, W)` rows and columns -> `(B, H, W, 3)`."""
        inside = (y > -1) & (y < self._height) & (x > -1) & (x < self._width)
        row, column = y.floor(), x.floor()
        down, right = ((y - row)[..., None]).to(self._dtype), ((x - column)[..., None]).to(self._dtype)
        upper = torch.lerp(self._at(row, column), self._at(row, column + 1), right)
        lower = torch.lerp(self._at(row + 1, column), self._at(row + 1, column + 1), right)
        return torch.where(inside[..., None], torch.lerp(upper, lower, down), self._fill)

    def _at(self, row: Tensor, column: Tensor) -> Tensor:
        row = torch.minimum(row.clamp(min=0), self._height - 1)
        column = torch.minimum(column.clamp(min=0), self._width - 1)
        index = self._first + row.long() * self._width.long() + column.long()
        return self._pixels[index].to(self._dtype)
