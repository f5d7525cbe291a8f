"""What the estimators of size and accuracy read (ViTMAlis, equations 1 and 3, and what a device knows besides)."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from foveate.core import Candidates, FrameContent, LastOffload, Mask, RegionGrid

Numbers = NDArray[np.float64]
Columns = dict[str, Numbers]
"""Features by name, each `(n,)`."""

SIZE_FEATURES = ("downsampling_type", "downsampled_share", "downsampled_motion", "frame_motion", "jpeg_quality")
"""Of equation 1."""
ACCURACY_FEATURES = (*SIZE_FEATURES, "restoration_point", "relevance_mean", "relevance_spread")
"""Of equation 3."""
DEVICE_SIZE_FEATURES = (
    "downsampled_share",
    "jpeg_quality",
    "downsampled_detail",
    "detail_growth",
    "last_quality",
    "last_downsampled_share",
    "last_downsampled_detail",
)
"""How configuration and frame differ from those of the last offload; `expected_size` is added to what is learned from
them. Nothing that says how fine or how large in itself: unknown clips lie outside what was seen of that."""
DEVICE_ACCURACY_FEATURES = (
    "downsampled_share",
    "downsampled_detail",
    "jpeg_quality",
    "restoration_point",
    "objects",
    "objects_downsampled",
    "small_downsampled",
    "agreement",
)
"""The configuration, how many objects there are and what of them is downsampled, and how steady results are here. More
inputs, the paper's among them, did worse on unknown clips (docs/log.md)."""
QUALITIES = (70, 75, 80, 85, 90, 95, 100)
QUALITY_COST = (-0.99, -0.91, -0.79, -0.635, -0.40, 0.0, 0.78)
"""Logarithm of a JPEG's size at each of these qualities over that at 95. Like `LOW_COST` from four profiling clips, on
whose frames the two explain the differences between configurations to 4 %."""
LOW_COST = 0.35
"""Bytes for detail in downsampled regions over those for as much in others."""
GROWTH = 0.5
"""Power of its detail with which the size of a frame changes within a clip."""
USUAL_AGREEMENT = 0.7
"""Of tracker and results, before a second result."""
LEAST_DETAIL = 0.05
"""A picture without any step between pixels counts as this fine, grey levels."""
_SMALL = 64.0
"""An object of this height counts half as small, pixels."""


def features(candidates: Candidates, *, grid: RegionGrid, content: FrameContent) -> Columns:
    """All that `content` allows: the paper's inputs, and where it holds more, the device's."""
    part = np.where(candidates.frame_scale < 1, lost_share(candidates.frame_scale, grid.downsampling_factor), 1.0)
    columns = _paper(candidates, grid, content, part)
    if content.region_detail is None or content.objects is None or content.last is None:
        return columns
    objects = content.objects
    of_frame = _since_last(grid, content.region_detail, content.last) | {
        "objects": float(np.log1p(len(objects))),
        "agreement": USUAL_AGREEMENT if content.agreement is None else content.agreement,
    }
    columns |= {name: np.full(len(candidates), value) for name, value in of_frame.items()}
    boxes = Covered(grid, objects.boxes)
    lost = {kind: _lost(grid, mask, content.region_detail, boxes) for kind, mask in candidates.masks.items()}
    columns |= {name: part * values for name, values in _by_mask(candidates, lost).items()}
    return columns | {"expected_size": _expected_size(columns)}


def lost_share(frame_scale: Numbers | float, downsampling_factor: int) -> Numbers:
    """Share of the regions whose downsampling leaves as many pixels as the whole frame has at `frame_scale`.

    0 for a frame at full size, 1 for one that is as coarse as a downsampled region, or coarser.
    """
    return np.minimum((1 - np.asarray(frame_scale) ** 2) / (1 - 1 / downsampling_factor**2), 1.0)


def _expected_size(columns: Columns) -> Numbers:
    """Logarithm of bytes per pixel: what the last offload took, at another quality, mask and detail."""
    quality, before = (np.interp(columns[name], QUALITIES, QUALITY_COST) for name in ("jpeg_quality", "last_quality"))
    kept, kept_before = (
        np.log(1 - (1 - LOW_COST) * columns[name]) for name in ("downsampled_detail", "last_downsampled_detail")
    )
    growth = GROWTH * columns["detail_growth"]
    return np.asarray(columns["last_size"] + growth + quality - before + kept - kept_before)


