"""RoI Align: the features inside a box as a grid of fixed size (He et al. 2017, section 3).

Every bin averages bilinear samples. Bilinear weights, the mean over a bin's samples, and the rule for samples outside
the map are all products of a factor of y and a factor of x. So a box needs two small matrix products, bins x rows and
bins x columns of the cells that it touches, and no sample is gathered by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from foveate.models.torchvision_ops import torchvision_ops

VALUES_AT_ONCE = 2**22
"""Values of the map that are taken out for boxes at a time: 16 MiB in float32."""
EXTENT_STEP = 4
"""Boxes whose extents, in cells, round up to the same multiples of this are worked on together."""


def roi_align(features: Tensor, boxes: Tensor, scale: float, size: int) -> Tensor:
    """`features` `(1, C, h, w)`, xyxy `boxes` `(n, 4)` in pixels, cells per pixel `scale` -> `(n, C, size, size)`.

    Centres of cells lie at half, and a bin takes as many samples along an axis as its extent in cells, rounded up
    (detectron2's "ROIAlignV2", torchvision's `aligned=True, sampling_ratio=0`). Computed in float32, returned in the
    dtype of `features`. By torchvision where it loads, except on a CPU, where it takes longer (docs/log.md).
    """
    ops = torchvision_ops()
    if ops is None or features.device.type == "cpu":
        return roi_align_plain(features, boxes, scale, size)
    aligned: Tensor = ops.roi_align(
        features.float(), [boxes.float()], size, spatial_scale=scale, sampling_ratio=0, aligned=True
    )
    return aligned.to(features.dtype)


def roi_align_plain(features: Tensor, boxes: Tensor, scale: float, size: int) -> Tensor:
    """`roi_align` in plain torch, a bounded number of values at a time."""
    _, channels, height, width = features.shape
    out = features.new_empty(len(boxes), size, size, channels)
    cells = features[0].permute(1, 2, 0).reshape(height * width, channels)
    corners = boxes.float() * scale - 0.5
    y, x = (_Axis.of(corners[:, i], corners[:, i + 2], length) for i, length in ((1, height), (0, width)))
    row_weights, column_weights = y.weights(size), x.weights(size)
    for part, rows, columns in _parts(y.extent, x.extent, channels):
        index = y.cells(part, rows)[:, :, None] * width + x.cells(part, columns)[:, None, :]
        touched = cells[index].float().flatten(2)
        merged = torch.bmm(row_weights[part, :, :rows], touched).view(len(part), size, -1, channels)
        out[part] = torch.matmul(column_weights[part, None, :, :columns], merged).to(out.dtype)
    return out.permute(0, 3, 1, 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Axis:
    """The boxes along one axis of a map, in cells."""

    start: Tensor
    """`(n,)` where a box begins; 0 = the centre of the first cell."""
    end: Tensor
    """`(n,)`"""
    first: Tensor
    """`(n,)` long: first cell that a sample may touch."""
    extent: Tensor
    """`(n,)` long: how many cells samples may touch."""
    length: int
    """Cells of the map."""

    @classmethod
    def of(cls, start: Tensor, end: Tensor, length: int) -> "_Axis":
        """Boxes from `start` to `end` on an axis of `length` cells."""
        first = start.floor().clamp(0, length - 1).long()
        last = (end.floor() + 1).clamp(0, length - 1).long()
        return cls(start=start, end=end, first=first, extent=(last - first + 1).clamp(min=1), length=length)

    def cells(self, part: Tensor, count: int) -> Tensor:
        """`(len(part), count)` from the first touched cell on; the last of the map stands for those beyond it."""
        return (self.first[part, None] + torch.arange(count, device=part.device)).clamp(max=self.length - 1)

    def weights(self, size: int) -> Tensor:
        """`(n, size, most)`: share of each touched cell in each of `size` bins, for the box that touches most cells."""
        if not len(self.start):
            return self.start.new_zeros(0, size, 1)
        bin_extent = (self.end - self.start) / size
        samples = bin_extent.ceil().clamp(min=0)
        step = torch.arange(int(samples.max().clamp(min=1)), device=samples.device)
        inside_bin = (step + 0.5) / samples.clamp(min=1)[:, None]
        bins = torch.arange(size, device=samples.device)
        place = self.start[:, None, None] + bin_extent[:, None, None] * (bins[:, None] + inside_bin[:, None, :])
        counted = (step < samples[:, None])[:, None] & (place >= -1) & (place <= self.length)
        share = counted / samples.clamp(min=1)[:, None, None]
        return self._spread(place.clamp(0, self.length - 1), share)

    def _spread(self, place: Tensor, share: Tensor) -> Tensor:
        """Each sample's share on the two cells around it, summed over the samples of a bin."""
        low = place.floor()
        upper = place - low
        index = (low.long() - self.first[:, None, None]).clamp(min=0)
        most = int(self.extent.max())
        weights = place.new_zeros(*place.shape[:2], most)
        weights.scatter_add_(2, index.clamp(max=most - 1), share * (1 - upper))
        return weights.scatter_add_(2, (index + 1).clamp(max=most - 1), share * upper)


def _parts(rows: Tensor, columns: Tensor, channels: int) -> Iterator[tuple[Tensor, int, int]]:
    """Indices of boxes of about the same extents, and the greatest; as many at a time as `VALUES_AT_ONCE` allows."""
    bucket = torch.stack([rows, columns], dim=1).add(EXTENT_STEP - 1).div(EXTENT_STEP, rounding_mode="floor")
    kinds, kind = torch.unique(bucket, dim=0, return_inverse=True)
    greatest = torch.stack([rows, columns]).amax(dim=1).tolist() if len(rows) else (0, 0)
    for number, extents in enumerate((kinds * EXTENT_STEP).tolist()):
        height, width = (min(extent, most) for extent, most in zip(extents, greatest, strict=True))
        count = max(1, VALUES_AT_ONCE // (height * width * channels))
        for part in torch.split(torch.nonzero(kind == number).squeeze(1), count):
            yield part, height, width
