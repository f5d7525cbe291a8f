"""Look inside a run: frames, boxes, region types, mask, configuration, time series in the Rerun viewer (extra `view`).

Made after the run from what it logged, as truth and video are: a viewer that draws while a device decides would change
what is measured. Region types are worked out again, frame by frame, from motion and from the boxes that were shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foveate.codec import encode_jpeg
from foveate.core import Detections, FoveateError, FrameContent, OffloadRecord, Pixels, RegionGrid
from foveate.device import Clip, OffloadDone
from foveate.estimators import task_relevance
from foveate.evaluation.live_log import LiveLog, Shown
from foveate.evaluation.summary import STAGES
from foveate.network import UplinkTrace
from foveate.network.messages import Welcome
from foveate.policies import Policy, RegionType, region_types
from foveate.policies.region_types import DELTA_M, DELTA_RHO, RegionTypes
from foveate.tracking import MotionAnalyser, reduce

_QUALITY = 80
"""Of the frames in a recording."""
_TYPE_COLORS = {RegionType.SBR: (90, 110, 140), RegionType.CMR: (224, 160, 60), RegionType.DOR: (60, 180, 140)}
_DOWNSAMPLED = (70, 130, 230, 60)


@dataclass(frozen=True, kw_only=True, eq=False)
class RunView:
    """What a view is made of."""

    clip: Clip
    log: LiveLog
    welcome: Welcome
    policy: Policy
    trace: UplinkTrace
    """From where the run started in it."""


def view_run(run: RunView, *, save: Path | None, progress: Callable[[int], None]) -> None:
    """Stream a run to a viewer that is opened, or save it as a recording (`.rrd`).

    Raises `FoveateError` without the Rerun SDK, or where the disk refuses.
    """
    rerun = _import_rerun()
    recording = rerun.RecordingStream("foveate", recording_id=f"{run.clip.path.stem}-{run.policy.name}")
    try:
        if save is None:
            recording.spawn(default_blueprint=_blueprint())
        else:
            save.parent.mkdir(parents=True, exist_ok=True)
            recording.save(str(save), default_blueprint=_blueprint())
        send_run(rerun, recording, run, progress)
        recording.flush()
    except (OSError, RuntimeError) as error:
        raise FoveateError(f"the viewer cannot be given the run: {error}") from error


def send_run(rerun: Any, recording: Any, run: RunView, progress: Callable[[int], None]) -> None:
    """Log everything, frame by frame. `rerun`: the module; `recording`: where it goes."""
    sender = _Sender(rerun, recording, run)
    shown = {frame.frame: frame for frame in run.log.shown}
    last = max(shown, default=-1)
    for index, pixels in zip(range(last + 1), run.clip, strict=False):
        sender.frame(index, pixels, shown.get(index))
        progress(index + 1)
    for done in run.log.offloads:
        sender.offload(done)


class _Sender:
    def __init__(self, rerun: Any, recording: Any, run: RunView) -> None:
        self._rerun, self._recording, self._run = rerun, recording, run
        self._grid = run.welcome.grid(*run.clip.size)
        self._analyser = MotionAnalyser(self._grid)
        self._records = {done.record.frame_index: done.record for done in run.log.succeeded}
        self._delta_m = float(getattr(run.policy, "delta_m", DELTA_M))
        self._delta_rho = float(getattr(run.policy, "delta_rho", DELTA_RHO))
        self._relevance_first = bool(getattr(run.policy, "relevance_first", False))

    def frame(self, index: int, pixels: Pixels, shown: Shown | None) -> None:
        """A captured frame; `shown` is None if it was dropped."""
        self._at(index, index / self._run.clip.fps)
        picture = encode_jpeg(pixels, quality=_QUALITY)
        self._log("camera", self._rerun.EncodedImage(contents=picture, media_type="image/jpeg"))
        self._log("link/uplink_mbps", self._rerun.Scalars(self._run.trace.rate_at(index / self._run.clip.fps) / 1e6))
        motion = self._analyser.update(reduce(pixels))
        if shown is None:
            return
        content = FrameContent(
            region_motion=motion.region_motion,
            frame_motion=motion.frame_motion,
            task_relevance=task_relevance(shown.detections.boxes, self._grid),
        )
        types = region_types(
            content, delta_m=self._delta_m, delta_rho=self._delta_rho, relevance_first=self._relevance_first
        )
        self._log("camera/region_types", self._typed(types))
        self._log("camera/shown", self._boxes(shown.detections))
        self._log("motion/frame", self._rerun.Scalars(motion.frame_motion))
        if shown.source_frame is not None and shown.staleness_s is not None:
            self._log("fresh/staleness_ms", self._rerun.Scalars(1000 * shown.staleness_s))
            self._log("camera/downsampled", self._masked(self._records[shown.source_frame]))

    def offload(self, done: OffloadDone) -> None:
        """What was chosen for a frame and what came of it, at the time at which the frame was captured."""
        record, plan = done.record, done.record.plan
        self._at(record.frame_index, record.frame_index / self._run.clip.fps)
        words = (
            f"frame {record.frame_index}: type {plan.downsampling_type}, {plan.downsampled_regions} regions of "
            f"{len(self._grid)} downsampled, quality {plan.jpeg_quality}, restored at {plan.restoration_point}"
            + (f", {plan.reason}" if plan.reason else "")
        )
        self._log("choices", self._rerun.TextLog(words if not record.failed else f"{words}; failed: {done.reason}"))
        if record.failed:
            return
        figures = {f"latency/{stage}_ms": 1000 * float(getattr(record, f"{stage}_s")) for stage in STAGES}
        figures |= {
            "latency/end_to_end_ms": 1000 * record.e2e_latency_s,
            "configuration/quality": float(plan.jpeg_quality),
            "configuration/restoration_point": float(plan.restoration_point),
            "configuration/downsampled_regions": float(plan.downsampled_regions),
            "link/throughput_mbps": record.throughput_bps / 1e6,
            "link/kilobytes": record.payload_bytes / 1000,
        }
        for path, value in figures.items():
            self._log(path, self._rerun.Scalars(value))

    def _at(self, index: int, seconds: float) -> None:
        self._recording.set_time("frame", sequence=index)
        self._recording.set_time("time", duration=seconds)

    def _log(self, path: str, entity: Any) -> None:
        self._recording.log(path, entity)

    def _boxes(self, found: Detections) -> Any:
        labels = [f"{found.class_names[k]} {s:.2f}" for k, s in zip(found.class_id, found.scores, strict=True)]
        boxes = found.boxes.reshape(-1, 4)
        return self._rerun.Boxes2D(
            mins=boxes[:, :2], sizes=boxes[:, 2:] - boxes[:, :2], labels=labels, class_ids=found.class_id + 1
        )

    def _typed(self, types: RegionTypes) -> Any:
        kinds = [RegionType(int(kind)) for kind in types.ravel()]
        places = [(int(row), int(column)) for row, column in np.ndindex(*types.shape)]
        colors = [_TYPE_COLORS[kind] for kind in kinds]
        return region_boxes(self._rerun, self._grid, places, colors=colors, labels=[kind.name for kind in kinds])

    def _masked(self, record: OffloadRecord) -> Any:
        mask = self._grid.check_mask(record.plan.downsampling_mask)
        places = [(int(row), int(column)) for row, column in np.argwhere(mask)]
        return region_boxes(self._rerun, self._grid, places, colors=[_DOWNSAMPLED] * len(places), labels=None)


def region_boxes(
    rerun: Any, grid: RegionGrid, places: list[tuple[int, int]], *, colors: list[Any], labels: list[str] | None
) -> Any:
    """Frames around regions, a pixel inside them so that neighbours stay apart."""
    bounds = np.array([grid.box(row, column) for row, column in places], np.float32).reshape(-1, 4)
    top_left, bottom_right = bounds[:, [1, 0]] + 1, bounds[:, [3, 2]] - 1
    return rerun.Boxes2D(mins=top_left, sizes=bottom_right - top_left, colors=colors, labels=labels, show_labels=False)


def _blueprint() -> Any:
    """The picture on the left, time series on the right, choices below."""
    from rerun import blueprint  # noqa: PLC0415  # comes with the package

    series = ("link", "latency", "configuration", "fresh", "motion")
    return blueprint.Blueprint(
        blueprint.Horizontal(
            blueprint.Vertical(
                blueprint.Spatial2DView(origin="camera", name="camera"),
                blueprint.TextLogView(origin="choices", name="choices"),
                row_shares=[4, 1],
            ),
            blueprint.Vertical(*(blueprint.TimeSeriesView(origin=name, name=name) for name in series)),
            column_shares=[3, 2],
        )
    )


def _import_rerun() -> Any:
    try:
        import rerun  # noqa: PLC0415  # only who looks needs it
    except ImportError as error:
        raise FoveateError("a view needs rerun-sdk: pip install 'foveate[view]'") from error
    return rerun
