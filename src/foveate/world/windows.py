"""Lit windows: sheets just in front of the walls, each over one window or shop of the wall's texture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foveate.world.mesh import Floats, Mesh, merged, quad
from foveate.world.surfaces import Surface
from foveate.world.textures import FACADE_BAYS, FACADE_FLOORS, SHOPS_WIDE, Picture

HOMES = range(1, 33)
"""Codes of windows of homes."""
SHOPS = range(33, 49)
"""Codes of shop windows."""
_AHEAD = 0.02
"""Metres in front of the wall."""
_LEAST = (0.34, 0.45)
"""Width and height of the smallest window, shares of its bay and floor."""
_DISPLAYS = ((14, 180, 72, 232), (190, 242, 80, 252), (10, 246, 24, 64))
"""Left, right, top and bottom of the display window, the door and the sign within a shop of 256 pixels."""


def random_palette(rng: np.random.Generator) -> Floats:
    """`(256, 3)`: the light behind windows, linear RGB."""
    palette = np.zeros((256, 3), np.float32)
    tints = np.array([(1.0, 0.62, 0.28), (1.0, 0.74, 0.45), (1.0, 0.85, 0.62), (0.75, 0.85, 1.0), (0.45, 0.6, 1.0)])
    for code in HOMES:
        palette[code] = tints[rng.choice(5, p=[0.3, 0.34, 0.2, 0.1, 0.06])] * rng.gamma(3, 0.9)
    for code in SHOPS:
        palette[code] = tints[rng.choice(4, p=[0.1, 0.3, 0.35, 0.25])] * rng.uniform(1.2, 3.6)
    return palette


def lit_windows(surfaces: Sequence[Surface], rng: np.random.Generator) -> tuple[Mesh, NDArray[np.uint8]]:
    """Sheets over the lit windows of all walls among `surfaces`, and the code of each vertex."""
    sheets: list[Mesh] = []
    codes: list[int] = []
    for surface in surfaces:
        if surface.ground:
            continue
        is_shop = surface.texture.shape[1] >= 2 * surface.texture.shape[0]
        window = _LEAST if is_shop else window_of(surface.texture)
        for first in range(0, len(surface.uv) - 3, 4):
            corners, repeats = surface.mesh.points[first : first + 4], surface.uv[first + 2]
            found = _shops(repeats, rng) if is_shop else _homes(repeats, window, rng)
            for area, code in found:
                sheets.append(_sheet(corners, repeats, area))
                codes.append(code)
    nothing = quad([(0, 0, -9)] * 4, (0, 0, 0))
    return merged([nothing, *sheets]), np.repeat(np.array([0, *codes], np.uint8), 4)


Area = tuple[float, float, float, float]
"""Left, right, bottom and top in texture coordinates."""


def _homes(repeats: Floats, window: tuple[float, float], rng: np.random.Generator) -> list[tuple[Area, int]]:
    bays, floors = (int(np.floor(r * n + 1e-3)) for r, n in zip(repeats, (FACADE_BAYS, FACADE_FLOORS), strict=True))
    awake = float(rng.beta(2.2, 4.0))
    found: list[tuple[Area, int]] = []
    for bay, floor in np.argwhere(rng.random((bays, floors)) < awake):
        x, y, code = (bay + 0.5) / FACADE_BAYS, (floor + 0.5) / FACADE_FLOORS, int(rng.choice(HOMES))
        half, tall = window[0] / 2 / FACADE_BAYS, window[1] / 2 / FACADE_FLOORS
        # The bar in the middle stays dark.
        bar = 0.016 / FACADE_BAYS
        found += [((x - half, x - bar, y - tall, y + tall), code), ((x + bar, x + half, y - tall, y + tall), code)]
    return found


def _shops(repeats: Floats, rng: np.random.Generator) -> list[tuple[Area, int]]:
    found: list[tuple[Area, int]] = []
    for shop in range(int(np.floor(repeats[0] * SHOPS_WIDE + 1e-3))):
        code = int(rng.choice(SHOPS))
        for place, (left, right, top, bottom) in enumerate(_DISPLAYS):
            if rng.random() < (0.72, 0.72, 0.5)[place]:
                x = tuple((shop + edge / 256) / SHOPS_WIDE for edge in (left, right))
                found.append(((x[0], x[1], 1 - bottom / 256, 1 - top / 256), code))
    return found


def _sheet(corners: Floats, repeats: Floats, area: Area) -> Mesh:
    origin, along, up = corners[0], (corners[1] - corners[0]) / repeats[0], (corners[3] - corners[0]) / repeats[1]
    out = np.cross(along, up)
    base = origin + out / max(float(np.linalg.norm(out)), 1e-9) * _AHEAD
    left, right, bottom, top = area
    return quad([base + x * along + y * up for x, y in ((left, bottom), (right, bottom), (right, top), (left, top))], 0)


def window_of(texture: Picture) -> tuple[float, float]:
    """Width and height of the windows of a facade, shares of bay and floor, read from the frames in its texture.

    The bar in the middle of a window has the frame's colour; the frame is three pixels wide all round.
    """
    bay, floor = texture.shape[1] // FACADE_BAYS, texture.shape[0] // FACADE_FLOORS
    cell = texture[:floor, :bay].astype(np.int16)
    frame = cell[int(0.44 * floor), bay // 2]
    is_frame = np.all(cell == frame, axis=-1)
    halves = [_edge(is_frame[row, bay // 2 :], skip=0) for row in range(int(0.32 * floor), int(0.5 * floor))]
    talls = [_edge(is_frame[: floor // 2, bay // 2 + gap][::-1], skip=1) for gap in range(6, 12)]
    wide, tall = (2 * float(np.median(found)) for found in (halves, talls))
    sound = _LEAST[0] <= wide / bay <= 0.8 and _LEAST[1] <= tall / floor <= 0.85
    return (wide / bay, tall / floor) if sound else _LEAST


def _edge(line: NDArray[np.bool_], *, skip: int) -> int:
    """Pixels from the start of `line` to its run number `skip` of three that comes after a gap; 0 for none."""
    starts = np.flatnonzero(line[2:] & line[1:-1] & line[:-2] & ~np.concatenate([[True], line[:-3]]))
    return int(starts[skip]) if len(starts) > skip else 0
