"""The convolutional detector: trunk, feature pyramid, and the dense head that the ViT detectors have.

It saves no work on low regions: they are enlarged before anything is computed, so 0 is its only restoration point.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from foveate.core import Detections, InputError, MixedFrame, RegionGrid, join_regions
from foveate.models.block import ScoreReader
from foveate.models.convolutional.config import ConvDetectorConfig
from foveate.models.convolutional.feature_pyramid import FeaturePyramid
from foveate.models.convolutional.trunk import ConvTrunk
from foveate.models.head import DenseHead, HeadOutput
from foveate.models.mixed_detector import MixedDetector
from foveate.models.suppression import CANDIDATES, kept_detections


class ConvDetector(MixedDetector):
    """Answers frames of any size, pixels padded on the right and below to whole cells of the coarsest level."""

    def __init__(self, config: ConvDetectorConfig, *, name: str = "untrained", weights_hash: str = "") -> None:
        super().__init__(name=name, weights_hash=weights_hash)
        self.config = config
        self.trunk = ConvTrunk(config.channels, config.blocks)
        self.pyramid = FeaturePyramid(config.channels[-len(config.strides) :], config.pyramid_channels)
        self.head = DenseHead(
            config.pyramid_channels, len(config.class_names), config.strides, config.head_convolutions
        )

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
        """0 alone: low regions are enlarged at once."""
        return range(1)

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """The decision regions of a frame of `height x width` pixels, those of `RegionGrid`'s defaults."""
        return RegionGrid(height=height, width=width)

    def forward(
        self,
        images: Tensor,
        downsampling_masks: Tensor | None = None,
        restoration_points: Sequence[int] | None = None,  # noqa: ARG002  # all are 0
    ) -> HeadOutput:
        """Images `(B, 3, H, W)` RGB in 0..255, uint8 or float, all of one size -> predictions of every cell.

        `downsampling_masks`: bool `(B, regions_h, regions_w)`. Points are 0, whatever they say.
        """
        pixels = self.normalised(images)
        if downsampling_masks is not None:
            pixels = self._blurred(pixels, downsampling_masks.to(pixels.device))
        return self.head.dense(self._levels(pixels))

    def _answer(
        self,
        frames: list[MixedFrame],
        points: list[int],  # noqa: ARG002  # all are 0
        threshold: float,
        readers: Mapping[int, ScoreReader] | None,
    ) -> list[Detections]:
        if readers:
            raise InputError(f"{self.name} has no attention to be read; importance must come from boxes")
        found = []
        for frame in frames:
            picture = torch.from_numpy(join_regions(frame)).to(self.torch_device)
            levels = self._levels(self.normalised(picture.permute(2, 0, 1)[None]))
            (candidates,) = self.head(levels, threshold, CANDIDATES)
            found.append(kept_detections(candidates, frame.grid, self.config.nms_iou, self.class_names))
        return found

    def _levels(self, pixels: Tensor) -> list[Tensor]:
        """Normalised `(B, 3, H, W)` -> one map per stride, finest first."""
        coarsest = self.config.strides[-1]
        padded = F.pad(pixels, (0, -pixels.shape[3] % coarsest, 0, -pixels.shape[2] % coarsest))
        maps = self.trunk(padded.contiguous(memory_format=torch.channels_last))
        levels: list[Tensor] = self.pyramid(maps[-len(self.config.strides) :])
        return levels

    def _blurred(self, pixels: Tensor, masks: Tensor) -> Tensor:
        """Pixels `(B, 3, H, W)` whose low regions were averaged and enlarged again, as `join_regions` gives them."""
        grid = self.region_grid(pixels.shape[2], pixels.shape[3])
        side, factor = grid.region_pixels, grid.downsampling_factor
        found = pixels.clone()
        for image, row, column in masks.nonzero().tolist():
            top, left, bottom, right = grid.box(row, column)
            region = pixels[image : image + 1, :, top:bottom, left:right]
            whole = F.pad(region, (0, side - (right - left), 0, side - (bottom - top)), mode="replicate")
            small = F.avg_pool2d(whole, factor)
            large = F.interpolate(small, scale_factor=float(factor), mode="bilinear", align_corners=False)
            found[image, :, top:bottom, left:right] = large[0, :, : bottom - top, : right - left]
        return found
