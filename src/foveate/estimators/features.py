"""What the estimators of size and accuracy read (ViTMAlis, equations 1 and 3, and what a device knows besides)."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from foveate.core import Candidates, Detections, FrameContent, LastOffload, Mask, RegionGrid

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
    *ACCURACY_FEATURES,
    "detail",
    "downsampled_detail",
    "last_size",
    "last_quality",
    "last_downsampled_share",
    "age",
    "retention",
    "agreement",
    "objects",
    "score_mean",
    "score_least",
    "score_doubtful",
    "object_height",
    "object_small",
    "objects_downsampled",
    "doubtful_downsampled",
    "small_downsampled",
)
"""Besides: the objects of the last result, how sure and how large they are, and what of them is downsampled."""
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
_DOUBT = 0.15
"""Doubt about an object falls by a factor e over this much of its score."""
_SMALL = 64.0
"""An object of this height counts half as small, pixels."""


def features(candidates: Candidates, *, grid: RegionGrid, content: FrameContent) -> Columns:
    """All that `content` allows: the paper's inputs, and where it holds more, the device's."""
    columns = _paper(candidates, grid, content)
    if content.region_detail is None or content.objects is None or content.last is None:
        return columns
    objects = _Objects.of(content.objects, content.score_threshold)
    of_tracker = {
        "retention": content.retention,
        "agreement": USUAL_AGREEMENT if content.agreement is None else content.agreement,
    }
    of_frame = _picture(grid, content.region_detail, content.last) | of_tracker | _seen(objects, grid)
    columns |= {name: np.full(len(candidates), value) for name, value in of_frame.items()}
    columns |= _by_mask(
        candidates, {kind: _lost(grid, mask, content.region_detail, objects) for kind, mask in candidates.masks.items()}
    )
    return columns | {"expected_size": _expected_size(columns)}


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


def _paper(candidates: Candidates, grid: RegionGrid, content: FrameContent) -> Columns:
    """N_d as a share, so that frames of any size compare."""
    n = len(candidates)
    return {
        "downsampling_type": candidates.downsampling_type.astype(np.float64),
        "downsampled_share": candidates.downsampled_regions / len(grid),
        "downsampled_motion": candidates.downsampled_motion,
        "frame_motion": np.full(n, content.frame_motion),
        "jpeg_quality": candidates.jpeg_quality.astype(np.float64),
        "restoration_point": candidates.restoration_point.astype(np.float64),
        "relevance_mean": np.full(n, content.relevance_mean),
        "relevance_spread": np.full(n, content.relevance_spread),
    }


def _picture(grid: RegionGrid, region_detail: NDArray[np.float32], last: LastOffload) -> dict[str, float]:
    """How fine the frame is and what the last offload took; as logarithms, since contents differ by factors."""
    detail = max(mean_detail(grid, region_detail), LEAST_DETAIL)
    return {
        "detail": float(np.log(detail)),
        "detail_growth": float(np.log(detail / max(last.detail, LEAST_DETAIL))),
        "last_size": float(np.log(last.bytes_per_pixel)),
        "last_quality": float(last.jpeg_quality),
        "last_downsampled_share": last.downsampled_share,
        "last_downsampled_detail": last.downsampled_detail,
        "age": float(last.frames_ago),
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class _Objects:
    """Tracked boxes with what makes each of them easy to lose; arrays `(n,)`."""

    boxes: NDArray[np.float32]
    height: Numbers
    """Pixels, at least 1."""
    margin: Numbers
    """Score above the least one that is reported."""
    doubt: Numbers
    """1 at the least score, near 0 far above it."""
    smallness: Numbers
    """Near 1 for a few pixels, near 0 for hundreds."""

    @classmethod
    def of(cls, objects: Detections, score_threshold: float) -> "_Objects":
        height = np.maximum(objects.boxes[:, 3] - objects.boxes[:, 1], 1).astype(np.float64)
        margin = objects.scores.astype(np.float64) - score_threshold
        return cls(
            boxes=objects.boxes,
            height=height,
            margin=margin,
            doubt=np.exp(-np.maximum(margin, 0) / _DOUBT),
            smallness=1 / (1 + (height / _SMALL) ** 2),
        )


def _seen(objects: _Objects, grid: RegionGrid) -> dict[str, float]:
    """Number, scores and sizes. Without objects there is nothing small and nothing doubtful."""
    if len(objects.boxes) == 0:
        height, margin, least, doubt, smallness = float(grid.height), 1.0, 1.0, 0.0, 0.0
    else:
        height, margin, least = np.exp(np.log(objects.height).mean()), objects.margin.mean(), objects.margin.min()
        doubt, smallness = objects.doubt.mean(), objects.smallness.mean()
    return {
        "objects": float(np.log1p(len(objects.boxes))),
        "object_height": float(np.log(height)),
        "object_small": float(smallness),
        "score_mean": float(margin),
        "score_least": float(least),
        "score_doubtful": float(doubt),
    }


def _lost(grid: RegionGrid, mask: Mask, region_detail: NDArray[np.float32], objects: _Objects) -> dict[str, float]:
    """Of what a mask downsamples: its share of the detail, and of the objects by three measures."""
    share, count = inside(grid, mask, objects.boxes), max(len(objects.boxes), 1)
    return {
        "downsampled_detail": detail_share(grid, mask, region_detail),
        "objects_downsampled": float(share.sum()) / count,
        "doubtful_downsampled": float((share * objects.doubt).sum()) / count,
        "small_downsampled": float((share * objects.smallness).sum()) / count,
    }


def inside(grid: RegionGrid, mask: Mask, boxes: NDArray[np.float32]) -> Numbers:
    """Share `(n,)` of the area of each xyxy box `(n, 4)` that lies in the regions of `mask`."""
    x1, y1, x2, y2 = boxes.astype(np.float64).T
    rows, columns = (_overlap(a, b, edges) for a, b, edges in ((y1, y2, _rows(grid)), (x1, x2, _columns(grid))))
    covered = ((rows @ mask) * columns).sum(axis=1)
    return np.asarray(covered / np.maximum((x2 - x1) * (y2 - y1), 1e-6))


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
