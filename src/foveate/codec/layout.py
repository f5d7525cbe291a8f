"""Where tiles of unequal size lie in a mosaic: shelves, as square and as full as they come.

A layout follows from the sizes alone, so that both ends compute it from the grid and the mask and nothing about
it is sent. Every cell starts and ends on a multiple of 16 pixels, the JPEG block with 4:2:0 chroma.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, sqrt

Size = tuple[int, int]
"""`(height, width)` in pixels."""

BLOCK = 16
"""Side of the largest JPEG block, pixels: 8 x 8 chroma samples at 4:2:0."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A picture and the tiles in it, in the order in which their sizes were given."""

    size: Size
    """Of the whole picture, pixels; `(0, 0)` without tiles."""
    corners: tuple[tuple[int, int], ...]
    """`(top, left)` of each tile, pixels."""
    tiles: tuple[Size, ...]
    """Real size of each tile, pixels, without the padding of its cell."""

    def parted(self, first: int) -> tuple["Layout", "Layout"]:
        """The same picture with its `first` tiles alone, and with the others alone."""
        return (
            Layout(size=self.size, corners=self.corners[:first], tiles=self.tiles[:first]),
            Layout(size=self.size, corners=self.corners[first:], tiles=self.tiles[first:]),
        )


def padded(length: int) -> int:
    """`length` rounded up to whole JPEG blocks."""
    return -(-length // BLOCK) * BLOCK


@lru_cache(maxsize=512)
def shelf_layout(tiles: tuple[Size, ...]) -> Layout:
    """Pack tiles, each in a cell padded to whole blocks, into the smallest of the near-square pictures.

    Tiles are laid tallest first (then widest, then in the given order) on shelves from left to right. Widths
    from half to twice the square's are tried, because an unused cell costs as much encoding time as a used one.
    """
    if not tiles:
        return Layout(size=(0, 0), corners=(), tiles=())
    cells = [(padded(height), padded(width)) for height, width in tiles]
    order = sorted(range(len(cells)), key=lambda i: (-cells[i][0], -cells[i][1], i))
    square = sqrt(len(cells))
    widest = max(width for _, width in cells)
    columns = range(max(1, int(square / 2)), ceil(2 * square) + 1)
    shelved = [_fill_shelves(cells, order, widest * count) for count in columns]
    size, corners = min(shelved, key=lambda found: (found[0][0] * found[0][1], abs(found[0][0] - found[0][1])))
    return Layout(size=size, corners=corners, tiles=tiles)


def _fill_shelves(cells: list[Size], order: list[int], limit: int) -> tuple[Size, tuple[tuple[int, int], ...]]:
    """Lay the cells in `order` on shelves at most `limit` wide; the picture's size and every cell's corner."""
    corners = [(0, 0)] * len(cells)
    top = left = shelf = widest = 0
    for index in order:
        height, width = cells[index]
        if left and left + width > limit:
            top, left, shelf = top + shelf, 0, 0
        corners[index] = (top, left)
        left, shelf = left + width, max(shelf, height)
        widest = max(widest, left)
    return (top + shelf, widest), tuple(corners)