def _by_mask(candidates: Candidates, of_masks: dict[int, dict[str, float]]) -> Columns:
    """What is known of each downsampling type, for each candidate."""
    kinds = np.array(sorted(of_masks))
    place = np.searchsorted(kinds, candidates.downsampling_type)
    names = next(iter(of_masks.values()))
    return {name: np.array([of_masks[kind][name] for kind in kinds.tolist()])[place] for name in names}


def _paper(candidates: Candidates, grid: RegionGrid, content: FrameContent, part: Numbers) -> Columns:
    """N_d as a share, so that frames of any size compare; `part` of what the masks cover is lost."""
    n = len(candidates)
    return {
        "downsampling_type": candidates.downsampling_type.astype(np.float64),
        "downsampled_share": part * candidates.downsampled_regions / len(grid),
        "downsampled_motion": part * candidates.downsampled_motion,
        "frame_motion": np.full(n, content.frame_motion),
        "jpeg_quality": candidates.jpeg_quality.astype(np.float64),
        "restoration_point": candidates.restoration_point.astype(np.float64),
        "relevance_mean": np.full(n, content.relevance_mean),
        "relevance_spread": np.full(n, content.relevance_spread),
    }


def _since_last(grid: RegionGrid, region_detail: NDArray[np.float32], last: LastOffload) -> dict[str, float]:
    """The last offload, and how much finer the frame is now; sizes and detail as logarithms: both grow by factors."""
    detail = max(mean_detail(grid, region_detail), LEAST_DETAIL)
    return {
        "detail_growth": float(np.log(detail / max(last.detail, LEAST_DETAIL))),
        "last_size": float(np.log(last.bytes_per_pixel)),
        "last_quality": float(last.jpeg_quality),
        "last_downsampled_share": last.downsampled_share,
        "last_downsampled_detail": last.downsampled_detail,
    }


def _lost(grid: RegionGrid, mask: Mask, region_detail: NDArray[np.float32], boxes: "Covered") -> dict[str, float]:
    """Shares of what a mask downsamples: of the detail, of the objects, of the objects as far as they are small."""
    share, count = boxes.inside(mask), max(len(boxes.smallness), 1)
    return {
        "downsampled_detail": detail_share(grid, mask, region_detail),
        "objects_downsampled": float(share.sum()) / count,
        "small_downsampled": float(share @ boxes.smallness) / count,
    }


class Covered:
    """How much of each region row and column xyxy boxes `(n, 4)` cover: once for all masks of a frame."""

    def __init__(self, grid: RegionGrid, boxes: NDArray[np.float32]) -> None:
        x1, y1, x2, y2 = boxes.astype(np.float64).T
        self._rows, self._columns = _overlap(y1, y2, _rows(grid)), _overlap(x1, x2, _columns(grid))
        self._columns /= np.maximum((x2 - x1) * (y2 - y1), 1e-6)[:, None]
        self.smallness = 1 / (1 + ((y2 - y1) / _SMALL) ** 2)
        """`(n,)`: how far each counts as small, 0..1."""

    def inside(self, mask: Mask) -> Numbers:
        """Share `(n,)` of the area of each box that lies in the regions of `mask`."""
        return np.asarray(((self._rows @ mask) * self._columns).sum(axis=1))


def mean_detail(grid: RegionGrid, region_detail: NDArray[np.float32]) -> float:
    """Of the frame: regions count by their pixels."""
    return float((region_detail * _areas(grid)).sum() / (grid.height * grid.width))


def detail_share(grid: RegionGrid, mask: Mask, region_detail: NDArray[np.float32]) -> float:
    """Share of the frame's detail in the regions of `mask`; its share of the pixels where there is no detail."""
    weights = (region_detail + LEAST_DETAIL) * _areas(grid)
    return float(weights[mask].sum() / weights.sum())


@lru_cache
def _rows(grid: RegionGrid) -> Numbers:
    return np.append(np.arange(grid.shape[0]) * grid.region_pixels, grid.height).astype(np.float64)


@lru_cache
def _columns(grid: RegionGrid) -> Numbers:
    return np.append(np.arange(grid.shape[1]) * grid.region_pixels, grid.width).astype(np.float64)


@lru_cache
def _areas(grid: RegionGrid) -> Numbers:
    """Pixels of each region."""
    return np.outer(np.diff(_rows(grid)), np.diff(_columns(grid)))


def _overlap(start: Numbers, end: Numbers, edges: Numbers) -> Numbers:
    """Length `(n, k)` that the intervals share with those between `edges` `(k + 1,)`."""
    shared = np.minimum(end[:, None], edges[1:]) - np.maximum(start[:, None], edges[:-1])
    return np.asarray(np.maximum(shared, 0))
