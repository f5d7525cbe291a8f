"""The dense detector: backbone, simple feature pyramid, one prediction per cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from foveate.core import Detections, MixedFrame, RegionGrid
from foveate.models.backbone import Backbone, BackboneConfig
from foveate.models.block import ScoreReader
from foveate.models.cuda_graphs import Graphs
from foveate.models.dense_config import DenseConfig
from foveate.models.feature_maps import feature_maps
from foveate.models.head import Candidates, DenseHead, HeadOutput, candidates_of
from foveate.models.mixed_detector import MixedDetector
from foveate.models.pyramid import SimplePyramid, check_strides
from foveate.models.suppression import CANDIDATES, kept_detections

CPU_CELLS = 1024
"""About how many patches go through pyramid and head at a time on a CPU (docs/serving.md)."""


@dataclass(frozen=True, kw_only=True)
class DetectorConfig(DenseConfig):
    """Shape of a detector and how its scores are read; `strides` are quarters or halves of a patch, or whole patches.

    Raises `InputError` where the numbers do not fit one another.
    """

    backbone: BackboneConfig

    def __post_init__(self) -> None:
        super().__post_init__()
        check_strides(self.strides, self.backbone.patch_size)


class Detector(MixedDetector):
    """Mixed-resolution backbone, simple feature pyramid and dense head."""

    def __init__(self, config: DetectorConfig, *, name: str = "untrained", weights_hash: str = "") -> None:
        super().__init__(name=name, weights_hash=weights_hash)
        self.config = config
        self.backbone = Backbone(config.backbone)
        self.pyramid = SimplePyramid(
            config.backbone.dim, config.pyramid_channels, config.strides, patch_size=config.backbone.patch_size
        )
        classes = len(config.class_names)
        self.graphs = Graphs()
        """Pyramid and head on CUDA, replayed."""
        self.head = DenseHead(config.pyramid_channels, classes, config.strides, config.head_convolutions)

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
        return self.head.dense(self.pyramid(features))

    def _answer(
        self,
        frames: list[MixedFrame],
        points: list[int],
        threshold: float,
        readers: Mapping[int, ScoreReader] | None,
    ) -> list[Detections]:
        maps = feature_maps(self.backbone, frames, points, self.normalised_tiles, readers)
        found = []
        for part in self._parts([frame.grid for frame in frames]):
            features = maps[part.start] if part.stop - part.start == 1 else torch.cat(maps[part])
            candidates = self._candidates(features, threshold)
            found += [
                kept_detections(one, frame.grid, self.config.nms_iou, self.class_names)
                for one, frame in zip(candidates, frames[part], strict=True)
            ]
        return found

    def _candidates(self, features: Tensor, threshold: float) -> list[Candidates]:
        """Of each frame, from maps `(B, C, h, w)`."""
        if features.device.type == "cpu":
            found: list[Candidates] = self.head(self.pyramid(features), threshold, CANDIDATES)
            return found

        def work(features: Tensor) -> list[Tensor]:
            return [self.head.best(self.pyramid(features), CANDIDATES)]

        best = self.graphs.run("head", lambda: (work, None), (features,), (self.pyramid, self.head))
        return candidates_of(best[0], threshold)

    def _parts(self, grids: list[RegionGrid]) -> list[slice]:
        """Neighbours of one size that go through pyramid and head together."""
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
