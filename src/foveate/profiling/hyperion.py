"""What a quality per importance class costs and is worth, measured on frames of known scenes (Hyperion, section III-B).

frame -> glance of the device's model -> classes -> bytes of every class at every quality, and what the cloud's model
still finds at some combinations. Kept raw: `hyperion_fit` may change without an inference.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from foveate.codec import VideoReader, class_sizes, decode_classes, encode_classes, encode_jpeg, thumbnail_bytes
from foveate.core import (
    CLASS_QUALITIES,
    IMPORTANCE_CLASSES,
    ClassMap,
    Detections,
    DeviceGlance,
    ImportanceLayers,
    ImportanceScale,
    ImportanceSource,
    ImportanceWish,
    InputError,
    Pixels,
    class_shares,
    foveate_home,
)
from foveate.estimators import (
    classify_patches,
    refine_classes,
)
from foveate.estimators.natural_breaks import Scale
from foveate.metrics import Counts, F1Counter, Truth, areas, intersections, read_coco, with_ignore_rules
from foveate.profiling.line_file import append_line, read_lines
from foveate.profiling.repeat import Progress, silent

Numbers = NDArray[np.float64]
Qualities = tuple[int, ...]
VERSION = 1
"""Of observations on disk; raised whenever codec or model code changes what is observed."""
Detect = Callable[[Pixels], Detections]
"""The cloud's model on a picture that was cut out of a frame."""


@dataclass(frozen=True, kw_only=True)
class ClassSampling:
    """How much is measured on each frame. Raises `InputError` below one picture of 32 pixels."""

    side: int = 1024
    """Height and width of the pictures on which accuracy is measured, pixels: a slice of the cloud's."""
    pictures: int = 1
    """How many of a frame: those with the most objects."""
    extra: int = 4
    """Combinations of qualities beside the planned ones, drawn with `seed`."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.side < 32 or self.pictures < 1 or self.extra < 0:
            raise InputError(
                "need at least one picture of 32 pixels a side and no fewer than 0 extra combinations, "
                f"got {self.pictures} of {self.side} and {self.extra}"
            )


class ClassTrial(msgspec.Struct, frozen=True, kw_only=True):
    """What one combination of qualities brought on a frame."""

    qualities: Qualities
    """One for each class."""
    tp: int
    """Objects that the cloud's model found on the sampled pictures, against the truth."""
    fp: int
    fn: int


class ClassObservation(msgspec.Struct, frozen=True, kw_only=True):
    """One frame, its classes, and what their qualities cost and brought."""

    scene: str
    """Frames of one scene are never on both sides of a fit."""
    frame: int
    shares: tuple[float, ...]
    """p_c, after refinement."""
    original_bytes: int
    """JPEG of the whole frame at the top quality."""
    thumbnail_bytes: int
    sizes: tuple[tuple[int, ...], ...]
    """Bytes of each class at each of `CLASS_QUALITIES`."""
    overhead_bytes: int
    """What a stream of several qualities holds beside its mosaics: header and map."""
    trials: tuple[ClassTrial, ...]

    def size(self, qualities: Qualities) -> int:
        """Bytes of the frame with such qualities; of a single quality, which needs no map, some hundreds too many."""
        columns = [CLASS_QUALITIES.index(quality) for quality in qualities]
        return self.overhead_bytes + sum(row[column] for row, column in zip(self.sizes, columns, strict=True))


def glance_classes(glance: DeviceGlance, *, scale: Scale = "linear") -> ClassMap:
    """Refined importance classes of a frame, as a device makes them."""
    return refine_classes(classify_patches(glance.importance, scale=scale), glance.detections)


def wish_of(
    source: ImportanceSource, subsets: Sequence[int], scale: ImportanceScale, *, count: int
) -> ImportanceWish | None:
    """How a policy asks for classes that were made so, with a model of `count` subsets; None if none can.

    `subsets`: whose attention counts, from 1; empty = the last.
    """
    layers: dict[tuple[int, ...], ImportanceLayers] = {
        tuple(range(1, count + 1)): "all",
        (1,): "first",
        (count,): "last",
        (): "last",
    }
    known = "last" if source == "boxes" else layers.get(tuple(sorted(subsets)))
    return None if known is None else ImportanceWish(source=source, layers=known, scale=scale)


def combinations(sampling: ClassSampling) -> list[Qualities]:
    """Combinations to try: all alike, each class alone lowered or raised, most of them low, and some drawn.

    Low qualities are where accuracy is lost: above 30 or 50 a detector hardly notices (docs/results.md).
    """
    low, middle, high = CLASS_QUALITIES[0], CLASS_QUALITIES[1], CLASS_QUALITIES[-1]
    planned = [(quality,) * IMPORTANCE_CLASSES for quality in (low, middle, 50, high)]
    for place in range(IMPORTANCE_CLASSES):
        for one, others in ((low, middle), (low, high), (middle, high), (middle, low), (high, low)):
            planned.append(tuple(one if place == number else others for number in range(IMPORTANCE_CLASSES)))
    free = [chosen for chosen in all_combinations() if chosen not in planned]
    drawn = np.random.default_rng(sampling.seed).choice(len(free), min(sampling.extra, len(free)), replace=False)
    return planned + [free[number] for number in sorted(drawn.tolist())]


def all_combinations() -> list[Qualities]:
    """Every quality of every class."""
    return list(product(CLASS_QUALITIES, repeat=IMPORTANCE_CLASSES))


