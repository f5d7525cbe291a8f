"""Frames on their way into a published network: resized and normalised as its preprocessor says, masks with them.

A frame's decision regions are squares of its own pixels, the same for every model, so that a codec can send them
before anything is resized. The network has regions of its own, in patches of its input; one of those is coarse where
all regions of the frame under it are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.core import InputError, Mask, MixedFrame, Pixels, RegionGrid, join_regions
from foveate.models.families._base import MixedImages, MixedNetwork
from foveate.models.families.sizing import Sizing, read_sizing
from foveate.models.layout import Index

FRAME_WINDOW = 4
"""w of a frame's regions: 8 patches of 16 pixels, 128 pixels wide with d = 2."""
_INTERPOLATIONS = {0: "nearest-exact", 2: "bilinear", 3: "bicubic"}
"""By the numbers that preprocessors take from Pillow."""


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What a published preprocessor does with a picture."""

    sizing: Sizing
    """To which size it is resized."""
    mean: tuple[float, float, float]
    """Subtracted from RGB in 0..1."""
    std: tuple[float, float, float]
    """Divided by."""
    interpolation: str = "bilinear"
    """As `torch.nn.functional.interpolate` calls it."""
    antialias: bool = True
    """Whether enlarged kernels smooth what is made smaller; then pixels are rounded to whole levels, as Pillow does."""
    canvas: tuple[int, int] | None = None
    """Height and width to which zeros are added below and at the right; None = nothing is added."""

    def __call__(self, pixels: Pixels) -> Tensor:
        """uint8 `(H, W, 3)` -> normalised float32 `(3, h, w)`."""
        normal = self._normalised(self._resized(torch.from_numpy(pixels).permute(2, 0, 1)[None])[0])
        if self.canvas is None:
            return normal
        height, width = self.canvas
        if normal.shape[1] > height or normal.shape[2] > width:
            raise InputError(f"the resized picture must fit into {height} x {width}, got {tuple(normal.shape[1:])}")
        return F.pad(normal, (0, width - normal.shape[2], 0, height - normal.shape[1]))

    def normalised(self, pixels: Pixels) -> Tensor:
        """uint8 `(H, W, 3)` -> normalised float32 `(3, H, W)`, at its own size."""
        return self._normalised(torch.from_numpy(pixels).permute(2, 0, 1))

    def _normalised(self, image: Tensor) -> Tensor:
        mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (self.mean, self.std))
        return (image.float() / 255 - mean) / std

    def _resized(self, image: Tensor) -> Tensor:
        size = self.sizing(image.shape[2], image.shape[3])
        if size == tuple(image.shape[2:]):
            return image
        if self.interpolation not in ("bilinear", "bicubic"):
            return F.interpolate(image, size=size, mode=self.interpolation)
        pixels = image if self.antialias else image.float()
        return F.interpolate(pixels, size=size, mode=self.interpolation, align_corners=False, antialias=self.antialias)


def read_preprocessing(
    settings: Mapping[str, Any], *, multiple: int = 1, antialias: bool = True, pads: bool = False
) -> Preprocessing:
    """What the dictionary of a `preprocessor_config.json` describes.

    `multiple`, `antialias`, `pads`: what a family does beyond that. Raises `InputError` for unknown settings.
    """
    if not settings.get("do_rescale", True) or abs(settings.get("rescale_factor", 1 / 255) * 255 - 1) > 1e-6:
        raise InputError("pixels must be rescaled by 1/255")
    number = settings.get("resample", 2)
    if number not in _INTERPOLATIONS:
        raise InputError(f"resample must be one of {sorted(_INTERPOLATIONS)}, got {number!r}")
    normalised = settings.get("do_normalize", True)
    mean = settings.get("image_mean") if normalised else (0, 0, 0)
    std = _three(settings.get("image_std") if normalised else (1, 1, 1), "image_std")
    if min(std) <= 0:
        raise InputError(f"image_std must be above 0, got {std}")
    pad = settings.get("pad_size") if pads else None
    return Preprocessing(
        sizing=read_sizing(settings, multiple=multiple),
        mean=_three(mean, "image_mean"),
        std=std,
        interpolation=_INTERPOLATIONS[number],
        antialias=antialias,
        canvas=(int(pad["height"]), int(pad["width"])) if pad else None,
    )


def _three(values: Any, name: str) -> tuple[float, float, float]:
    if not isinstance(values, Sequence) or len(values) != 3:
        raise InputError(f"{name} must be three numbers, got {values!r}")
    first, second, third = (float(value) for value in values)
    return first, second, third


def frame_grid(height: int, width: int, *, downsampling_factor: int) -> RegionGrid:
    """The decision regions of frames for published models: squares of 128 pixels with d = 2."""
    return RegionGrid(height=height, width=width, window_size=FRAME_WINDOW, downsampling_factor=downsampling_factor)


def input_mask(frame: MixedFrame, grid: RegionGrid, size: tuple[int, int]) -> Mask:
    """Regions of a network's input that lie in downsampled regions of the frame alone: bool `(regions_h, regions_w)`.

    `size`: height and width to which the frame was resized; what the canvas adds goes with the nearest pixels.
    """
    steps = frame.grid.height / size[0], frame.grid.width / size[1]
    return mask_under(frame, grid, starts=(0, 0), steps=steps)


def mask_under(frame: MixedFrame, grid: RegionGrid, *, starts: tuple[float, float], steps: tuple[float, float]) -> Mask:
    """The same for an input whose pixel (i, j) shows the frame from `starts + (i, j) * steps`, rows first.

    What lies beyond the frame goes with the nearest pixels.
    """
    spans = [_overlap(frame.grid, grid, axis, starts[axis], steps[axis]) for axis in (0, 1)]
    full = np.zeros(np.array(frame.mask.shape) + 1, np.int64)
    full[1:, 1:] = np.cumsum(np.cumsum(~frame.mask, axis=0), axis=1)
    (top, bottom), (left, right) = spans
    top, bottom = top[:, None], bottom[:, None]
    inside = full[bottom, right] - full[top, right] - full[bottom, left] + full[top, left]
    low: Mask = inside == 0
    return low


def _overlap(frame: RegionGrid, grid: RegionGrid, axis: int, start: float, step: float) -> tuple[Index, Index]:
    """First, and one past the last, region of the frame under each region of the input, along one axis."""
    borders = (start + np.arange(grid.shape[axis] + 1) * grid.region_pixels * step) / frame.region_pixels
    last = frame.shape[axis] - 1
    first = np.clip(np.floor(borders[:-1] + 1e-9), 0, last).astype(np.int64)
    end = np.clip(np.ceil(borders[1:] - 1e-9), first + 1, last + 1).astype(np.int64)
    return first, end


@dataclass(frozen=True, kw_only=True, eq=False)
class FramePath:
    """From mixed frames to a network's inputs."""

    network: MixedNetwork
    """Whose inputs they are."""
    preprocessing: Preprocessing
    """How pictures are made ready for it."""

    def to_network(self, images: Tensor) -> Tensor:
        """Images where the network is, in the dtype of its head; a backbone alone takes any."""
        body = {id(weight) for weight in self.network.mixed_backbone.parameters()}
        weights = list(self.network.parameters())
        head = next((weight.dtype for weight in weights if id(weight) not in body), images.dtype)
        return images.to(weights[0].device, head)

    def batches(self, frames: Sequence[MixedFrame], points: Sequence[int]) -> Iterator[tuple[list[int], MixedImages]]:
        """Batches of inputs of one size, each with the numbers of its frames."""
        images = [self.preprocessing(join_regions(frame)) for frame in frames]
        order = sorted(range(len(frames)), key=lambda i: tuple(images[i].shape))
        for shape, numbers in groupby(order, key=lambda i: tuple(images[i].shape)):
            chosen = list(numbers)
            grid = self.network.region_grid(shape[1], shape[2])
            masks = [self._mask(frames[i], grid) for i in chosen]
            yield (
                chosen,
                MixedImages(
                    images=self.to_network(torch.stack([images[i] for i in chosen])),
                    masks=torch.from_numpy(np.stack(masks)),
                    points=[points[i] for i in chosen],
                ),
            )

    def _mask(self, frame: MixedFrame, grid: RegionGrid) -> Mask:
        return input_mask(frame, grid, self.preprocessing.sizing(frame.grid.height, frame.grid.width))
