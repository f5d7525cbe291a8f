"""Keypoints of persons whose boxes are known (ViTPose): crops in, heatmaps out, read to fractions of a pixel.

Crops and reading follow ViTPose's own (top-down, unbiased: Huang et al. 2020, arXiv 1911.07524; refinement by the
second order of the logarithm of the heatmap, DARK: Zhang et al. 2020, arXiv 1910.06278).
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from foveate.core import Detections, InputError, Mask, MixedFrame, Pixels, RegionGrid, join_regions
from foveate.models.families._base import MixedImages
from foveate.models.families.images import FramePath, frame_grid, mask_under
from foveate.models.mixed_frames import check_points, mixed_frames

PADDING = 1.25
"""How much larger than its box a person's crop is."""
_KERNEL, _SIGMA = (11, 11), 0.8
"""Of the Gaussian that smooths heatmaps before they are refined."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Poses:
    """Keypoints of the persons of one frame."""

    keypoints: NDArray[np.float32]
    """`(persons, K, 2)`: x and y in pixels of the frame."""
    scores: NDArray[np.float32]
    """`(persons, K)`: heights of the heatmaps."""
    names: tuple[str, ...]
    """What the K keypoints are."""


class PoseEstimator:
    """A published pose network: a frame and boxes of persons in, their keypoints out."""

    def __init__(
        self, path: FramePath, *, names: tuple[str, ...], name: str, weights_hash: str, downsampling_factor: int
    ) -> None:
        self.path, self.names, self.name, self.weights_hash = path, names, name, weights_hash
        self._factor = downsampling_factor
        self._crop: tuple[int, int] = self.network.mixed.size

    @property
    def network(self) -> Any:
        """The network itself: crops in, heatmaps out."""
        return self.path.network

    @property
    def restoration_points(self) -> range:
        """0..N."""
        return self.path.network.restoration_points

    def region_grid(self, height: int, width: int) -> RegionGrid:
        """The decision regions of a frame of `height x width` pixels: squares of 128 pixels with d = 2."""
        return frame_grid(height, width, downsampling_factor=self._factor)

    @torch.inference_mode()
    def predict(
        self,
        frame: Pixels | MixedFrame,
        persons: Detections | NDArray[np.float32],
        downsampling_mask: Mask | None = None,
        restoration_point: int | None = None,
    ) -> Poses:
        """Keypoints of each of the `persons`, detections or xyxy boxes `(n, 4)` in pixels of the frame.

        `frame`, `downsampling_mask` and `restoration_point` as `PublishedModel.predict_batch`; a crop is coarse where
        the frame is. Raises `InputError` on wrong types, shapes or ranges, and for boxes without an area.
        """
        latest = self.restoration_points[-1]
        point = check_points([latest if restoration_point is None else restoration_point], 1, latest)[0]
        cut = mixed_frames([frame], [downsampling_mask], self.region_grid)[0]
        crops = _crops(persons.boxes if isinstance(persons, Detections) else persons, self._crop)
        if not len(crops):
            empty = np.zeros((0, len(self.names), 2), np.float32)
            return Poses(keypoints=empty, scores=empty[..., 0], names=self.names)
        heatmaps = self.network(self._given(cut, crops, point)).float().cpu().numpy()
        places, scores = refined_peaks(heatmaps)
        rows, columns = heatmaps.shape[2:]
        spread = crops[:, None, 2:] / np.array([columns - 1, rows - 1])
        keypoints = crops[:, None, :2] + places * spread
        return Poses(keypoints=keypoints.astype(np.float32), scores=scores, names=self.names)

    def _given(self, frame: MixedFrame, crops: NDArray[np.float64], point: int) -> MixedImages:
        """One input per crop."""
        pixels, (height, width) = join_regions(frame), self._crop
        grid, images, masks = self.network.region_grid(height, width), [], []
        for x, y, across, down in crops.tolist():
            steps = down / (height - 1), across / (width - 1)
            push = np.array([[1 / steps[1], 0, -x / steps[1]], [0, 1 / steps[0], -y / steps[0]]])
            crop = cv2.warpAffine(pixels, push, (width, height), flags=cv2.INTER_LINEAR)
            images.append(self.path.preprocessing.normalised(crop.astype(np.uint8, copy=False)))
            masks.append(mask_under(frame, grid, starts=(y, x), steps=steps))
        return MixedImages(
            images=self.path.to_network(torch.stack(images)),
            masks=torch.from_numpy(np.stack(masks)),
            points=[point] * len(images),
        )


def _crops(boxes: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float64]:
    """xyxy boxes -> left, top, width and height of crops in the ratio of `size`, padded, around the same centres."""
    given = np.asarray(boxes, np.float64).reshape(-1, 4)
    sides = given[:, 2:] - given[:, :2]
    hollow = ~((sides > 0) & np.isfinite(sides)).all(axis=1)
    if hollow.any():
        raise InputError(f"boxes of persons must have an area, got {given[hollow][0].tolist()}")
    ratio = size[1] / size[0]
    across = np.maximum(sides[:, 0], sides[:, 1] * ratio) * PADDING
    whole = np.stack([across, across / ratio], axis=1)
    return np.concatenate([(given[:, :2] + given[:, 2:] - whole) / 2, whole], axis=1)


def refined_peaks(heatmaps: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Places `(n, K, 2)` as x and y, and heights `(n, K)`, of the peaks of heatmaps `(n, K, rows, columns)`."""
    count, kinds, rows, columns = heatmaps.shape
    flat = heatmaps.reshape(count * kinds, rows, columns)
    peak = flat.reshape(len(flat), -1).argmax(axis=1)
    y, x = np.divmod(peak, columns)
    scores = flat[np.arange(len(flat)), y, x]
    logs = [
        np.log(np.clip(cv2.GaussianBlur(one, _KERNEL, _SIGMA, borderType=cv2.BORDER_REFLECT), 1e-3, 50)) for one in flat
    ]
    offsets = np.array(
        [_newton_step(np.pad(log, 1, mode="edge"), i + 1, j + 1) for log, i, j in zip(logs, y, x, strict=True)]
    )
    places = np.stack([x, y], axis=1) + offsets
    places[scores <= 0] = -1  # nothing was seen
    return places.reshape(count, kinds, 2), scores.reshape(count, kinds)


def _newton_step(log: NDArray[np.float32], i: int, j: int) -> NDArray[np.float64]:
    """From a peak of the logarithm to the top of its second-order expansion: x and y."""
    here = float(log[i, j])
    slope = np.array([log[i, j + 1] - log[i, j - 1], log[i + 1, j] - log[i - 1, j]], np.float64) / 2
    xx, yy = log[i, j + 1] - 2 * here + log[i, j - 1], log[i + 1, j] - 2 * here + log[i - 1, j]
    down, up = (log[i + s, j + s] - log[i, j + s] - log[i + s, j] for s in (1, -1))
    xy = (down + up + 2 * here) / 2
    curvature = np.array([[xx, xy], [xy, yy]], np.float64) + np.finfo(np.float32).eps * np.eye(2)
    return np.asarray(-np.linalg.solve(curvature, slope), np.float64)
