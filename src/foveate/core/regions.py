"""Decision regions: the grid on which resolution is chosen (ViTMAlis, section III-A)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core.errors import InputError

Mask = NDArray[np.bool_]
"""A downsampling mask: bool `(regions_h, regions_w)`, True = low resolution."""


def ceil_div(numerator: int, denominator: int) -> int:
    """The quotient rounded up."""
    return -(-numerator // denominator)


@dataclass(frozen=True, kw_only=True)
class RegionGrid:
    """Decision regions of a frame: squares of `r = w * d` patches, clipped at the right and lower border.

    Hashable, so that layouts derived from it can be cached. Raises `InputError` on sizes below 1.
    """

    height: int
    """Frame height, pixels."""
    width: int
    """Frame width, pixels."""
    patch_size: int = 16
    """Side of a patch, pixels."""
    window_size: int = 9
    """w: side of an attention window, tokens."""
    downsampling_factor: int = 2
    """d: how many patches a low-resolution token covers along each axis."""

    def __post_init__(self) -> None:
        for name in ("height", "width", "patch_size", "window_size", "downsampling_factor"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{name} must be a whole number of at least 1, got {value!r}")

    @property
    def region_size(self) -> int:
        """r = w * d: side of a region, patches."""
        return self.window_size * self.downsampling_factor

    @property
    def region_pixels(self) -> int:
        """Side of a region, pixels."""
        return self.region_size * self.patch_size

    @property
    def patches(self) -> tuple[int, int]:
        """Rows and columns of patches that hold at least one pixel of the frame."""
        return ceil_div(self.height, self.patch_size), ceil_div(self.width, self.patch_size)

    @property
    def shape(self) -> tuple[int, int]:
        """`(regions_h, regions_w)`: the shape of a downsampling mask."""
        return ceil_div(self.height, self.region_pixels), ceil_div(self.width, self.region_pixels)

    def __len__(self) -> int:
        return self.shape[0] * self.shape[1]

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Pixel bounds `(top, left, bottom, right)` of a region, clipped to the frame."""
        side = self.region_pixels
        top, left = row * side, column * side
        return top, left, min(top + side, self.height), min(left + side, self.width)

    def check_mask(self, mask: object) -> Mask:
        """Return `mask` (None = nothing downsampled) as bool `(regions_h, regions_w)`, or raise `InputError`."""
        if mask is None:
            return np.zeros(self.shape, np.bool_)
        array = np.asarray(mask)
        if array.dtype != np.bool_ or array.shape != self.shape:
            raise InputError(
                f"the downsampling mask of a {self.height} x {self.width} frame must be bool of shape "
                f"{self.shape}, got {array.dtype} of shape {array.shape}"
            )
        return array

    def tokens(self, mask: Mask | None = None) -> int:
        """Real tokens of a frame: one per patch that holds a pixel, or per d x d of them where `mask` says low."""
        rows, columns = self._extents(0), self._extents(1)
        factor = self.downsampling_factor
        low = np.outer(-(-rows // factor), -(-columns // factor))
        return int(np.where(self.check_mask(mask), low, np.outer(rows, columns)).sum())

    def _extents(self, axis: int) -> NDArray[np.int64]:
        """Patches with a pixel in each row (or column) of regions."""
        size = self.region_size
        return np.minimum(size, self.patches[axis] - size * np.arange(self.shape[axis]))

    def overlapping(self, boxes: NDArray[np.float32]) -> Mask:
        """Regions `(regions_h, regions_w)` that any of the xyxy `boxes` `(n, 4)`, pixels, covers, partly or fully."""
        touched = np.zeros(self.shape, np.bool_)
        side = self.region_pixels
        for x1, y1, x2, y2 in np.asarray(boxes, np.float64).reshape(-1, 4):
            if not (max(x1, 0) < min(x2, self.width) and max(y1, 0) < min(y2, self.height)):
                continue
            rows = slice(int(max(y1, 0) // side), int(np.ceil(min(y2, self.height) / side)))
            columns = slice(int(max(x1, 0) // side), int(np.ceil(min(x2, self.width) / side)))
            touched[rows, columns] = True
        return touched
