"""Faster, Mask and Cascade R-CNN on the mixed-resolution plain ViT: ViTDet as published (Li et al. 2022)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from foveate.core import Detections, InputError, Mask, MixedFrame, Pixels, RegionGrid
from foveate.models.backbone import Backbone, BackboneConfig
from foveate.models.block import ScoreReader
from foveate.models.feature_maps import feature_maps
from foveate.models.mixed_detector import MixedDetector
from foveate.models.mixed_frames import mixed_frames
from foveate.models.rcnn.cascade import Cascade
from foveate.models.rcnn.config import RcnnConfig
from foveate.models.rcnn.mask_head import MaskHead
from foveate.models.rcnn.masks import Segmented
from foveate.models.rcnn.pyramid import ProposalPyramid
from foveate.models.rcnn.rpn import ProposalHead
from foveate.models.rcnn.select import select_objects
from foveate.models.run_window import window_note


class RcnnDetector(MixedDetector):
    """Backbone, pyramid, proposals, one or several box heads, and a mask head where the configuration has one."""

    def __init__(self, config: RcnnConfig, *, name: str = "untrained", weights_hash: str = "") -> None:
        super().__init__(name=name, weights_hash=weights_hash)
        self.config = config
        self.backbone = Backbone(config.backbone)
        self.pyramid = ProposalPyramid(
            config.backbone.dim, config.channels, config.strides, patch_size=config.backbone.patch_size
        )
        self.proposals = ProposalHead(config)
        self.boxes = Cascade(config)
        self.masks = MaskHead(config) if config.with_masks else None

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

    @property
    def latest_point(self) -> int:
        """N + 1: after the last block."""
        return self.restoration_points[-1] + 1

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """The decision regions of a frame of `height x width` pixels."""
        return self.config.backbone.grid(height, width)

    def with_backbone(self, backbone: BackboneConfig) -> "RcnnDetector":
        """The same weights run by another backbone configuration, such as that of `run_at_window`; shares memory.

        Name and hash say which window it is, as `load_detector` has it.
        """
        name, weights_hash = (self._noted(text, backbone) for text in (self.name, self.weights_hash))
        made = RcnnDetector(replace(self.config, backbone=backbone), name=name, weights_hash=weights_hash)
        made.load_state_dict(self.state_dict(), assign=True)
        return made.to(self.torch_device, self.pixel_mean.dtype).eval()

    def _noted(self, text: str, backbone: BackboneConfig) -> str:
        """A name or hash with the note of another backbone's window in place of this one's."""
        own = self.config.backbone
        return text if backbone == own else text.removesuffix(window_note(own)) + window_note(backbone)

    def segment(
        self,
        frame: Pixels | MixedFrame,
        downsampling_mask: Mask | None = None,
        restoration_point: int | None = None,
        *,
        score_threshold: float | None = None,
    ) -> Segmented:
        """Objects of one frame with their masks; see `segment_batch`."""
        masks = None if downsampling_mask is None else [downsampling_mask]
        points = None if restoration_point is None else [restoration_point]
        return self.segment_batch([frame], masks, points, score_threshold=score_threshold)[0]

    @torch.inference_mode()
    def segment_batch(
        self,
        frames: Sequence[Pixels | MixedFrame],
        downsampling_masks: Sequence[Mask | None] | None = None,
        restoration_points: Sequence[int] | None = None,
        *,
        score_threshold: float | None = None,
    ) -> list[Segmented]:
        """What `detect_batch` finds, each object with its mask. Raises `InputError` for a model without a mask head."""
        if self.masks is None:
            raise InputError(f"{self.name} has no mask head; use detect")
        if not len(frames):
            return []
        points = self.check_points(restoration_points, len(frames))
        mixed = mixed_frames(frames, downsampling_masks, self.region_grid)
        threshold = self.least_score(score_threshold)
        return [
            self._segmented(levels, frame.grid, found) for frame, levels, found in self._find(mixed, points, threshold)
        ]

    def _answer(
        self,
        frames: list[MixedFrame],
        points: list[int],
        threshold: float,
        readers: Mapping[int, ScoreReader] | None,
    ) -> list[Detections]:
        return [self._detections(*found) for _, _, found in self._find(frames, points, threshold, readers)]

    def _find(
        self,
        frames: list[MixedFrame],
        points: list[int],
        threshold: float,
        readers: Mapping[int, ScoreReader] | None = None,
    ) -> Iterator[tuple[MixedFrame, list[Tensor], tuple[Tensor, Tensor, Tensor]]]:
        """For each frame its levels, and boxes, scores and class ids of its objects."""
        maps = feature_maps(self.backbone, frames, points, self.normalised_tiles, readers)
        for frame, features in zip(frames, maps, strict=True):
            levels, size = self.pyramid(features), (frame.grid.height, frame.grid.width)
            used = levels[: len(self.config.strides)]
            probabilities, boxes = self.boxes(used, self.proposals(levels, *size), *size)
            yield frame, used, select_objects(probabilities, boxes, self.config, threshold)

    def _detections(self, boxes: Tensor, scores: Tensor, class_id: Tensor) -> Detections:
        return Detections(
            boxes=boxes.cpu().numpy(),
            scores=scores.cpu().numpy(),
            class_id=class_id.cpu().numpy().astype(np.int32),
            class_names=self.class_names,
        )

    def _segmented(self, levels: list[Tensor], grid: RegionGrid, found: tuple[Tensor, Tensor, Tensor]) -> Segmented:
        assert self.masks is not None
        boxes, _, class_id = found
        return Segmented(
            detections=self._detections(*found),
            masks=self.masks(levels, boxes, class_id).cpu().numpy(),
            frame_size=(grid.height, grid.width),
        )
