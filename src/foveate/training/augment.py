"""Crops of random scale and place, flips and mosaics: geometry that carries the boxes along."""

import math
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError
from foveate.training.colour import ColourConfig, recolour
from foveate.training.sample import Sample

FILL = (124, 116, 104)
"""The mean colour, which the model pads with."""
FIRST_SIDE = 10.0
"""A centred object is scaled to at least this many pixels along its longer side, if the range of scales allows."""


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How crops vary. Raises `InputError` for shares outside 0..1 or an empty range of scales."""

    scales: tuple[float, float] = (0.4, 2.0)
    """Smallest and largest enlargement of the source; drawn log-uniformly."""
    stretch: float = 1.0
    """Largest ratio by which height against width is changed."""
    object_share: float = 0.7
    """Crops that are placed around an object."""
    mosaic_share: float = 0.3
    """Crops that are put together from four."""
    flip_share: float = 0.5
    min_area_share: float = 0.3
    """Objects that keep less of their box in the crop become ignore regions."""
    min_long_side: float = 8.0
    """Objects whose longer side is smaller, in pixels, become ignore regions."""
    min_short_side: float = 4.0
    """The same for the shorter side."""
    colour: ColourConfig = field(default_factory=ColourConfig)

    def __post_init__(self) -> None:
        if not 0 < self.scales[0] <= self.scales[1]:
            raise InputError(f"scales must be a range of positive numbers, got {self.scales}")
        if self.stretch < 1:
            raise InputError(f"stretch must be at least 1, got {self.stretch}")
        for name in ("object_share", "mosaic_share", "flip_share", "min_area_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must lie in 0..1, got {getattr(self, name)}")


class Augmenter:
    """Turns source pictures into training crops. All randomness comes from the generator that is passed in."""

    def __init__(self, config: AugmentConfig, class_weights: NDArray[np.float64]) -> None:
        self.config = config
        self.class_weights = class_weights

    def __call__(self, pool: list[Sample], size: tuple[int, int], rng: np.random.Generator) -> Sample:
        """One crop of `size` (height, width) from a random picture, or from four, of the pool."""
        if rng.random() < self.config.mosaic_share:
            sample = self.mosaic(pool, size, rng)
        else:
            sample = self.crop(pool[rng.integers(len(pool))], size, rng)
        if rng.random() < self.config.flip_share:
            sample = flip(sample)
        return replace(sample, pixels=recolour(sample.pixels, self.config.colour, rng))

    def mosaic(self, pool: list[Sample], size: tuple[int, int], rng: np.random.Generator) -> Sample:
        """Four crops around a random corner (Bochkovskiy et al. 2020, YOLOv4)."""
        rows, columns = (_two_parts(side, rng) for side in size)
        parts = [self.crop(pool[rng.integers(len(pool))], (h, w), rng) for h in rows for w in columns]
        return join_four(parts)

    def crop(self, source: Sample, size: tuple[int, int], rng: np.random.Generator) -> Sample:
        """One crop of random scale; `object_share` of them hold a random object wholly if it fits."""
        box = self._random_object(source, rng) if rng.random() < self.config.object_share else None
        scale = self._random_scale(source, box, size, rng)
        stretch = self.config.stretch ** rng.uniform(-0.5, 0.5)
        window = max(1, round(size[0] / scale / stretch)), max(1, round(size[1] / scale * stretch))
        origin = tuple(_random_start(axis, source, window, box, rng) for axis in (0, 1))
        return resample(source, (origin[0], origin[1]), window, size, self.config)

    def _random_object(self, source: Sample, rng: np.random.Generator) -> NDArray[np.float32] | None:
        candidates = np.flatnonzero(~source.ignored)
        if not len(candidates):
            return None
        weights = self.class_weights[source.labels[candidates]]
        chosen: NDArray[np.float32] = source.boxes[rng.choice(candidates, p=weights / weights.sum())]
        return chosen

    def _random_scale(
        self, source: Sample, box: NDArray[np.float32] | None, size: tuple[int, int], rng: np.random.Generator
    ) -> float:
        low, high = self.config.scales
        # A picture much smaller than the crop would spend computing on padding.
        low = min(max(low, 0.8 * min(size[0] / source.size[0], size[1] / source.size[1])), high)
        if box is not None:
            long_side = max(float(box[2] - box[0]), float(box[3] - box[1]), 1.0)
            high = max(min(high, 1.1 * min(size) / long_side), low)
            low = min(max(low, FIRST_SIDE / long_side), high)
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def resample(
    source: Sample, origin: tuple[int, int], window: tuple[int, int], size: tuple[int, int], config: AugmentConfig
) -> Sample:
    """The `window` (height, width) at `origin` (top, left) of a picture, resized to `size`.

    Pixels outside the picture get the mean colour. Boxes are clipped; what is left too small becomes an ignore region.
    """
    interpolation = cv2.INTER_AREA if window[0] >= size[0] else cv2.INTER_LINEAR
    pixels = cv2.resize(_cut(source.pixels, origin, window), size[::-1], interpolation=interpolation).astype(np.uint8)
    factors = np.array([size[1] / window[1], size[0] / window[0]] * 2, np.float32)
    moved = (source.boxes - np.array([origin[1], origin[0]] * 2, np.float32)) * factors
    return _clipped(replace(source, pixels=pixels, boxes=moved.astype(np.float32)), config)


def flip(sample: Sample) -> Sample:
    """Mirrored left to right; its own inverse."""
    width = sample.size[1]
    x1, y1, x2, y2 = sample.boxes.T
    boxes = np.stack([width - x2, y1, width - x1, y2], axis=1)
    return replace(sample, pixels=np.ascontiguousarray(sample.pixels[:, ::-1]), boxes=boxes)


def join_four(parts: list[Sample]) -> Sample:
    """Upper left, upper right, lower left and lower right crop in one picture."""
    (top, left), (height, width) = parts[0].size, parts[3].size
    offsets = [(0, 0), (left, 0), (0, top), (left, top)]
    canvas = np.empty((top + height, left + width, 3), np.uint8)
    for part, (x, y) in zip(parts, offsets, strict=True):
        canvas[y : y + part.size[0], x : x + part.size[1]] = part.pixels
    moved = [p.boxes + np.array([x, y, x, y], np.float32) for p, (x, y) in zip(parts, offsets, strict=True)]
    return Sample(
        pixels=canvas,
        boxes=np.concatenate(moved),
        labels=np.concatenate([p.labels for p in parts]),
        ignored=np.concatenate([p.ignored for p in parts]),
    )


def _two_parts(side: int, rng: np.random.Generator) -> tuple[int, int]:
    first = round(side * rng.uniform(0.35, 0.65))
    return first, side - first


def _random_start(
    axis: int, source: Sample, window: tuple[int, int], box: NDArray[np.float32] | None, rng: np.random.Generator
) -> int:
    """Where the window begins along an axis: inside the picture where it can be, and around the object if given."""
    length, extent = source.size[axis], window[axis]
    low, high = min(0, length - extent), max(0, length - extent)
    if box is not None:
        near, far = float(box[1 - axis]), float(box[3 - axis])
        # An object larger than the window lets it slide along the object instead.
        first, last = sorted((far - extent, near))
        low, high = max(low, math.ceil(first)), min(high, math.floor(last))
    # A box that reaches beyond the picture may leave no choice.
    return int(rng.integers(low, high + 1)) if low < high else high


def _cut(pixels: NDArray[np.uint8], origin: tuple[int, int], window: tuple[int, int]) -> NDArray[np.uint8]:
    (top, left), (height, width) = origin, window
    bottom, right = top + height, left + width
    inner = pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if inner.shape[:2] == window:
        return inner
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = FILL
    y, x = max(-top, 0), max(-left, 0)
    canvas[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
    return canvas


def _clipped(sample: Sample, config: AugmentConfig) -> Sample:
    """Boxes cut to the picture; those outside are dropped, those that lost too much or are too small are ignored."""
    height, width = sample.size
    boxes = sample.boxes.clip(0, np.array([width, height, width, height], np.float32))
    kept_area, area = _areas(boxes), np.maximum(_areas(sample.boxes), 1e-6)
    sides = boxes[:, 2:] - boxes[:, :2]
    small = (sides.max(axis=1) < config.min_long_side) | (sides.min(axis=1) < config.min_short_side)
    cut = kept_area < config.min_area_share * area
    left = kept_area > 0
    return Sample(
        pixels=sample.pixels,
        boxes=boxes[left],
        labels=sample.labels[left],
        ignored=(sample.ignored | small | cut)[left],
    )


def _areas(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    areas: NDArray[np.float32] = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    return areas
