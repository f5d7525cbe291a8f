"""The detector: frames in, `Detections` out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from foveate.core import (
    STREET_CLASSES,
    Detections,
    InputError,
    Mask,
    MixedFrame,
    Pixels,
    RegionGrid,
    check_pixels,
    join_regions,
    split_regions,
)
from foveate.models.backbone import Backbone, BackboneConfig
from foveate.models.head import DenseHead, HeadOutput
from foveate.models.layout import frame_layout
from foveate.models.nms import nms
from foveate.models.pyramid import SimplePyramid

CANDIDATES = 1000
"""Predictions per frame that enter suppression."""
MOST_DETECTIONS = 300
"""Detections per frame that leave it."""
CPU_CELLS = 1024
"""About how many cells of stride 16 go through pyramid and head at a time on a CPU (docs/serving.md)."""
PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """Shape of a detector and how its scores are read."""

    backbone: BackboneConfig
    class_names: tuple[str, ...] = STREET_CLASSES
    pyramid_channels: int = 96
    strides: tuple[int, ...] = (8, 16, 32)
    head_convolutions: int = 2
    nms_iou: float = 0.5
    score_threshold: float = 0.3
    """Detections below it are not shown; from the model card."""

    def __post_init__(self) -> None:
        if not 0 <= self.score_threshold <= 1:
            raise InputError(f"score_threshold must lie in 0..1, got {self.score_threshold}")


class Detector(nn.Module):
    """Mixed-resolution backbone, simple feature pyramid and dense head."""

    def __init__(self, config: DetectorConfig, *, name: str = "untrained", weights_hash: str = "") -> None:
        super().__init__()
        self.config, self.name, self.weights_hash = config, name, weights_hash
        self.backbone = Backbone(config.backbone)
        self.pyramid = SimplePyramid(config.backbone.dim, config.pyramid_channels, config.strides)
        classes = len(config.class_names)
        self.head = DenseHead(config.pyramid_channels, classes, config.strides, config.head_convolutions)
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("pixel_scale", 1 / torch.tensor(PIXEL_STD).reshape(1, 3, 1, 1), persistent=False)
        self.pixel_mean: Tensor
        self.pixel_scale: Tensor

    @property
    def torch_device(self) -> torch.device:
        """Where it computes."""
        return self.pixel_mean.device

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of class ids."""
        return self.config.class_names

    @property
    def score_threshold(self) -> float:
        """The card's threshold."""
        return self.config.score_threshold

    @property
    def restoration_points(self) -> range:
        """Restoration points that `detect` accepts: 0..N."""
        return range(self.config.backbone.subsets + 1)

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """The decision regions of a frame of `height x width` pixels."""
        return self.config.backbone.grid(height, width)

    def forward(
        self,
        images: Tensor,
        downsampling_masks: Tensor | None = None,
        restoration_points: Sequence[int] | None = None,
    ) -> HeadOutput:
        """Images `(B, 3, H, W)` RGB in 0..255, uint8 or float, all of one size -> predictions of every cell.

        Masks and points as `Backbone.forward`.
        """
        features = self.backbone(self.normalised(images), downsampling_masks, restoration_points)
        output: HeadOutput = self.head(self.pyramid(features))
        return output

    def normalised(self, pixels: Tensor) -> Tensor:
        """RGB in 0..255 `(n, 3, h, w)` -> zero mean and unit variance, in the dtype of the weights."""
        dtype = self.head.class_logits.weight.dtype
        mean, scale = self.pixel_mean.to(dtype), self.pixel_scale.to(dtype)
        return pixels.to(dtype).sub_(mean).mul_(scale)

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
    ) -> list[Detections]:
        """Objects of each frame, boxes in its own pixels, by descending score.

        `frames`: uint8 `(H, W, 3)` RGB or `MixedFrame`s (which bring their own masks), of any sizes.
        `downsampling_masks`: bool `(regions_h, regions_w)` or None per frame, True = low resolution.
        `restoration_points`: 0..N per frame; None = N, the fastest. `score_threshold`: None = the card's.
        Frames of different masks and points share one batch of tokens (ViTMAlis, section III).
        Raises `InputError` on wrong types, shapes or ranges.
        """
        if not frames:
            return []
        points = self._points(restoration_points, len(frames))
        mixed = self._mixed_frames(frames, downsampling_masks)
        threshold = self.score_threshold if score_threshold is None else score_threshold
        order = _alike_together(mixed, points)
        maps = self._feature_maps([mixed[i] for i in order], [points[i] for i in order])
        found: dict[int, Detections] = {}
        for part in self._parts([mixed[i].grid for i in order]):
            output = self.head(self.pyramid(maps[part.start] if part.stop - part.start == 1 else torch.cat(maps[part])))
            for i, logits, boxes in zip(order[part], output.class_logits, output.boxes(), strict=True):
                found[i] = self._read(logits, boxes, mixed[i].grid, threshold)
        return [found[i] for i in range(len(mixed))]

    def _parts(self, grids: list[RegionGrid]) -> list[slice]:
        """Frames of one size that go through pyramid and head together."""
        parts, start = [], 0
        while start < len(grids):
            most = len(grids)
            if self.torch_device.type == "cpu":
                rows, columns = grids[start].patches
                most = max(1, CPU_CELLS // (rows * columns))
            ahead = grids[start : start + most]
            alike = next((count for count, grid in enumerate(ahead) if grid != grids[start]), len(ahead))
            parts.append(slice(start, start + alike))
            start += alike
        return parts

    def _points(self, points: Sequence[int] | None, count: int) -> list[int]:
        latest = self.config.backbone.subsets
        return self.backbone.check_points([latest] * count if points is None else points, count)

    def _mixed_frames(
        self, frames: Sequence[Pixels | MixedFrame], masks: Sequence[Mask | None] | None
    ) -> list[MixedFrame]:
        chosen = [None] * len(frames) if masks is None else list(masks)
        if len(chosen) != len(frames):
            raise InputError(f"need one downsampling mask per frame ({len(frames)}), got {len(chosen)}")
        return [self._mixed_frame(frame, mask) for frame, mask in zip(frames, chosen, strict=True)]

    def _mixed_frame(self, frame: Pixels | MixedFrame, mask: Mask | None) -> MixedFrame:
        if not isinstance(frame, MixedFrame):
            height, width = check_pixels(frame).shape[:2]
            return split_regions(frame, self.region_grid(height, width), mask)
        if mask is not None:
            raise InputError("a MixedFrame brings its own downsampling mask; pass None for it")
        wanted = self.region_grid(frame.grid.height, frame.grid.width)
        if frame.grid != wanted:
            raise InputError(f"this model needs frames cut by {wanted}, got {frame.grid}")
        return frame

    def _feature_maps(self, mixed: list[MixedFrame], points: list[int]) -> list[Tensor]:
        early = [_restored(frame) if point == 0 else frame for frame, point in zip(mixed, points, strict=True)]
        layouts = [frame_layout(frame.grid, frame.mask) for frame in early]
        full = self.normalised(self._stack([frame.full for frame in early]))
        low = self.normalised(self._stack([frame.low for frame in early]))
        return self.backbone.forward_tiles(full, low, layouts, points)

    def _stack(self, tiles: list[np.ndarray]) -> Tensor:
        """uint8 `(n, s, s, 3)` arrays -> one `(n, 3, s, s)` tensor, channels last in memory."""
        joined = tiles[0] if len(tiles) == 1 else np.concatenate(tiles)
        return torch.from_numpy(joined).to(self.torch_device).permute(0, 3, 1, 2)

    def _read(self, logits: Tensor, boxes: Tensor, grid: RegionGrid, threshold: float) -> Detections:
        """Predictions `(P, K)` and `(P, 4)` of a frame -> detections: threshold, best cells, suppression, clipping."""
        scores, class_id = logits.float().sigmoid().max(dim=1)
        candidates = torch.nonzero(scores >= threshold).squeeze(1)
        if len(candidates) > CANDIDATES:
            candidates = candidates[scores[candidates].topk(CANDIDATES).indices]
        boxes = boxes[candidates]
        limits = boxes.new_tensor([grid.width, grid.height, grid.width, grid.height])
        boxes = torch.minimum(boxes.clamp(min=0), limits)
        scores, class_id = scores[candidates], class_id[candidates]
        kept = nms(boxes, scores, class_id, self.config.nms_iou)[:MOST_DETECTIONS]
        return Detections(
            boxes=boxes[kept].cpu().numpy(),
            scores=scores[kept].cpu().numpy(),
            class_id=class_id[kept].cpu().numpy().astype(np.int32),
            class_names=self.class_names,
        )


def _alike_together(frames: list[MixedFrame], points: list[int]) -> list[int]:
    """An order in which frames of one size stand together, and among them those with equally many tokens."""

    def likeness(index: int) -> tuple[int, int, int, int]:
        frame = frames[index]
        return frame.grid.height, frame.grid.width, points[index], len(frame.low)

    return sorted(range(len(frames)), key=likeness)


def _restored(frame: MixedFrame) -> MixedFrame:
    """Restoration point 0: the pixels of low regions are enlarged before the backbone."""
    return split_regions(join_regions(frame), frame.grid) if len(frame.low) else frame
