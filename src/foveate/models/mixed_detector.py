"""What every detector of mixed resolution offers, whatever its backbone and head: frames in, `Detections` out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from foveate.core import (
    Detections,
    InputError,
    Mask,
    MixedFrame,
    Pixels,
    RegionGrid,
)
from foveate.models.block import ScoreReader
from foveate.models.mixed_frames import check_points, mixed_frames

PIXEL_MEAN = (123.675, 116.28, 103.53)
"""RGB mean of ImageNet in 0..255, to which published models normalise."""
PIXEL_STD = (58.395, 57.12, 57.375)


class MixedDetector(nn.Module, ABC):
    """A model that looks at frames of mixed resolution and checks what it is given.

    `name`: what reports call it. `weights_hash`: changes whenever results may change.
    """

    def __init__(
        self,
        *,
        name: str,
        weights_hash: str,
        pixel_mean: tuple[float, float, float] = PIXEL_MEAN,
        pixel_std: tuple[float, float, float] = PIXEL_STD,
    ) -> None:
        super().__init__()
        self.name, self.weights_hash = name, weights_hash
        self.register_buffer("pixel_mean", torch.tensor(pixel_mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("pixel_scale", 1 / torch.tensor(pixel_std).reshape(1, 3, 1, 1), persistent=False)
        self.pixel_mean: Tensor
        self.pixel_scale: Tensor

    @property
    def torch_device(self) -> torch.device:
        """Where it computes."""
        return self.pixel_mean.device

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of class ids."""

    @property
    @abstractmethod
    def score_threshold(self) -> float:
        """Detections below it are not shown."""

    @property
    @abstractmethod
    def restoration_points(self) -> range:
        """Restoration points that `detect` accepts: 0..N."""

    @property
    def latest_point(self) -> int:
        """The last restoration point that `detect` takes: N, or N + 1 where it can restore after the last block.

        That one is there for comparison, and not among what policies are offered.
        """
        return self.restoration_points[-1]

    @abstractmethod
    def region_grid(self, height: int, width: int) -> RegionGrid:
        """The decision regions of a frame of `height x width` pixels."""

    @abstractmethod
    def _answer(
        self,
        frames: list[MixedFrame],
        points: list[int],
        threshold: float,
        readers: Mapping[int, ScoreReader] | None,
    ) -> list[Detections]:
        """Objects of checked frames, one restoration point each; frames of one size stand together.

        `readers` are shown the attention meanwhile; for them frames come as they were given.
        """

    def detect(
        self,
        frame: Pixels | MixedFrame,
        downsampling_mask: Mask | None = None,
        restoration_point: int | None = None,
        *,
        score_threshold: float | None = None,
    ) -> Detections:
        """Objects of one frame; see `detect_batch`."""
        masks = None if downsampling_mask is None else [downsampling_mask]
        points = None if restoration_point is None else [restoration_point]
        return self.detect_batch([frame], masks, points, score_threshold=score_threshold)[0]

    @torch.inference_mode()
    def detect_batch(
        self,
        frames: Sequence[Pixels | MixedFrame],
        downsampling_masks: Sequence[Mask | None] | None = None,
        restoration_points: Sequence[int] | None = None,
        *,
        score_threshold: float | None = None,
        readers: Mapping[int, ScoreReader] | None = None,
    ) -> list[Detections]:
        """Objects of each frame, boxes in its own pixels, by descending score.

        `frames`: uint8 `(H, W, 3)` RGB or `MixedFrame`s (which bring their own masks), of any sizes.
        `downsampling_masks`: bool `(regions_h, regions_w)` or None per frame, True = low resolution.
        `restoration_points`: 0..`latest_point` per frame; None = N. `score_threshold`: None = the card's.
        `readers`: by subset 1..N, who is shown the attention of its global block, frames in the order given.
        Frames of different masks and points share one batch of tokens (ViTMAlis, section III).
        Raises `InputError` on wrong types, shapes or ranges.
        """
        if not len(frames):  # an array of frames has no truth value
            return []
        points = self.check_points(restoration_points, len(frames))
        mixed = mixed_frames(frames, downsampling_masks, self.region_grid)
        threshold = self.least_score(score_threshold)
        order = list(range(len(mixed))) if readers else _alike_together(mixed, points)
        answers = self._answer([mixed[i] for i in order], [points[i] for i in order], threshold, readers)
        found = dict(zip(order, answers, strict=True))
        return [found[i] for i in range(len(mixed))]

    def least_score(self, wanted: float | None) -> float:
        """The score below which nothing is shown: `wanted`, in 0..1, or None for the card's; else `InputError`."""
        if wanted is None:
            return self.score_threshold
        if not isinstance(wanted, (int, float, np.number)) or not 0 <= wanted <= 1:
            raise InputError(f"score_threshold must lie in 0..1, got {wanted!r}")
        return wanted

    def check_points(self, points: Sequence[int] | None, count: int) -> list[int]:
        """Restoration points as a list of `count` numbers in 0..`latest_point` (None: all N), or `InputError`."""
        usual = self.restoration_points[-1]
        return check_points([usual] * count if points is None else points, count, self.latest_point)

    def normalised(self, pixels: Tensor) -> Tensor:
        """RGB in 0..255 `(n, 3, h, w)` -> zero mean and unit variance, a new tensor in the dtype of the weights."""
        return pixels.to(self.pixel_mean.dtype, copy=True).sub_(self.pixel_mean).mul_(self.pixel_scale)

    def normalised_tiles(self, tiles: list[np.ndarray]) -> Tensor:
        """uint8 `(n, s, s, 3)` arrays -> one normalised `(n, 3, s, s)` tensor, channels last in memory."""
        if self.torch_device.type == "cuda":
            # Joined where the device can fetch it while the host goes on.
            joined = torch.empty(sum(map(len, tiles)), *tiles[0].shape[1:], dtype=torch.uint8, pin_memory=True)
            np.concatenate(tiles, out=joined.numpy())
        else:
            joined = torch.from_numpy(tiles[0] if len(tiles) == 1 else np.concatenate(tiles))
        pixels = joined.to(self.torch_device, non_blocking=True)
        # Whole rows at a time: colours lie innermost, and loops over three of them are ten times slower.
        mean, scale = (value.flatten().repeat(joined.shape[2]) for value in (self.pixel_mean, self.pixel_scale))
        normal = pixels.flatten(2).to(mean.dtype).sub_(mean).mul_(scale)
        return normal.view(pixels.shape).permute(0, 3, 1, 2)


def _alike_together(frames: list[MixedFrame], points: list[int]) -> list[int]:
    """An order in which frames of one size stand together, and among them those with equally many tokens."""

    def likeness(index: int) -> tuple[int, int, int, int]:
        frame = frames[index]
        return frame.grid.height, frame.grid.width, points[index], len(frame.low)

    return sorted(range(len(frames)), key=likeness)
