"""What a quality per importance class costs and is worth, measured on frames of known scenes (Hyperion, section III-B).

frame -> glance of the device's model -> classes -> bytes of every class at every quality, and what the cloud's model
still finds at some combinations -> rows -> `ClassProfile`. What was measured is kept raw: fits may change without an
inference.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from foveate.codec import class_sizes, decode_classes, encode_classes, encode_jpeg, thumbnail_bytes
from foveate.core import (
    CLASS_QUALITIES,
    IMPORTANCE_CLASSES,
    ClassMap,
    ClassProfile,
    Detections,
    DeviceGlance,
    InputError,
    Pixels,
    Provenance,
    class_shares,
)
from foveate.estimators import (
    classify_patches,
    fit_accuracy_line,
    fit_accuracy_table,
    fit_size_line,
    fit_size_table,
    predicted_accuracy,
    predicted_ratio,
    refine_classes,
)
from foveate.estimators.natural_breaks import Scale
from foveate.metrics import Counts, F1Counter, Truth, areas, intersections

Numbers = NDArray[np.float64]
Qualities = tuple[int, ...]
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
        """Bytes of the frame with such qualities."""
        columns = [CLASS_QUALITIES.index(quality) for quality in qualities]
        return self.overhead_bytes + sum(row[column] for row, column in zip(self.sizes, columns, strict=True))


def glance_classes(glance: DeviceGlance, *, scale: Scale = "linear") -> ClassMap:
    """Refined importance classes of a frame, as a device makes them."""
    return refine_classes(classify_patches(glance.importance, scale=scale), glance.detections)


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
    done: Callable[[], None] = lambda: None,
) -> ClassObservation:
    """Measure one frame. `truth`: its objects that count; `done` is called after each combination."""
    chosen = sampling or ClassSampling()
    cuts = busiest_pictures(truth, pixels.shape[:2], chosen)
    size = pixels.shape[0], pixels.shape[1]
    trials = []
    for qualities in combinations(chosen):
        decoded = decode_classes(encode_classes(pixels, classes, qualities), frame_size=size)
        counts = _judged(decoded, truth, cuts, chosen.side, detect)
        trials.append(ClassTrial(qualities=qualities, tp=counts.tp, fp=counts.fp, fn=counts.fn))
        done()
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
        whole, cut = truth.detections.select(share >= 1), truth.detections.boxes[(share > 0) & (share < 1)]
        total += F1Counter().add(found, whole, ignore=np.concatenate([truth.ignore, cut]))
    return total


def _shares_inside(boxes: NDArray[np.float32], top: int, left: int, side: int) -> Numbers:
    """Share of each box that lies on a picture."""
    picture = np.array([[left, top, left + side, top + side]], np.float32)
    return intersections(boxes, picture)[:, 0] / np.maximum(areas(boxes), 1e-9)


def append_class_observation(path: Path, observation: ClassObservation) -> None:
    """One line more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(msgspec.json.encode(observation) + b"\n")


def read_class_observations(path: Path) -> list[ClassObservation]:
    """All whole lines of a file, by scene and frame; none where there is no file."""
    if not path.is_file():
        return []
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    found = [msgspec.json.decode(line, type=ClassObservation) for line in lines]
    return sorted({(o.scene, o.frame): o for o in found}.values(), key=lambda o: (o.scene, o.frame))


@dataclass(frozen=True, kw_only=True, eq=False)
class SizeRows:
    """Sizes of all combinations on some frames, one row each."""

    ratio: Numbers
    """`(n,)`: size / original size."""
    shares: Numbers
    """`(n, classes)`: p_c."""
    chosen: NDArray[np.int64]
    """`(n, classes)`: q_c."""

    @property
    def mean_quality(self) -> Numbers:
        """sum_c p_c q_c, `(n,)`."""
        return np.asarray((self.shares * self.chosen).sum(axis=1))


def size_rows(observations: Sequence[ClassObservation]) -> SizeRows:
    """Every combination of qualities on every frame."""
    chosen = all_combinations()
    sizes = [[o.size(qualities) / o.original_bytes for qualities in chosen] for o in observations]
    return SizeRows(
        ratio=np.array(sizes).reshape(-1),
        shares=np.repeat([o.shares for o in observations], len(chosen), axis=0),
        chosen=np.tile(np.array(chosen, np.int64), (len(observations), 1)),
    )


def pooled_accuracy(observations: Sequence[ClassObservation]) -> Iterator[tuple[Qualities, float]]:
    """F1 of each combination over all frames that tried it."""
    sums: dict[Qualities, Counts] = {}
    for trial in (trial for o in observations for trial in o.trials):
        counts = Counts(tp=trial.tp, fp=trial.fp, fn=trial.fn)
        sums[trial.qualities] = sums.get(trial.qualities, Counts()) + counts
    return ((qualities, counts.f1) for qualities, counts in sums.items())


def fit_classes(observations: Sequence[ClassObservation], *, provenance: Provenance | None = None) -> ClassProfile:
    """Equations 3 and 4, the table of sizes, and originals by thumbnails. Raises `InputError` without frames."""
    if not observations:
        raise InputError("a profile of classes needs at least one measured frame, got none")
    rows = size_rows(observations)
    pooled = list(pooled_accuracy(observations))
    accuracy, chosen = np.array([f1 for _, f1 in pooled]), np.array([qualities for qualities, _ in pooled])
    originals = np.array([o.original_bytes for o in observations])
    thumbnails = np.array([o.thumbnail_bytes for o in observations])
    return ClassProfile(
        line=fit_size_line(rows.ratio, rows.mean_quality),
        table=fit_size_table(rows.ratio, rows.shares, rows.chosen, CLASS_QUALITIES),
        accuracy=fit_accuracy_line(accuracy, chosen),
        accuracy_table=fit_accuracy_table(accuracy, chosen, CLASS_QUALITIES),
        original_per_thumbnail=float(np.exp(np.log(originals / thumbnails).mean())),
        provenance=provenance,
    )


def judge_classes(profile: ClassProfile, unseen: Sequence[ClassObservation]) -> dict[str, float]:
    """Correlations and errors of a profile on frames of other scenes than it was fitted to."""
    rows, figures = size_rows(unseen), dict[str, float]()
    shares, chosen = list(rows.shares), [tuple(row) for row in rows.chosen.tolist()]
    for name, model in (("line", profile.line), ("table", profile.table)):
        predicted = np.array([predicted_ratio(model, p, q) for p, q in zip(shares, chosen, strict=True)])
        figures |= {
            f"size_{name}_correlation": float(np.corrcoef(predicted, rows.ratio)[0, 1]),
            f"size_{name}_mape": float((np.abs(predicted - rows.ratio) / rows.ratio).mean()),
            f"size_{name}_exceeded": float((rows.ratio > predicted).mean()),
        }
    pooled = list(pooled_accuracy(unseen))
    true = np.array([f1 for _, f1 in pooled])
    for name, accuracy in (("line", profile.accuracy), ("table", profile.accuracy_table)):
        expected = np.array([predicted_accuracy(accuracy, qualities) for qualities, _ in pooled])
        figures |= {
            f"accuracy_{name}_correlation": float(np.corrcoef(expected, true)[0, 1]),
            f"accuracy_{name}_mae": float(np.abs(expected - true).mean()),
        }
    originals = np.array([o.original_bytes for o in unseen])
    guessed = profile.original_per_thumbnail * np.array([o.thumbnail_bytes for o in unseen])
    return figures | {"original_mape": float((np.abs(guessed - originals) / originals).mean())}
