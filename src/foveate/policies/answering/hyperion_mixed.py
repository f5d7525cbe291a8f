"""hyperion-mixed: unimportant regions are downsampled, so that the cloud computes fewer tokens as well."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from foveate.core import (
    PATCH,
    ClassMap,
    ImportanceLayers,
    ImportanceScale,
    ImportanceSource,
    ImportanceWish,
    InputError,
    LookPlan,
    Mask,
    OffloadPlan,
    RegionGrid,
)
from foveate.policies.answering._base import CostModel, FrameState, Fusion


@dataclass(frozen=True, kw_only=True)
class HyperionMixed:
    """Regions whose patches are nearly all of class 0 go into ViTMAlis's low mosaic; one quality for both mosaics.

    The best quality that fits into the deadline is sent. The cloud restores tokens inside the model (ViTMAlis, section
    III), slice by slice where frames are sliced.
    """

    name: ClassVar[str] = "hyperion-mixed"
    offloads: ClassVar[bool] = True
    schedules: ClassVar[bool] = True
    looks_first: ClassVar[bool] = True

    refine: bool = True
    """Whether patches that the device's model is sure of go to the lowest class."""
    threshold: float = 0.5
    """Score from which the device's model is sure, 0..1."""
    allowed: float = 0.02
    """Largest share of patches above class 0 in a region that is downsampled, 0..1."""
    beta: int = 2
    """Restoration point, 0..N of the cloud's model."""
    importance: ImportanceSource = "attention"
    """What makes patches important: `attention`, as in the paper, or `boxes` that the device's model suspects."""
    layers: ImportanceLayers = "last"
    """Whose attention makes patches important: `last`, as in the paper, `first` or `all` of the global blocks."""
    breaks: ImportanceScale = "linear"
    """Natural breaks of importance as it is, as in the paper, or of its logarithm (`log`)."""
    costs: CostModel = "line"
    """How bytes and accuracy are expected: by the paper's equations 3 and 4, or by a table for each class."""
    device_weight: float = 0.4
    """Of the device's boxes in the ensemble, 0..1."""
    tolerance: float = 0.0
    """Expected accuracy that is given up for fewer bytes, 0..1."""

    def __post_init__(self) -> None:
        shares = (self.threshold, self.allowed, self.device_weight, self.tolerance)
        if not all(0 <= share <= 1 for share in shares) or self.beta < 0:
            raise InputError(
                f"threshold, allowed, device_weight and tolerance lie in 0..1 and beta is 0 or more, got {self}"
            )

    @property
    def cost_model(self) -> CostModel:
        """Of the scheduler."""
        return self.costs

    @property
    def confidence(self) -> float | None:
        """Of the refinement."""
        return self.threshold if self.refine else None

    @property
    def fusion(self) -> Fusion | None:
        """Of the ensemble."""
        return Fusion(device=self.device_weight, cloud=1 - self.device_weight)

    @property
    def importance_wish(self) -> ImportanceWish:
        """Of every look."""
        return ImportanceWish(source=self.importance, layers=self.layers, scale=self.breaks)

    def look(self, state: FrameState) -> LookPlan:
        """The whole frame, with the importance of its patches."""
        return LookPlan(views=(state.whole_look,), importance=self.importance_wish)

    def decide(self, state: FrameState) -> OffloadPlan | None:
        """The lowest quality that is within the tolerance of the best one that fits."""
        costs = state.costs
        if state.classes is None or costs is None:
            return None
        mask = unimportant_regions(state.classes, state.grid, allowed=self.allowed)
        whole = np.maximum(costs.fixed_bytes + costs.size_bytes.sum(axis=0), costs.least_bytes)
        sizes = whole * _sent_share(mask, state)
        budget = state.budget_bytes(self._plan(state, mask, costs.qualities[0], sizes[0]))  # whatever the quality
        fit = [] if not budget else np.flatnonzero(sizes <= budget).tolist()
        if not fit:
            return None
        accuracy = costs.accuracy.sum(axis=0)
        least = accuracy[max(fit)] - self.tolerance
        chosen = next(column for column in fit if accuracy[column] >= least)
        return self._plan(state, mask, costs.qualities[chosen], sizes[chosen])

    def _plan(self, state: FrameState, mask: Mask, quality: int, expected_bytes: float) -> OffloadPlan:
        some = bool(mask.any())
        return OffloadPlan(
            downsampling_mask=mask if some else None,
            downsampling_type=2 if some else 0,
            restoration_point=self.beta if some else 0,
            jpeg_quality=quality,
            slicing=state.slicing,
            expected_bytes=float(expected_bytes),
            reason="scheduled",
        )


def unimportant_regions(classes: ClassMap, grid: RegionGrid, *, allowed: float) -> Mask:
    """Regions of which at most a share `allowed` of the patches `(patch rows, patch columns)` lies above class 0.

    A patch belongs to the region that holds its centre: regions of other models need not be of whole patches.
    """
    rows, columns = (_region_of(count, axis, grid) for axis, count in enumerate(classes.shape))
    region = (rows[:, None] * grid.shape[1] + columns).reshape(-1)
    inside = np.bincount(region, minlength=len(grid))
    above = np.bincount(region, weights=(classes > 0).reshape(-1), minlength=len(grid))
    return np.asarray(above / np.maximum(inside, 1) <= allowed).reshape(grid.shape)


def _region_of(patches: int, axis: int, grid: RegionGrid) -> NDArray[np.int64]:
    """Row or column of regions `(patches,)` that the centre of each patch along an axis lies in."""
    centres = PATCH * np.arange(patches) + PATCH // 2
    return np.minimum(centres // grid.region_pixels, grid.shape[axis] - 1)


def _sent_share(mask: Mask, state: FrameState) -> float:
    """Bytes of a frame with these regions downsampled over those of the whole frame, by pixels.

    That errs low: regions of class 0 take fewer bytes than their share of the pixels.
    """
    return 1 - float(mask.mean()) * (1 - 1 / state.grid.downsampling_factor**2)
