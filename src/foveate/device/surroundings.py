"""What a device knows about the content of its newest frame: motion, objects, detail, cost of the last offload."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core import Detections, Frame, FrameContent, LastOffload, Mask, OffloadPlan, OffloadRecord, RegionGrid
from foveate.device.events import Tracked
from foveate.estimators import Fading, detail_share, lost_share, mean_detail, task_relevance
from foveate.metrics import F1Counter, Truth, with_ignore_rules
from foveate.tracking import GreyPair, Motion, region_detail

AGREEMENTS = 4
"""Results that the mean agreement with the tracker is taken over."""
MOST_SENT = 4
"""Offloads that are remembered until their results come; no more are ever on their way."""


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """The frame of an offload, and what its plan made of it."""

    frame_index: int
    plan: OffloadPlan
    pixels: int
    downsampled_share: float
    detail: float
    downsampled_detail: float
    shown: Detections | None
    """What the tracker showed; None before it showed anything."""
    shown_age_s: float
    """Time since the frame that it was found in."""


class Surroundings:
    """Collects what is measured as it comes, and puts it together for a decision."""

    def __init__(self) -> None:
        self.motion: Motion | None = None
        """The latest; None before the first."""
        self._detail: NDArray[np.float32] | None = None
        self._sent: deque[_Sent] = deque(maxlen=MOST_SENT)
        self._landed: tuple[_Sent, OffloadRecord] | None = None
        self._agreements: deque[float] = deque(maxlen=AGREEMENTS)
        self._fading = Fading()

    def look(self, grey: GreyPair, grid: RegionGrid) -> None:
        """Measure the detail of the frame that is decided about."""
        self._detail = region_detail(grey, grid)

    def offloaded(self, frame: Frame, plan: OffloadPlan, grid: RegionGrid, latest: Tracked | None = None) -> None:
        """The frame that was looked at last is sent under `plan`; `latest` is where the tracker is."""
        if self._detail is None:
            return
        mask: Mask = grid.check_mask(plan.downsampling_mask)
        lost = float(lost_share(plan.frame_scale, grid.downsampling_factor))
        self._sent.append(
            _Sent(
                frame_index=frame.index,
                plan=plan,
                pixels=grid.height * grid.width,
                downsampled_share=lost or float(mask.mean()),
                detail=mean_detail(grid, self._detail),
                downsampled_detail=lost or detail_share(grid, mask, self._detail),
                shown=None if latest is None else latest.detections,
                shown_age_s=0.0 if latest is None else frame.captured_at - latest.source.captured_at,
            )
        )

    def landed(self, record: OffloadRecord, result: Detections, *, frame_height: int) -> None:
        """An offload brought a result."""
        sent = next((sent for sent in self._sent if sent.frame_index == record.frame_index), None)
        if sent is None:
            return
        self._landed = sent, record
        if sent.shown is not None:
            truth = with_ignore_rules(Truth(detections=result), frame_height=frame_height)
            counts = F1Counter().add(sent.shown, truth.detections, ignore=truth.ignore)
            self._agreements.append(counts.f1)
            self._fading.observe(counts.f1, sent.shown_age_s)

    def content(self, grid: RegionGrid, *, frame_index: int, latest: Tracked | None) -> FrameContent | None:
        """Of the frame that was looked at last; None before any motion was measured in these very regions.

        After a change of servers they may be those of another model.
        """
        if self.motion is None or self.motion.region_motion.shape != grid.shape:
            return None
        boxes = np.zeros((0, 4), np.float32) if latest is None else latest.detections.boxes
        return FrameContent(
            region_motion=self.motion.region_motion,
            frame_motion=self.motion.frame_motion,
            task_relevance=task_relevance(boxes, grid),
            region_detail=self._detail,
            objects=None if latest is None else latest.detections,
            agreement=float(np.mean(self._agreements)) if self._agreements else None,
            last=self._last(frame_index),
            fading_per_s=self._fading.rate_per_s,
        )

    def _last(self, frame_index: int) -> LastOffload | None:
        if self._landed is None:
            return None
        sent, record = self._landed
        return LastOffload(
            bytes_per_pixel=max(record.payload_bytes, 1) / sent.pixels,
            jpeg_quality=sent.plan.jpeg_quality,
            downsampled_share=sent.downsampled_share,
            detail=sent.detail,
            downsampled_detail=sent.downsampled_detail,
            frames_ago=frame_index - sent.frame_index,
        )
