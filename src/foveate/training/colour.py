"""What cameras and codecs do to colours: exposure, white balance, blur, noise and JPEG blocks."""

from dataclasses import dataclass

import cv2
import numpy as np
import simplejpeg

from foveate.core import InputError, Pixels


@dataclass(frozen=True, kw_only=True)
class ColourConfig:
    """How colours vary. Raises `InputError` for shares outside 0..1 or qualities that are no range in 1..100."""

    hue: float = 8.0
    """Largest turn of the hue, in OpenCV's 180 steps."""
    saturation: float = 0.5
    """Largest relative change."""
    contrast: float = 0.35
    """Largest relative change."""
    brightness: float = 30.0
    """Largest shift, grey levels."""
    grey_share: float = 0.05
    blur_share: float = 0.1
    noise_share: float = 0.1
    jpeg_share: float = 0.3
    jpeg_quality: tuple[int, int] = (20, 90)

    def __post_init__(self) -> None:
        for name in ("grey_share", "blur_share", "noise_share", "jpeg_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must lie in 0..1, got {getattr(self, name)}")
        if not 1 <= self.jpeg_quality[0] <= self.jpeg_quality[1] <= 100:
            raise InputError(f"jpeg_quality must be a range in 1..100, got {self.jpeg_quality}")


def recolour(pixels: Pixels, config: ColourConfig, rng: np.random.Generator) -> Pixels:
    """Random colours, blur, noise and compression on uint8 `(H, W, 3)` RGB."""
    pixels = _turn_hue(pixels, config, rng)
    pixels = _expose(pixels, config, rng)
    if rng.random() < config.blur_share:
        pixels = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.3, 1.5)))  # type: ignore[assignment]
    if rng.random() < config.noise_share:
        pixels = _add_noise(pixels, rng)
    if rng.random() < config.jpeg_share:
        quality = int(rng.integers(config.jpeg_quality[0], config.jpeg_quality[1] + 1))
        pixels = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, "RGB", "420"))
    return pixels


def _turn_hue(pixels: Pixels, config: ColourConfig, rng: np.random.Generator) -> Pixels:
    turn = rng.uniform(-config.hue, config.hue)
    gain = 0.0 if rng.random() < config.grey_share else 1 + rng.uniform(-config.saturation, config.saturation)
    levels = np.arange(256)
    table = np.stack([(levels + turn) % 180, (levels * gain).clip(0, 255), levels], axis=1).astype(np.uint8)
    hsv = cv2.LUT(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV), table[None])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)  # type: ignore[return-value]


def _expose(pixels: Pixels, config: ColourConfig, rng: np.random.Generator) -> Pixels:
    gain = 1 + rng.uniform(-config.contrast, config.contrast)
    shift = rng.uniform(-config.brightness, config.brightness)
    table = ((np.arange(256) - 128) * gain + 128 + shift).clip(0, 255).astype(np.uint8)
    return cv2.LUT(pixels, table)  # type: ignore[return-value]


def _add_noise(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    noise = rng.normal(0, rng.uniform(2, 10), pixels.shape[:2]).astype(np.float32)
    noisy: Pixels = (pixels + noise[..., None]).clip(0, 255).astype(np.uint8)
    return noisy
