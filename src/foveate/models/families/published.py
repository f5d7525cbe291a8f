"""Published models on frames: what they answer, in the frame's own pixels."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from foveate.core import Detections, InputError, Mask, MixedFrame, Pixels, RegionGrid
from foveate.models.block import ScoreReader
from foveate.models.families.images import FramePath, frame_grid
from foveate.models.mixed_detector import MixedDetector
from foveate.models.mixed_frames import check_points, mixed_frames

Answer = TypeVar("Answer")


class PublishedModel(ABC, Generic[Answer]):
    """A published network behind its preprocessor: frames of any size in, one answer per frame out."""

    def __init__(self, path: FramePath, *, name: str, weights_hash: str, downsampling_factor: int) -> None:
        self.path, self.name, self.weights_hash = path, name, weights_hash
        self._factor = downsampling_factor

    @property
    def network(self) -> Any:
        """The network itself: tensors in, its own outputs out."""
        return self.path.network

    @property
    def restoration_points(self) -> range:
        """0..N."""
        return self.path.network.restoration_points

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """The decision regions of a frame of `height x width` pixels: squares of 128 pixels with d = 2."""
        return frame_grid(height, width, downsampling_factor=self._factor)

    def predict(
        self,
        frame: Pixels | MixedFrame,
        downsampling_mask: Mask | None = None,
        restoration_point: int | None = None,
    ) -> Answer:
        """The answer to one frame; see `predict_batch`."""
        masks = None if downsampling_mask is None else [downsampling_mask]
        points = None if restoration_point is None else [restoration_point]
        return self.predict_batch([frame], masks, points)[0]

    @torch.inference_mode()
    def predict_batch(
        self,
        frames: Sequence[Pixels | MixedFrame],
        downsampling_masks: Sequence[Mask | None] | None = None,
        restoration_points: Sequence[int] | None = None,
    ) -> list[Answer]:
        """The answer to each frame.

        `frames`: uint8 `(H, W, 3)` RGB or `MixedFrame`s (which bring their own masks), of any sizes.
        `downsampling_masks`: bool `(regions_h, regions_w)` or None per frame, True = low resolution.
        `restoration_points`: 0..N per frame; None = N, the fastest.
        Raises `InputError` on wrong types, shapes or ranges.
        """
        latest = self.restoration_points[-1]
        given = [latest] * len(frames) if restoration_points is None else restoration_points
        points = check_points(given, len(frames), latest)
        cut = mixed_frames(frames, downsampling_masks, self.region_grid)
        return answer_each(self.path, cut, points, self._answer)

    @abstractmethod
    def _answer(self, output: Any, row: int, size: tuple[int, int]) -> Answer:
        """What row `row` of the network's output says of a frame of `size`."""


def answer_each(
    path: FramePath,
    frames: Sequence[MixedFrame],
    points: Sequence[int],
    read: Callable[[Any, int, tuple[int, int]], Answer],
) -> list[Answer]:
    """Run frames through a network, those of one input size at once, and read its output row by row."""
    answers: dict[int, Answer] = {}
    for numbers, given in path.batches(frames, points):
        output = path.network(given)
        for row, number in enumerate(numbers):
            grid = frames[number].grid
            answers[number] = read(output, row, (grid.height, grid.width))
    return [answers[number] for number in range(len(frames))]


class DepthEstimator(PublishedModel[NDArray[np.float32]]):
    """Depth of each pixel, float32 `(H, W)`: metres from metric models, else without a unit, larger is nearer."""

    def _answer(self, output: Tensor, row: int, size: tuple[int, int]) -> NDArray[np.float32]:
        # Bicubic, as `post_process_depth_estimation` of transformers does.
        depth = F.interpolate(output[row : row + 1, None], size=size, mode="bicubic", align_corners=False)[0, 0]
        result: NDArray[np.float32] = depth.float().cpu().numpy()
        return result


class FeatureExtractor(PublishedModel[tuple[Tensor, ...]]):
    """Feature maps `(C, rows, columns)` of the network's input, one per tap."""

    def _answer(self, output: Any, row: int, size: tuple[int, int]) -> tuple[Tensor, ...]:  # noqa: ARG002
        maps = output.feature_maps if hasattr(output, "feature_maps") else (output,)
        return tuple(part[row].clone() for part in maps)


@dataclass(frozen=True, kw_only=True)
class ScoreRule:
    """How logits become scores and classes."""

    no_object: bool
    """Whether the last class of a softmax means "no object" (DETR, YOLOS); else each class has a sigmoid of its own."""
    most: int | None = None
    """The best so many pairs of query and class are looked at, with sigmoids; None = as many as queries."""

    def best(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits `(queries, classes)` -> scores, classes and queries of candidates, best first."""
        if self.no_object:
            scores, classes = logits.softmax(dim=-1)[:, :-1].max(dim=-1)
            order = scores.argsort(descending=True, stable=True)
            return scores[order], classes[order], order
        wanted = len(logits) if self.most is None else self.most
        scores, pairs = logits.sigmoid().flatten().topk(min(wanted, logits.numel()))
        return scores, pairs % logits.shape[1], pairs // logits.shape[1]


class PublishedDetector(MixedDetector):
    """A published detector with its own head and its own way to read it. Raises `InputError` for no classes."""

    def __init__(
        self,
        path: FramePath,
        *,
        name: str,
        weights_hash: str,
        class_names: tuple[str, ...],
        rule: ScoreRule,
        downsampling_factor: int,
        score_threshold: float = 0.5,
    ) -> None:
        super().__init__(name=name, weights_hash=weights_hash)
        if not class_names:
            raise InputError("a detector needs the names of its classes, got none")
        self.path, self._rule, self._factor = path, rule, downsampling_factor
        self.network = path.network
        """The network itself: tensors in, its own outputs out."""
        self._class_names, self._score_threshold = class_names, score_threshold

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of class ids."""
        return self._class_names

    @property
    def score_threshold(self) -> float:
        """The default of transformers, 0.5, unless another one was given."""
        return self._score_threshold

    @property
    def restoration_points(self) -> range:
        """0..N."""
        return self.network.restoration_points

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """The decision regions of a frame of `height x width` pixels: squares of 128 pixels with d = 2."""
        return frame_grid(height, width, downsampling_factor=self._factor)

    def _answer(
        self,
        frames: list[MixedFrame],
        points: list[int],
        threshold: float,
        readers: Mapping[int, ScoreReader] | None,
    ) -> list[Detections]:
        if readers:
            raise InputError(f"the attention of {self.name} cannot be read: a detector on our plain ViT is needed")
        return answer_each(
            self.path, frames, points, lambda output, row, size: self._read(output, row, size, threshold)
        )

    def _read(self, output: Any, row: int, size: tuple[int, int], threshold: float) -> Detections:
        scores, classes, queries = self._rule.best(output.logits[row].float())
        kept = scores > threshold
        centre_x, centre_y, width, height = output.pred_boxes[row].float()[queries[kept]].unbind(-1)
        corners = [centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2]
        scale = corners[0].new_tensor([size[1], size[0], size[1], size[0]])
        boxes = torch.minimum((torch.stack(corners, dim=-1) * scale).clamp(min=0), scale)
        return Detections(
            boxes=boxes.cpu().numpy(),
            scores=scores[kept].cpu().numpy(),
            class_id=classes[kept].cpu().numpy().astype(np.int32),
            class_names=self.class_names,
        )
