"""Procedural textures of a hall: polished tiles, lit shop windows, a ceiling with lamps, doors, posters."""

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.world.mesh import Colour, Floats
from foveate.world.textures import Picture, noise, word

Sheet = NDArray[np.float32]
"""`(H, W, 3)` of 0..255 while it is being painted."""


def _sheet(base: tuple[float, float, float] | Floats, field: Floats, amount: float) -> Sheet:
    return (np.asarray(base, np.float32) * 255 * (1 + amount * field[..., None])).astype(np.float32)


def _picture(sheet: Sheet) -> Picture:
    return np.clip(sheet, 0, 255).astype(np.uint8)


def tiles(rng: np.random.Generator) -> Picture:
    """A stone floor with veins, joints and a darker inlay; repeats every 4 m."""
    size, count = (1024, 1024), int(rng.choice([4, 5, 8]))
    base = np.array([0.74, 0.70, 0.64]) * rng.uniform(0.75, 1.08) + rng.normal(0, 0.03, 3)
    veins = np.abs(noise(rng, size, 5, 6)) ** 0.5
    floor = _sheet(base, noise(rng, size, 8, 6), 0.03) * (0.93 + 0.09 * veins[..., None]).astype(np.float32)
    shades = rng.normal(1, 0.035, (count, count)).astype(np.float32)
    floor *= cv2.resize(shades, size, interpolation=cv2.INTER_NEAREST)[..., None]
    step = 1024 // count
    if rng.random() < 0.6:
        inlay = np.asarray(rng.uniform(0.35, 0.7, 3), np.float32)
        floor[:step, :] *= inlay
        floor[step:, :step] *= inlay
    for k in range(count):
        floor[k * step : k * step + 3] *= 0.72
        floor[:, k * step : k * step + 3] *= 0.72
    return _picture(floor * (1 + rng.normal(0, 0.025, (*size, 1))).astype(np.float32))


def lit_shop(rng: np.random.Generator, *, wall: Colour) -> Picture:
    """One shop of 7.5 m by 4.5 m: pilasters, a lit sign, a window on bright shelves, an open door."""
    height, width = 576, 960
    front = _sheet(wall, noise(rng, (height, width), 4, 5), 0.04)
    front[:, ::120] *= 0.9
    _sign(rng, front[40:136, 40 : width - 40])
    _shelves(rng, front[150 : height - 26, 48 : width - 260])
    _doorway(rng, front[150:height, width - 236 : width - 48])
    for x in (40, width - 254, width - 44):
        front[144:, x : x + 8] = rng.uniform(30, 190)
    front[144:152, 40 : width - 40] = 60
    front[height - 26 :, 40 : width - 240] = front[height - 26 :, 40 : width - 240] * 0.5
    return _picture(front)


def _sign(rng: np.random.Generator, board: Sheet) -> None:
    colour = rng.uniform(15, 235, 3).astype(np.float32)
    board[:] = colour
    letters = np.zeros(board.shape[:2], np.uint8)
    scale, text = float(rng.uniform(1.8, 2.7)), word(rng)
    font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX]))
    (wide, _), _ = cv2.getTextSize(text, font, scale, 5)
    at = (int(rng.integers(20, max(21, board.shape[1] - wide - 20))), 74)
    cv2.putText(letters, text, at, font, scale, 255, 5, cv2.LINE_AA)
    ink = letters[..., None].astype(np.float32) / 255
    bright = 255.0 if colour.mean() < 150 else 25.0
    board[:] = board * (1 - ink) + bright * ink


def _shelves(rng: np.random.Generator, window: Sheet) -> None:
    height, width = window.shape[:2]
    glow = rng.uniform(0.75, 1.0) * np.array([255, rng.uniform(232, 250), rng.uniform(200, 245)])
    fade = np.linspace(1.0, 0.72, height)[:, None, None]
    window[:] = (glow * fade * (1 + 0.03 * noise(rng, (height, width), 6, 3))[..., None]).astype(np.float32)
    rows = int(rng.integers(2, 5))
    for row in range(rows):
        foot = int((row + 1) * (height - 40) / rows)
        _goods(rng, window, foot, int(0.72 * (height - 40) / rows))
        window[foot : foot + 7] *= 0.45
    for x in rng.integers(0, width, int(rng.integers(2, 5))):
        window[:, x : x + 5] *= 0.35
    for x in range(30, width - 10, int(rng.integers(60, 130))):
        window[4:14, x - 12 : x + 12] = 255
    gleam = (np.arange(width)[None] + 0.5 * np.arange(height)[:, None] + rng.integers(0, 300)) % 310 < 46
    window[gleam] += 0.16 * (255 - window[gleam])


