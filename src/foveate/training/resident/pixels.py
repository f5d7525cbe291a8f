"""Pixels of views: bilinear, four points per pixel, so that shrinking by up to four keeps its calm."""

import torch
from torch import Tensor

from foveate.training.augment import FILL
from foveate.training.resident.pool import MOST_PIXELS, PicturePool
from foveate.training.resident.views import Views

PIXELS_AT_ONCE = 256
"""Of a crop, by a program of the GPU."""
_SPOTS = (-0.25, 0.25)
"""Points in a pixel along one axis, in pixels from its centre."""


def cut(pool: PicturePool, views: Views) -> Tensor:
    """Float32 `(B, 3, H, W)`, 0..255 (float16 on a GPU); beyond a picture the mean colour."""
    return _cut_by_kernel(pool, views) if pool.torch_device.type == "cuda" else _cut(pool, views)


def _cut_by_kernel(pool: PicturePool, views: Views) -> Tensor:
    from foveate.training.resident.kernels import cut_pixels  # noqa: PLC0415  # Triton comes with torch for CUDA

    (height, width), count = views.size, len(views.slots)
    numbers = torch.cat([views.steps, _upper_left(views), pool.sizes[views.slots]], dim=2)
    out = torch.empty(count, height * width, 3, dtype=torch.float16, device=pool.torch_device)
    grid = (count, -(-height * width // PIXELS_AT_ONCE))
    red, green, blue = FILL
    cut_pixels[grid](
        pool.pixels,
        views.slots * MOST_PIXELS,
        numbers.contiguous(),
        views.extents[:, 0].contiguous(),
        views.flipped.byte(),
        out,
        height,
        width,
        RED=red,
        GREEN=green,
        BLUE=blue,
        BLOCK=PIXELS_AT_ONCE,
    )
    return out.reshape(count, height, width, 3).permute(0, 3, 1, 2)


def _cut(pool: PicturePool, views: Views) -> Tensor:
    height, width = views.size
    y = torch.arange(height, dtype=torch.float32)[None, :, None]
    x = torch.arange(width, dtype=torch.float32)[None, None, :]
    x = torch.where(views.flipped[:, None, None], width - 1 - x, x)
    corner = views.extents[:, 0, :, None, None]
    part = (2 * (y >= corner[:, 0]) + (x >= corner[:, 1])).flatten(1).long()

    def of_part(values: Tensor) -> Tensor:
        return values.gather(1, part).reshape(-1, height, width)

    down, across = (of_part(values) for values in views.steps.unbind(2))
    top, left = (of_part(values) for values in _upper_left(views).unbind(2))
    look = _Lookup(pool, of_part(views.slots))
    total = torch.zeros(len(views.slots), height, width, 3)
    for dy in _SPOTS:
        for dx in _SPOTS:
            total += look((y + 0.5 + dy) * down + top - 0.5, (x + 0.5 + dx) * across + left - 0.5)
    return (total / len(_SPOTS) ** 2).permute(0, 3, 1, 2)


def _upper_left(views: Views) -> Tensor:
    """Row and column `(B, 4, 2)` of each part's picture at the upper left corner of the crop."""
    return views.origins - views.tops * views.steps


class _Lookup:
    """Bilinear values of pictures at given places."""

    def __init__(self, pool: PicturePool, slots: Tensor) -> None:
        self._pixels, self._first = pool.pixels, slots * MOST_PIXELS
        self._height, self._width = pool.sizes[slots].unbind(-1)
        self._fill = torch.tensor(FILL, dtype=torch.float32)

    def __call__(self, y: Tensor, x: Tensor) -> Tensor:
        """`(B, H, W)` rows and columns -> `(B, H, W, 3)`."""
        inside = (y > -1) & (y < self._height) & (x > -1) & (x < self._width)
        row, column = y.floor(), x.floor()
        down, right = (y - row)[..., None], (x - column)[..., None]
        upper = torch.lerp(self._at(row, column), self._at(row, column + 1), right)
        lower = torch.lerp(self._at(row + 1, column), self._at(row + 1, column + 1), right)
        return torch.where(inside[..., None], torch.lerp(upper, lower, down), self._fill)

    def _at(self, row: Tensor, column: Tensor) -> Tensor:
        row = torch.minimum(row.clamp(min=0), self._height - 1)
        column = torch.minimum(column.clamp(min=0), self._width - 1)
        return self._pixels[self._first + row.long() * self._width.long() + column.long()].float()
