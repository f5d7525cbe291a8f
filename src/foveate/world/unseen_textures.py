"""Walls and grounds that no training picture shows: panels, half-timber, arches, glass; cobbles, herringbone, gravel.

Sizes and repeats are those of the textures of the same name in `textures`.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.world.textures import SHOPS_WIDE, Picture, noise

_Field = NDArray[np.floating[Any]]


def _plain(rng: np.random.Generator, size: tuple[int, int], colour: tuple[float, float, float], rough: float) -> _Field:
    base = np.clip(np.array(colour) + rng.normal(0, 0.03, 3), 0.05, 0.95) * 255
    grain = 1 + 0.04 * noise(rng, size, 4, 5)[..., None] + rng.normal(0, rough, (*size, 1))
    return (base * grain).astype(np.float32)


def _finish(picture: _Field) -> Picture:
    return np.clip(picture, 0, 255).astype(np.uint8)


def _pane(rng: np.random.Generator, height: int, width: int) -> _Field:
    """Glass with the sky in it, sometimes a blind."""
    sky = np.linspace(1.3, 0.6, height)[:, None, None] * np.array([64, 88, 96]) * rng.uniform(0.5, 1.6)
    pane = np.broadcast_to(sky, (height, width, 3)).astype(np.float32).copy()
    if rng.random() < 0.5:
        drop = int(height * rng.uniform(0.2, 1.0))
        pane[:drop:6], pane[1:drop:6], pane[2:drop:6] = 205, 190, 205
    pane[:, :: max(width // 3, 8)] = 0.5 * pane[:, :: max(width // 3, 8)]
    return pane


def facade(rng: np.random.Generator) -> Picture:
    """Four floors of four bays in one of the held-out kinds."""
    return (_slab, _timber, _arched, _glass)[rng.integers(4)](rng)


def _slab(rng: np.random.Generator) -> Picture:
    """Concrete panels with broad windows and balconies in a bright colour."""
    picture = _plain(rng, (512, 512), (0.66, 0.66, 0.63), 0.03)
    accent = rng.uniform(70, 220, 3).astype(np.float32)
    for row in range(4):
        y = row * 128
        picture[y : y + 3] *= 0.55
        for column in range(4):
            x = column * 128
            picture[:, x : x + 3] *= 0.80
            picture[y + 26 : y + 84, x + 14 : x + 118] = _pane(rng, 58, 104)
            if column % 2:
                picture[y + 76 : y + 122, x + 6 : x + 124] = accent * rng.uniform(0.85, 1.05)
                picture[y + 76 : y + 80, x + 6 : x + 124] = 225
    return _finish(picture)


def _timber(rng: np.random.Generator) -> Picture:
    """White plaster between dark beams, small windows with crosses."""
    picture = _plain(rng, (512, 512), (0.88, 0.85, 0.76), 0.02)
    beam = (float(rng.uniform(40, 80)), float(rng.uniform(25, 45)), float(rng.uniform(15, 30)))
    for row in range(4):
        y = row * 128
        cv2.rectangle(picture, (0, y), (511, y + 10), beam, -1)
        for column in range(4):
            x = column * 128
            cv2.rectangle(picture, (x, y), (x + 9, y + 127), beam, -1)
            lean = 1 if (row + column) % 2 else -1
            left, right = (x + 9, x + 40) if lean > 0 else (x + 40, x + 9)
            cv2.line(picture, (left, y + 10), (right, y + 127), beam, 9)
            picture[y + 34 : y + 92, x + 52 : x + 112] = _pane(rng, 58, 60)
            cv2.rectangle(picture, (x + 50, y + 32), (x + 113, y + 93), (235.0, 232.0, 225.0), 4)
            cv2.line(picture, (x + 82, y + 34), (x + 82, y + 92), (235.0, 232.0, 225.0), 4)
    return _finish(picture)


def _arched(rng: np.random.Generator) -> Picture:
    """Dark clinker in small courses with tall arched windows."""
    tones = [(0.36, 0.16, 0.14), (0.26, 0.22, 0.24), (0.50, 0.44, 0.20)]
    picture = _plain(rng, (512, 512), tones[rng.integers(len(tones))], 0.05)
    picture[::5] *= 1.35
    for row in range(0, 512, 5):
        picture[row : row + 5, (row // 5 % 2) * 6 :: 12] *= 1.2
    for row in range(4):
        for column in range(4):
            x, y = column * 128 + 36, row * 128 + 42
            picture[y : y + 74, x : x + 56] = _pane(rng, 74, 56)
            cv2.ellipse(picture, (x + 28, y), (32, 28), 0, 180, 360, (190.0, 180.0, 165.0), -1)
            cv2.ellipse(picture, (x + 28, y), (24, 21), 0, 180, 360, (60.0, 75.0, 85.0), -1)
            cv2.rectangle(picture, (x - 4, y + 74), (x + 60, y + 81), (190.0, 180.0, 165.0), -1)
    return _finish(picture)


def _glass(rng: np.random.Generator) -> Picture:
    """A curtain of glass in a grid of thin bars."""
    picture = np.zeros((512, 512, 3), np.float32)
    tint = rng.uniform(0.7, 1.3, 3).astype(np.float32)
    for y in range(0, 512, 64):
        for x in range(0, 512, 64):
            picture[y : y + 64, x : x + 64] = _pane(rng, 64, 64) * tint
        picture[y : y + 4] = 150
        if y % 128 == 0:
            picture[y : y + 22] = (55, 60, 66)
    for x in range(0, 512, 64):
        picture[:, x : x + 3] = 165
    return _finish(picture * (1 + 0.02 * noise(rng, (512, 512), 3, 4)[..., None]))


def shops(rng: np.random.Generator) -> Picture:
    """Three arcades in a row: pillars, deep arches, a lit window with shelves behind, a hanging board."""
    picture = _plain(rng, (256, 768), (0.74, 0.68, 0.58), 0.04)
    picture[::32] *= 0.7
    for shop in range(SHOPS_WIDE):
        _arcade(rng, picture[:, shop * 256 : (shop + 1) * 256])
    return _finish(picture)


def _arcade(rng: np.random.Generator, front: _Field) -> None:
    shade = np.ascontiguousarray(front)
    cv2.ellipse(shade, (128, 104), (98, 72), 0, 180, 360, (48.0, 44.0, 42.0), -1)
    cv2.rectangle(shade, (30, 104), (226, 255), (48.0, 44.0, 42.0), -1)
    shade[118:236, 48:160] = np.array([200, 175, 130]) * rng.uniform(0.6, 1.1)
    for shelf in range(4):
        y = 128 + 28 * shelf
        shade[y + 22 : y + 25, 48:160] = 70
        for x in range(52, 156, 13):
            shade[y + int(rng.integers(2, 14)) : y + 22, x : x + 9] = rng.uniform(40, 235, 3)
    shade[112:256, 172:214] = _pane(rng, 144, 42)
    shade[60:100, 92:164] = rng.uniform(30, 220, 3)
    letters = np.zeros(shade.shape[:2], np.uint8)
    cv2.putText(letters, "".join(rng.choice(list("HJQWXYZ"), 3)), (98, 90), 1, 1.6, 255, 2, cv2.LINE_AA)
    shade[letters > 127] = (240, 236, 225)
    front[:] = shade


def asphalt(rng: np.random.Generator) -> Picture:
    """A road of rounded cobbles in arcs, or of concrete slabs with tarred joints; repeats every 8 m."""
    return _cobbles(rng, stones=44) if rng.random() < 0.5 else _slabs(rng)


def _cobbles(rng: np.random.Generator, *, stones: int) -> Picture:
    size, step = (512, 512), 512 / stones
    picture = _plain(rng, size, (0.20, 0.19, 0.18), 0.05)
    tone = np.array([0.46, 0.43, 0.40]) * rng.uniform(0.8, 1.2) * 255
    for row in range(stones + 1):
        for column in range(stones + 1):
            bow = 0.8 * step * np.sin(4 * np.pi * column / stones)
            x, y = (column + 0.5 * (row % 2)) * step, row * step + bow
            shade = tone * rng.uniform(0.7, 1.25)
            centre = (int(x % 512), int(y % 512))
            cv2.ellipse(
                picture, centre, (int(0.44 * step), int(0.38 * step)), 0, 0, 360, shade.tolist(), -1, cv2.LINE_AA
            )
    return _finish(picture * (1 + rng.normal(0, 0.04, (*size, 1))))


def _slabs(rng: np.random.Generator) -> Picture:
    picture = _plain(rng, (512, 512), (0.60, 0.58, 0.54), 0.05)
    for at in (0, 256):
        picture[at : at + 5] = picture[:, at : at + 5] = 45
        picture[at : at + 256, : rng.integers(200, 300)] *= rng.uniform(0.9, 1.08)
    return _finish(picture)


def paving(rng: np.random.Generator) -> Picture:
    """Bricks in a herringbone, or small cobbles; repeats every 4 m."""
    return _herringbone(rng) if rng.random() < 0.6 else _cobbles(rng, stones=30)


def _herringbone(rng: np.random.Generator) -> Picture:
    picture = _plain(rng, (512, 512), (0.30, 0.26, 0.24), 0.04)
    tone = np.array([(0.62, 0.36, 0.26), (0.66, 0.56, 0.40), (0.44, 0.40, 0.42)][rng.integers(3)]) * 255
    for row in range(32):
        for column in range(32):
            if (row + column) % 4 in (0, 2):
                flat = (row + column) % 4 == 0
                y, x = row * 16, column * 16
                high, wide = (14, 30) if flat else (30, 14)
                picture[y + 1 : y + high, x + 1 : x + wide] = tone * rng.uniform(0.75, 1.2)
    return _finish(picture * (1 + rng.normal(0, 0.04, (512, 512, 1))))


def grass(rng: np.random.Generator) -> Picture:
    """Gravel with tufts; repeats every 4 m."""
    picture = _plain(rng, (256, 256), (0.58, 0.53, 0.44), 0.14)
    tufts = np.clip(noise(rng, (256, 256), 8, 4) - 1.2, 0, 1)[..., None]
    return _finish(picture * (1 - tufts) + tufts * np.array([110, 120, 60]))


def floor(rng: np.random.Generator) -> Picture:
    """A hall's floor of wooden planks; repeats every 4 m."""
    picture = np.zeros((1024, 1024, 3), np.float32)
    tone = np.array([0.58, 0.42, 0.28]) * rng.uniform(0.7, 1.25) * 255
    for row in range(32):
        cut = int(rng.integers(200, 800))
        for start, end in ((0, cut), (cut, 1024)):
            picture[row * 32 : row * 32 + 32, start:end] = tone * rng.uniform(0.75, 1.2)
        picture[row * 32 : row * 32 + 2] *= 0.55
        picture[row * 32 : row * 32 + 32, cut : cut + 2] *= 0.55
    streaks = cv2.resize(rng.normal(1, 0.08, (512, 24)).astype(np.float32), (1024, 1024))
    return _finish(picture * streaks[..., None] * (1 + rng.normal(0, 0.02, (1024, 1024, 1))))


def lit_shop(rng: np.random.Generator, *, wall: tuple[float, float, float]) -> Picture:
    """One shop of 7.5 m by 4.5 m of a hall: a lit arcade between pilasters."""
    front = _plain(rng, (256, 256), wall, 0.03)
    front[:, :14] = front[:, -14:] = np.asarray(wall) * 160
    _arcade(rng, front)
    large = cv2.resize(front, (960, 576), interpolation=cv2.INTER_CUBIC)
    return _finish(large * (1 + rng.normal(0, 0.02, (576, 960, 1))))
