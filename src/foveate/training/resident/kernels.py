"""The Triton kernel that cuts crops on a GPU: what `pixels` does in fifty operations, each over the whole batch."""

# mypy: ignore-errors
# ruff: noqa: N803, PLR0917 - constants of a kernel are written large, and it takes what it needs one by one

import triton
import triton.language as tl


@triton.jit
def cut_pixels(
    pixels, firsts, numbers, corners, flipped, out, height, width,
    RED: tl.constexpr, GREEN: tl.constexpr, BLUE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Pixels of crop `program_id(0)`: means of four points, each bilinear.

    `firsts` `(B, 4)`: first row of each part's picture in `pixels`. `numbers` `(B, 4, 6)`: rows and columns of the
    picture per row and column of the crop, row and column of the picture at the crop's upper left corner, height and
    width of the picture. `corners` `(B, 2)`: where the four parts meet. `out` `(B, height * width, 3)`.
    """
    crop = tl.program_id(0)
    place = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    here = place < height * width
    row = (place // width).to(tl.float32)
    column = place % width
    column = tl.where(tl.load(flipped + crop) != 0, width - 1 - column, column).to(tl.float32)
    below = row >= tl.load(corners + crop * 2)
    beside = column >= tl.load(corners + crop * 2 + 1)
    part = crop * 4 + 2 * below.to(tl.int32) + beside.to(tl.int32)
    first = tl.load(firsts + part, mask=here, other=0)
    down = tl.load(numbers + part * 6, mask=here, other=1.0)
    across = tl.load(numbers + part * 6 + 1, mask=here, other=1.0)
    top = tl.load(numbers + part * 6 + 2, mask=here, other=0.0)
    left = tl.load(numbers + part * 6 + 3, mask=here, other=0.0)
    rows = tl.load(numbers + part * 6 + 4, mask=here, other=1.0)
    columns = tl.load(numbers + part * 6 + 5, mask=here, other=1.0)
    red = tl.zeros((BLOCK,), tl.float32)
    green = tl.zeros((BLOCK,), tl.float32)
    blue = tl.zeros((BLOCK,), tl.float32)
    for spot in tl.static_range(4):
        y = (row + 0.25 + 0.5 * (spot // 2)) * down + top - 0.5
        x = (column + 0.25 + 0.5 * (spot % 2)) * across + left - 0.5
        inside = (y > -1) & (y < rows) & (x > -1) & (x < columns)
        upper = tl.floor(y)
        near = tl.floor(x)
        for corner in tl.static_range(4):
            v = upper + corner // 2
            u = near + corner % 2
            weight = (1.0 - tl.abs(y - v)) * (1.0 - tl.abs(x - u))
            v = tl.minimum(tl.maximum(v, 0.0), rows - 1).to(tl.int32)
            u = tl.minimum(tl.maximum(u, 0.0), columns - 1).to(tl.int32)
            at = pixels + (first + v * columns.to(tl.int32) + u) * 3
            look = here & inside
            red += weight * tl.load(at, mask=look, other=RED).to(tl.float32)
            green += weight * tl.load(at + 1, mask=look, other=GREEN).to(tl.float32)
            blue += weight * tl.load(at + 2, mask=look, other=BLUE).to(tl.float32)
    target = out + (crop.to(tl.int64) * height * width + place) * 3
    tl.store(target, (red * 0.25).to(out.dtype.element_ty), mask=here)
    tl.store(target + 1, (green * 0.25).to(out.dtype.element_ty), mask=here)
    tl.store(target + 2, (blue * 0.25).to(out.dtype.element_ty), mask=here)
