"""Procedural textures: uint8 `(H, W, 3)` RGB pictures made from a generator, albedo gamma-encoded."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Picture = NDArray[np.uint8]
_Field = NDArray[np.floating[Any]]

FACADE_BAYS, FACADE_FLOORS = 4, 4
"""How many windows a facade texture holds along its width and its height."""
SHOPS_WIDE = 3
"""How many shops a shop texture holds along its width."""


def noise(rng: np.random.Generator, size: tuple[int, int], cells: int, octaves: int = 4) -> _Field:
    """Smooth noise about 0 with deviation near 1, `size` `(H, W)`; `cells` is the coarsest grain count along W."""
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        columns = min(cells * 2**octave, size[1])
        rows = max(2, columns * size[0] // size[1])
        grain = rng.normal(0, 1, (rows, columns)).astype(np.float32)
        total += cv2.resize(grain, size[::-1], interpolation=cv2.INTER_CUBIC) * 0.6**octave
    return total


def _paint(base: ArrayLike, field: _Field, amount: float) -> _Field:
    painted: _Field = (np.asarray(base, np.float32) * 255 * (1 + amount * field[..., None])).astype(np.float32)
    return painted


def _finish(picture: _Field) -> Picture:
    return np.clip(picture, 0, 255).astype(np.uint8)


def asphalt(rng: np.random.Generator) -> Picture:
    """A road surface with patches, cracks and grain; repeats every 8 m."""
    size = (512, 512)
    grey = rng.uniform(0.30, 0.46)
    picture = _paint((grey, grey, grey * 1.02), noise(rng, size, 4, 5), 0.035)
    picture *= 1 + rng.normal(0, 0.06, (*size, 1))
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.integers(0, 512, 2)
        w, h = rng.integers(30, 180, 2)
        picture[y : y + h, x : x + w] *= rng.uniform(0.85, 1.1)
    for _ in range(int(rng.integers(2, 8))):
        walk = np.cumsum(rng.normal(0, 7, (40, 2)) + rng.normal(0, 4, 2), axis=0) + rng.integers(0, 512, 2)
        cv2.polylines(picture, [walk.astype(np.int32)], isClosed=False, color=[grey * 140] * 3, lineType=cv2.LINE_AA)
    return _finish(picture)


def paving(rng: np.random.Generator) -> Picture:
    """Pavement slabs; repeats every 4 m."""
    size, tiles = (512, 512), int(rng.choice([4, 6, 8, 12]))
    base = np.array([0.60, 0.58, 0.55]) * rng.uniform(0.75, 1.2) + rng.normal(0, 0.02, 3)
    shades = cv2.resize(rng.normal(1, 0.05, (tiles, tiles)).astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
    picture = _paint(base, noise(rng, size, 5, 5), 0.04) * shades[..., None]
    step = 512 // tiles
    for k in range(tiles):
        picture[k * step : k * step + 2] *= 0.78
        picture[:, k * step : k * step + 2] *= 0.78
    return _finish(picture * (1 + rng.normal(0, 0.03, (*size, 1))))


def grass(rng: np.random.Generator) -> Picture:
    """Lawn; repeats every 4 m."""
    size = (256, 256)
    return _finish(_paint((0.33, 0.42, 0.20), noise(rng, size, 6, 5), 0.12) * (1 + rng.normal(0, 0.12, (*size, 1))))


def _masonry(rng: np.random.Generator, size: tuple[int, int]) -> _Field:
    palette = np.array(
        [
            (0.62, 0.38, 0.30),
            (0.72, 0.60, 0.46),
            (0.80, 0.77, 0.70),
            (0.55, 0.52, 0.50),
            (0.70, 0.48, 0.36),
            (0.86, 0.80, 0.62),
            (0.45, 0.30, 0.26),
            (0.66, 0.70, 0.72),
        ]
    )
    base = np.clip(palette[rng.integers(len(palette))] + rng.normal(0, 0.04, 3), 0.1, 0.95)
    picture = _paint(base, noise(rng, size, 3, 5), 0.04)
    if rng.random() < 0.5:
        rows, step = np.arange(0, size[0], 6), 14
        picture *= cv2.resize(
            rng.normal(1, 0.05, (size[0] // 6, size[1] // step)).astype(np.float32),
            size[::-1],
            interpolation=cv2.INTER_NEAREST,
        )[..., None]
        picture[rows] *= 0.88
        for row in rows:
            picture[row : row + 6, (row // 6 % 2) * step // 2 :: step] *= 0.9
    return picture


def _window(rng: np.random.Generator, height: int, width: int, frame: _Field) -> _Field:
    sky = np.linspace(1.25, 0.7, height)[:, None, None] * np.array([70, 84, 100]) * rng.uniform(0.6, 1.5)
    pane = np.broadcast_to(sky, (height, width, 3)).astype(np.float32).copy()
    slope = (np.arange(width)[None] + np.arange(height)[:, None] * 0.6 + rng.integers(0, 200)) % 97 < rng.integers(
        10, 50
    )
    pane[slope] *= 1.18
    if rng.random() < 0.45:
        drop = int(height * rng.uniform(0.15, 1.0))
        pane[:drop] = 0.45 * pane[:drop] + 0.55 * np.array(
            rng.choice([[215, 208, 195], [150, 130, 110], [235, 235, 230]]), np.float32
        )
    if rng.random() < 0.3:
        side = int(width * rng.uniform(0.1, 0.3))
        pane[:, :side] = pane[:, -side:] = rng.uniform(120, 225)
    middle = width // 2
    pane[:, middle - 2 : middle + 2] = frame
    pane[int(height * 0.3) : int(height * 0.3) + 3] = frame
    pane[:3] = pane[-3:] = frame
    pane[:, :3] = pane[:, -3:] = frame
    return pane


def facade(rng: np.random.Generator) -> Picture:
    """Four floors of four windows in brick or plaster, with sills, cornices, sometimes balconies."""
    side = 512
    picture = _masonry(rng, (side, side))
    cell, frame = side // 4, np.float32(rng.choice([230, 60, 110])) * np.ones(3, np.float32)
    wide, tall = int(cell * rng.uniform(0.34, 0.72)), int(cell * rng.uniform(0.45, 0.78))
    balcony, shutter = rng.random() < 0.3, rng.random() < 0.25
    trim = rng.uniform(0.75, 1.25)
    shutters = rng.uniform(40, 160, 3).astype(np.float32)
    for row in range(4):
        picture[row * cell : row * cell + 4] *= trim
        for column in range(4):
            x, y = column * cell + (cell - wide) // 2, row * cell + (cell - tall) // 2
            picture[y - 4 : y + tall + 7, x - 4 : x + wide + 4] *= trim
            picture[y + tall : y + tall + 4, x - 6 : x + wide + 6] = 190 * trim
            picture[y : y + tall, x : x + wide] = _window(rng, tall, wide, frame)
            if shutter:
                gap = min(14, (cell - wide) // 2 - 1)
                picture[y : y + tall, x - gap : x] = picture[y : y + tall, x + wide : x + wide + gap] = shutters
            if balcony:
                rail = picture[y + int(0.55 * tall) : y + tall + 4, x - 6 : x + wide + 6]
                rail[:, ::5], rail[:3] = 45, 45
    return _finish(picture)


def shops(rng: np.random.Generator) -> Picture:
    """Three ground floors in a row: a sign, a display window with goods, a door."""
    height, width = 256, 768
    picture = _masonry(rng, (height, width))
    for shop in range(SHOPS_WIDE):
        _shop(rng, picture[:, shop * 256 + 6 : (shop + 1) * 256 - 6])
    return _finish(picture)


def _shop(rng: np.random.Generator, front: _Field) -> None:
    colour, width = rng.uniform(30, 210, 3).astype(np.float32), front.shape[1]
    front[20:, :] = colour * 0.8
    front[24:64, 4:-4] = colour
    letters = np.zeros((64, width), np.uint8)
    cv2.putText(letters, word(rng), (18, 54), int(rng.choice([0, 2, 3])), 1.0, 255, 2, cv2.LINE_AA)
    ink = letters[..., None] / np.float32(255)
    front[:64] = front[:64] * (1 - ink) + (255 - colour) * ink
    front[72:232, 8 : width - 70] = _window(rng, 160, width - 78, np.float32(40) * np.ones(3, np.float32))
    for _ in range(int(rng.integers(4, 16))):
        x, y = int(rng.integers(14, width - 100)), int(rng.integers(120, 200))
        front[y : y + rng.integers(8, 32), x : x + rng.integers(6, 26)] = rng.uniform(40, 230, 3)
    front[80:252, width - 60 : width - 8] = _window(
        rng, 172, 52, np.float32(rng.choice([40, 200])) * np.ones(3, np.float32)
    )
    front[250:] = 90
    if rng.random() < 0.35:
        stripes = (np.arange(width) // 16 % 2 == 0)[None, :, None]
        front[62:88] = np.where(stripes, colour, 235)


def word(rng: np.random.Generator) -> str:
    """What a sign says: two to four syllables."""
    syllables = [
        "CA",
        "FE",
        "MO",
        "RA",
        "LI",
        "BO",
        "TEX",
        "SHO",
        "P",
        "NO",
        "VA",
        "KI",
        "DER",
        "MAR",
        "KET",
        "SUN",
    ]
    return "".join(str(s) for s in rng.choice(syllables, int(rng.integers(2, 5))))


def sky(rng: np.random.Generator, *, zenith: ArrayLike, horizon: ArrayLike, cover: float) -> Picture:
    """The dome as a panorama: rows from the zenith (0) to 10 degrees below the horizon, columns all round."""
    size = (256, 1024)
    elevation = np.clip(np.linspace(90, -10, size[0]) / 90, 0, 1)[:, None, None] ** 0.55
    picture = np.asarray(horizon) * (1 - elevation) + np.asarray(zenith) * elevation
    field = noise(rng, size, 6, 6)
    field[:, -64:] += (field[:, :1] - field[:, -1:]) * np.linspace(0, 1, 64)[None]
    cloud = np.clip((field - 1.6 + 2.4 * cover) * 0.7, 0, 0.95)[..., None] * np.clip(elevation * 3, 0, 1)
    shaded = np.array([1.0, 1.0, 1.0]) - 0.12 * np.clip(noise(rng, size, 10, 4), 0, 1.5)[..., None]
    return _finish(((picture * (1 - cloud) + shaded * cloud) * 255).astype(np.float32))
