"""What was measured on the frames of a clip, kept as it was measured: features may change without a new measurement."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np

from foveate.core import Detections, FrameContent, LastOffload, RegionGrid
from foveate.device.surroundings import AGREEMENTS
from foveate.estimators import task_relevance
from foveate.metrics import F1Counter, Truth, with_ignore_rules
from foveate.profiling.line_file import append_line, read_lines


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What one configuration brought on a frame."""

    downsampling_type: int
    jpeg_quality: int
    restoration_point: int
    full_bytes: int
    """Of the picture of full-resolution regions."""
    low_bytes: int
    """Of the picture of downsampled regions."""
    tp: int
    """Against the model's own result on the frame as it is: objects found again."""
    fp: int
    fn: int

    @property
    def size_bytes(self) -> int:
        """Compressed size."""
        return self.full_bytes + self.low_bytes

    @property
    def f1(self) -> float:
        """1 where both saw nothing."""
        errors = self.fp + self.fn
        return 2 * self.tp / (2 * self.tp + errors) if self.tp + errors else 1.0


class Objects(msgspec.Struct, frozen=True, kw_only=True):
    """Detections as JSON takes them."""

    boxes: list[list[float]]
    scores: list[float]
    class_id: list[int]

    @classmethod
    def of(cls, detections: Detections) -> "Objects":
        """The same without the names of its classes."""
        return cls(
            boxes=numbers(detections.boxes),
            scores=[float(score) for score in detections.scores],
            class_id=detections.class_id.tolist(),
        )

    def detections(self, class_names: tuple[str, ...]) -> Detections:
        """Inverse of `of`."""
        return Detections(
            boxes=np.array(self.boxes, np.float32).reshape(-1, 4),
            scores=np.array(self.scores, np.float32),
            class_id=np.array(self.class_id, np.int32),
            class_names=class_names,
        )


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One frame as a device knew it when it could have offloaded it, and what configurations brought."""

    frame: int
    grid: RegionGrid
    region_motion: list[list[float]]
    frame_motion: float
    region_detail: list[list[float]]
    class_names: tuple[str, ...]
    objects: Objects
    """What the tracker showed."""
    truth: Objects
    """What the model sees in the frame as it is."""
    score_threshold: float
    retention: float
    last: LastOffload
    trials: list[Trial]
    agreement: float | None = None
    """Filled in by `read_observations`, from the frames before."""

    @property
    def content(self) -> FrameContent:
        """As the device's session would hand it to a policy."""
        objects = self.objects.detections(self.class_names)
        return FrameContent(
            region_motion=np.array(self.region_motion, np.float32),
            frame_motion=self.frame_motion,
            task_relevance=task_relevance(objects.boxes, self.grid),
            region_detail=np.array(self.region_detail, np.float32),
            objects=objects,
            agreement=self.agreement,
            last=self.last,
        )

    @property
    def agrees(self) -> float:
        """F1 of what the tracker showed, against what the model sees."""
        truth = Truth(detections=self.truth.detections(self.class_names))
        counted = with_ignore_rules(truth, frame_height=self.grid.height)
        shown = self.objects.detections(self.class_names)
        return F1Counter().add(shown, counted.detections, ignore=counted.ignore).f1


def append_observation(path: Path, observation: Observation) -> None:
    """One line more."""
    append_line(path, observation)


def read_observations(path: Path) -> list[Observation]:
    """By frame, the last line of each; none where there is no file. Raises `MediaError` on a damaged one."""
    found = {o.frame: o for o in read_lines(path, Observation)}
    return _with_agreement([found[frame] for frame in sorted(found)])


def _with_agreement(ordered: list[Observation]) -> list[Observation]:
    agrees = [observation.agrees for observation in ordered]
    before = [agrees[max(0, k - AGREEMENTS) : k] for k in range(len(ordered))]
    return [
        msgspec.structs.replace(observation, agreement=float(np.mean(values)) if values else None)
        for observation, values in zip(ordered, before, strict=True)
    ]


def numbers(values: Iterable[Iterable[float]]) -> list[list[float]]:
    """Arrays as JSON takes them."""
    return [[float(v) for v in row] for row in values]
