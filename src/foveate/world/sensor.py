"""What a camera's sensor and processing do to the light: blur, exposure, white balance, noise, sharpening."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from foveate.world.mesh import Colour, Floats
from foveate.world.textures import Picture


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """One camera's character."""

    blur: float
    """Standard deviation of the lens blur, pixels at a height of 720."""
    noise: float
    """Standard deviation of the noise, grey levels of 255."""
    gains: Colour
    """White balance: factor on red, green and blue."""
    contrast: float
    """Exponent on the picture's 0..1 range."""
    curve: float
    """Strength of an s-shaped tone curve, 0..1."""
    saturation: float
    """Distance from grey, 1 leaves it."""
    sharpen: float
    """Unsharp masking after the blur, 0..1."""
    vignette: float
    """Loss of light in the corners, 0..1."""
    level: float
    """Mean grey level that the exposure meter aims at, 0..255."""


def random_sensor(rng: np.random.Generator) -> Sensor:
    """From a good camera to a cheap one."""
    warm = rng.normal(0, 0.04)
    gain = rng.uniform(0.9, 1.15)
    return Sensor(
        blur=float(rng.uniform(0.5, 1.0)),
        noise=float(rng.uniform(0.6, 4.0)),
        gains=(float(gain * (1 + warm)), float(gain), float(gain * (1 - warm))),
        contrast=float(rng.uniform(0.85, 1.25)),
        curve=float(rng.uniform(0, 0.6)),
        saturation=float(rng.uniform(0.55, 1.02)),
        sharpen=float(rng.uniform(0, 0.6)),
        vignette=float(rng.uniform(0, 0.2)),
        level=float(rng.uniform(88, 138)),
    )


def dulled(sensor: Sensor) -> Sensor:
    """`sensor` on a grey day: a little more noise, less contrast, little colour."""
    return replace(
        sensor,
        noise=0.8 + 1.1 * sensor.noise,
        contrast=0.5 + 0.5 * sensor.contrast,
        curve=0.35 * sensor.curve,
        saturation=0.8 * sensor.saturation,
        level=0.92 * sensor.level,
    )


def nocturnal(sensor: Sensor) -> Sensor:
    """`sensor` at night: far more noise, a darker picture."""
    return replace(
        sensor,
        noise=2.2 + 0.9 * sensor.noise,
        contrast=0.85 + 0.15 * sensor.contrast,
        curve=0.3 * sensor.curve,
        saturation=0.25 + 0.75 * sensor.saturation,
        sharpen=0.5 * sensor.sharpen,
        level=0.55 * sensor.level,
    )


def _tone(sensor: Sensor) -> Picture:
    level = np.linspace(0, 1, 256)[:, None] * np.asarray(sensor.gains)
    level = np.clip(level, 0, 1) ** sensor.contrast
    bent = level * level * (3 - 2 * level)
    table = (1 - sensor.curve) * level + sensor.curve * bent
    curve: Picture = np.clip(table * 255 + 0.5, 0, 255).astype(np.uint8)
    return curve


def _grain(shape: tuple[int, ...], deviation: float, rng: np.random.Generator) -> Floats:
    """Noise of a 256-pixel tile, shifted and repeated: drawing a frame of normal numbers costs more than a render."""
    tile = rng.normal(0, deviation, (256, 256, 3)).astype(np.float32)
    tile = 0.75 * tile + 0.25 * cv2.GaussianBlur(tile, (3, 3), 0.8) * 2
    repeats = (-(-shape[0] // 256), -(-shape[1] // 256), 1)
    return np.tile(tile, repeats)[: shape[0], : shape[1]]


@lru_cache(maxsize=2)
def _falloff(shape: tuple[int, int], strength: float) -> Floats:
    y, x = np.linspace(-1, 1, shape[0])[:, None], np.linspace(-1, 1, shape[1])[None]
    fall: Floats = (1 - strength * (x * x + y * y) / 2).astype(np.float32)
    return fall[..., None]


def meter(picture: Floats, sensor: Sensor) -> float:
    """The exposure, a factor on the light, that brings `picture` near the sensor's level."""
    return float(np.clip(sensor.level / max(float(picture[::8, ::8].mean()), 1.0), 0.6, 2.4))


def develop(picture: Floats, sensor: Sensor, rng: np.random.Generator, *, exposure: float) -> Picture:
    """The photograph of `picture`, float32 `(H, W, 3)` of 0..255; `rng` draws the noise."""
    sigma = sensor.blur * picture.shape[0] / 720
    soft: Any = cv2.GaussianBlur(picture * np.float32(exposure), (0, 0), sigma)
    if sensor.sharpen > 0.05:
        soft = soft + sensor.sharpen * (soft - cv2.GaussianBlur(soft, (0, 0), 1.2))
    grey = np.full((3, 3), (1 - sensor.saturation) / 3)
    soft = cv2.transform(soft, grey + sensor.saturation * np.eye(3)) * _falloff(picture.shape[:2], sensor.vignette)
    toned = cv2.LUT(np.clip(soft, 0, 255).astype(np.uint8), _tone(sensor)[:, None].transpose(1, 0, 2))
    photograph: Picture = np.clip(toned + _grain(picture.shape, sensor.noise, rng), 0, 255).astype(np.uint8)
    return photograph