def _goods(rng: np.random.Generator, window: Sheet, foot: int, tall: int) -> None:
    x, tint = 6, rng.uniform(30, 235, (6, 3))
    while x < window.shape[1] - 50:
        wide, high = int(rng.integers(10, 46)), int(tall * rng.uniform(0.3, 1.0))
        colour = np.clip(tint[rng.integers(6)] + rng.normal(0, 18, 3), 10, 250)
        thing = window[foot - high : foot, x : x + wide]
        thing[:] = colour * np.linspace(1.08, 0.72, wide)[None, :, None]
        if rng.random() < 0.5:
            thing[high // 4 : high // 3 + 3] = 255 - colour
        x += wide + int(rng.integers(0, 26))


def _doorway(rng: np.random.Generator, door: Sheet) -> None:
    height, width = door.shape[:2]
    door[:] = np.linspace(215, 120, height)[:, None, None] * rng.uniform(0.7, 1.05, 3)
    for _ in range(14):
        x, y = int(rng.integers(0, width - 20)), int(rng.integers(height // 4, height - 60))
        door[y : y + rng.integers(20, 90), x : x + rng.integers(10, 46)] = rng.uniform(30, 220, 3)
    door[height - 70 :] = door[height - 70 :] * 0.5 + 45
    door[:8] = 245


def ceiling(rng: np.random.Generator) -> Picture:
    """Panels with joints, rows of lamps and air vents; repeats every 6 m. Lamps are white, all else is darker."""
    size = (768, 768)
    panels = _sheet((0.62, 0.62, 0.60), noise(rng, size, 6, 4), 0.02)
    step = int(rng.choice([64, 96, 128]))
    panels[::step] = panels[:, ::step] = 105
    panels[1::step] = panels[:, 1::step] = 120
    if rng.random() < 0.5:
        panels[340:420, 60:708] = 255
        panels[334:340, 54:714] = panels[420:426, 54:714] = 90
    else:
        for x in range(96, 768, 192):
            for y in range(96, 768, 192):
                cv2.circle(panels, (x, y), 34, (95, 95, 95), -1, cv2.LINE_AA)
                cv2.circle(panels, (x, y), 27, (255, 255, 255), -1, cv2.LINE_AA)
    panels[150:230:8, 300:460] = 60
    return _picture(panels)


def upper_wall(rng: np.random.Generator, *, wall: Colour) -> Picture:
    """Cladding above the shops, with a lit cove under the ceiling; 6 m wide."""
    size = (256, 768)
    cladding = _sheet(wall, noise(rng, size, 5, 5), 0.03)
    cladding[:, ::192] *= 0.75
    cladding[120:124] *= 0.75
    glow = np.clip(1 - np.arange(256) / 90, 0, 1)[:, None, None]
    return _picture((cladding + glow * (np.array([255, 244, 222]) - cladding)).astype(np.float32))


def portal(rng: np.random.Generator) -> Picture:
    """The end of a hall: a glazed wall over a row of doors; 12 m wide."""
    size = (768, 1024)
    wall = _sheet((0.5, 0.52, 0.54), noise(rng, size, 4, 4), 0.04)
    for row in range(3):
        for column in range(8):
            y, x = 20 + row * 130, 12 + column * 126
            light = rng.uniform(150, 215) * np.array([0.86, 0.95, 1.0])
            wall[y : y + 118, x : x + 114] = light * np.linspace(1.1, 0.8, 118)[:, None, None]
    wall[418:452] = (28, 52, 40)
    for column in range(8):
        x = 12 + column * 126
        wall[460:762, x : x + 114] = np.linspace(165, 60, 302)[:, None, None] * np.array([0.9, 0.97, 1.0])
        wall[460:762, x + 54 : x + 60] = 40
        wall[600:606, x : x + 114] = 190
    return _picture(wall)


def poster(rng: np.random.Generator) -> Picture:
    """A lit poster of 1.2 m by 1.8 m."""
    size = (384, 256)
    sheet = _picture(_sheet(rng.uniform(0.3, 1.0, 3), noise(rng, size, 2, 3), 0.35))
    for _ in range(int(rng.integers(2, 6))):
        centre = (int(rng.integers(20, 236)), int(rng.integers(60, 330)))
        cv2.circle(sheet, centre, int(rng.integers(14, 70)), rng.uniform(20, 250, 3).tolist(), -1, cv2.LINE_AA)
    for row in range(3):
        cv2.putText(sheet, word(rng), (16, 50 + 140 * row), 2, 1.1, rng.uniform(0, 255, 3).tolist(), 3, cv2.LINE_AA)
    return sheet