def observe_classes(
    pixels: Pixels,
    truth: Truth,
    classes: ClassMap,
    detect: Detect,
    *,
    scene: str,
    frame: int = 0,
    sampling: ClassSampling | None = None,
) -> ClassObservation:
    """Measure one frame. `truth`: its objects that count."""
    chosen = sampling or ClassSampling()
    cuts = busiest_pictures(truth, pixels.shape[:2], chosen)
    size = pixels.shape[0], pixels.shape[1]
    trials = []
    for qualities in combinations(chosen):
        decoded = decode_classes(encode_classes(pixels, classes, qualities), frame_size=size)
        counts = _judged(decoded, truth, cuts, chosen.side, detect)
        trials.append(ClassTrial(qualities=qualities, tp=counts.tp, fp=counts.fp, fn=counts.fn))
    sizes = class_sizes(pixels, classes, IMPORTANCE_CLASSES, CLASS_QUALITIES)
    mixed = tuple(CLASS_QUALITIES[:IMPORTANCE_CLASSES])
    mosaics = sum(int(sizes[number, number]) for number in range(IMPORTANCE_CLASSES))
    return ClassObservation(
        scene=scene,
        frame=frame,
        shares=tuple(class_shares(classes).tolist()),
        original_bytes=len(encode_jpeg(pixels, quality=CLASS_QUALITIES[-1])),
        thumbnail_bytes=thumbnail_bytes(pixels),
        sizes=tuple(tuple(row) for row in sizes.tolist()),
        overhead_bytes=encode_classes(pixels, classes, mixed).size_bytes - mosaics,
        trials=tuple(trials),
    )


def busiest_pictures(truth: Truth, frame_size: tuple[int, ...], sampling: ClassSampling) -> list[tuple[int, int]]:
    """Upper left corners of the pictures with the most whole objects, half a picture apart, the fullest first."""
    side = sampling.side
    starts = [sorted({*range(0, max(1, length - side), side // 2), max(0, length - side)}) for length in frame_size[:2]]
    boxes = truth.detections.boxes
    counts = {(top, left): int((_shares_inside(boxes, top, left, side) >= 1).sum()) for top, left in product(*starts)}
    return sorted(counts, key=lambda corner: (-counts[corner], corner))[: sampling.pictures]


def _judged(pixels: Pixels, truth: Truth, corners: Sequence[tuple[int, int]], side: int, detect: Detect) -> Counts:
    """Hits and errors on the pictures, added up."""
    total = Counts()
    for top, left in corners:
        found = detect(np.ascontiguousarray(pixels[top : top + side, left : left + side])).moved(top, left)
        share = _shares_inside(truth.detections.boxes, top, left, side)
        whole = truth.select(share >= 1).ignoring(truth.detections.boxes[(share > 0) & (share < 1)])
        total += F1Counter().add(found, whole.detections, ignore=whole.ignore, ignore_class=whole.ignore_class)
    return total


def _shares_inside(boxes: NDArray[np.float32], top: int, left: int, side: int) -> Numbers:
    """Share of each box that lies on a picture."""
    picture = np.array([[left, top, left + side, top + side]], np.float32)
    return intersections(boxes, picture)[:, 0] / np.maximum(areas(boxes), 1e-9)


def append_class_observation(path: Path, observation: ClassObservation) -> None:
    """One line more."""
    append_line(path, observation)


def read_class_observations(path: Path) -> list[ClassObservation]:
    """By scene and frame, the last line of each; none where there is no file. Raises `MediaError` on a damaged one."""
    found = {(o.scene, o.frame): o for o in read_lines(path, ClassObservation)}
    return sorted(found.values(), key=lambda o: (o.scene, o.frame))


Glance = Callable[[Pixels], DeviceGlance]
"""The device's model."""
WholeFrame = Callable[[Pixels], Detections]
"""The cloud's model on a whole frame: the truth of a clip that has none."""


def measure_classes(
    video: Path,
    glance: Glance,
    detect: Detect,
    whole: WholeFrame,
    path: Path,
    *,
    every: int = 30,
    scale: Scale = "linear",
    sampling: ClassSampling | None = None,
    progress: Progress = silent,
) -> list[ClassObservation]:
    """Observations of one frame in `every` of a clip, appended to the file `path` as they come; known ones stay.

    Truth is what lies beside a rendered clip as `NAME.json`, or else what the cloud's model finds in the whole frame.
    """
    chosen = sampling or ClassSampling()
    known, truths = {(o.scene, o.frame) for o in read_class_observations(path)}, _truths(video)
    with VideoReader(video) as reader:
        frames = range(0, reader.frame_count or 10**9, every)
        for index, pixels in enumerate(reader):
            if index % every or (video.stem, index) in known:
                continue
            truth = truths.get(index) or Truth(detections=whole(pixels))
            counted = with_ignore_rules(truth, frame_height=pixels.shape[0])
            classes = glance_classes(glance(pixels), scale=scale)
            append_class_observation(
                path, observe_classes(pixels, counted, classes, detect, scene=video.stem, frame=index, sampling=chosen)
            )
            progress(index // every + 1, len(frames))
    progress(len(frames), len(frames))
    return [o for o in read_class_observations(path) if o.scene == video.stem and o.frame % every == 0]


def class_observations_path(video: Path, depends_on: Sequence[object]) -> Path:
    """A file under `$FOVEATE_HOME` whose name changes with the clip and with all that an observation depends on."""
    with video.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    key = msgspec.json.encode([VERSION, digest, *depends_on])
    return foveate_home() / "hyperion" / f"{hashlib.sha256(key).hexdigest()[:24]}.jsonl"


def _truths(video: Path) -> dict[int, Truth]:
    """By position in the clip, of a rendered one."""
    beside = video.with_suffix(".json")
    images = read_coco(beside) if beside.is_file() else []
    return {image.frame: image.truth for image in images if image.frame is not None}
