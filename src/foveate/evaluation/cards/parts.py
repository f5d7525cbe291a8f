"""The parts of a card: one set of pictures, looked at in one way. Each is measured once and kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foveate.evaluation.accuracy import AccuracySettings, measure_accuracy
from foveate.evaluation.cards.latency import ROUNDS, SIZES, first_frame, measure_latency
from foveate.evaluation.cards.restoration import SHARES, all_cells, measure_cells
from foveate.evaluation.cards.sets import CardSet, CardSets
from foveate.evaluation.cards.store import file_digest
from foveate.evaluation.labelled import Labelled, only_classes
from foveate.evaluation.slices import REFERENCE
from foveate.evaluation.summary import machine
from foveate.models import MixedDetector

GROUPS = ("latency", "clips", "real", "crowd", "stills", "restoration")
"""In the order in which they are measured."""
UNIT = (720, 1280)
"""A frame whose inference is the unit of `Part.work`."""
LEAST_REGIONS = 6
"""Real pictures of fewer regions say nothing about shares of regions."""
REAL_PICTURES = 10
"""Real pictures on which restoration is measured."""

Size = tuple[int, int]
Measure = Callable[[MixedDetector, Callable[[int], None]], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one entry of a card needs."""

    group: str
    """One of `GROUPS`."""
    name: str
    """Unique in its group."""
    about: dict[str, Any]
    """All that the figures depend on, beside the weights."""
    steps: int
    """Units of progress."""
    work: float
    """Estimated inferences of `UNIT`."""
    measure: Measure

    def key(self, weights: str) -> dict[str, Any]:
        """Names the figures of one set of weights in a `Store`."""
        return {"format": 1, "group": self.group, "name": self.name, "weights": weights} | self.about


def find_parts(sets: CardSets, sample: Path, *, per_clip: int = 2) -> list[Part]:
    """Everything that can be measured with these sets; `sample` is the clip whose first frame is timed.

    `per_clip`: frames of each clip on which restoration is measured.
    """
    parts = [_latency(sample)]
    parts += [_accuracy("clips", one.name, one) for one in sets.clips]
    parts += [_accuracy("real", one.name, one) for one in sets.real]
    parts += [_accuracy("crowd", f"{one.name}, {how}", one, s) for one in sets.crowd for how, s in _WAYS.items()]
    parts += [_accuracy("stills", f"{name} {one.name}", one) for name, one in sets.stills]
    parts += [_restoration(replace(one, most=per_clip)) for one in sets.clips]
    parts += [_restoration(one) for one in sets.real]
    return parts


_WAYS = {"whole": AccuracySettings(), "slices": AccuracySettings(slicing=REFERENCE)}
"""How a frame at 4K is looked at."""


def work_of(size: Size) -> float:
    """Inferences of `UNIT` that one of `size` costs: blocks and head by pixels, global attention by their square."""
    pixels = size[0] * size[1] / (UNIT[0] * UNIT[1])
    return 0.85 * pixels + 0.15 * pixels**2


def _latency(sample: Path) -> Part:
    def measure(detector: MixedDetector, progress: Callable[[int], None]) -> dict[str, Any]:
        return measure_latency(detector, first_frame(sample), progress)

    return Part(
        group="latency",
        name="one frame",
        about={"clip": file_digest(sample), "rounds": ROUNDS, "machine": machine()},
        steps=ROUNDS + 1,
        work=1.5 * (ROUNDS + 2) * sum(map(work_of, SIZES.values())),
        measure=measure,
    )


def _accuracy(group: str, name: str, one: CardSet, settings: AccuracySettings | None = None) -> Part:
    settings = settings or AccuracySettings()

    def measure(detector: MixedDetector, progress: Callable[[int], None]) -> dict[str, Any]:
        return measure_accuracy(detector, one.open(), settings, progress) | {"kind": one.kind}

    labelled = one.open()
    return Part(
        group=group,
        name=name,
        about=_about(one, labelled) | {"slices": settings.slicing is not None},
        steps=len(labelled.images),
        work=sum(_cost(image.size, settings) for image in labelled.images),
        measure=measure,
    )


def _cost(size: Size, settings: AccuracySettings) -> float:
    if settings.slicing is None:
        return work_of(size)
    side = min(settings.slicing.side, *size)
    return settings.slicing.count([size]) * work_of((side, side))


def _restoration(one: CardSet) -> Part:
    def measure(detector: MixedDetector, progress: Callable[[int], None]) -> dict[str, Any]:
        cells, frames = all_cells(detector.restoration_points), []
        labelled = _with_regions(one, one.open(), detector)
        for pixels, image in zip(labelled.pixels(), labelled.images, strict=True):
            truth = only_classes(image.truth, detector.class_names)
            frames.append(measure_cells(detector, pixels, truth, cells))
            progress(len(frames))
        return {"frames": frames, "kind": one.kind}

    labelled = one.open()
    count = min(len(labelled.images), REAL_PICTURES) if one.kind == "real" else len(labelled.images)
    inferences = 1 + len(SHARES) * 2 * (1 + 5)
    return Part(
        group="restoration",
        name=one.name,
        about=_about(one, labelled) | {"machine": machine()},
        steps=count,
        work=0.8 * inferences * count * work_of(labelled.images[0].size),
        measure=measure,
    )


def _with_regions(one: CardSet, labelled: Labelled, detector: MixedDetector) -> Labelled:
    """Real pictures that are large enough, evenly spread; clips as they are."""
    if one.kind == "rendered":
        return labelled
    large = [image for image in labelled.images if len(detector.region_grid(*image.size)) >= LEAST_REGIONS]
    return replace(labelled, images=tuple(large[:: max(1, len(large) // REAL_PICTURES)][:REAL_PICTURES]))


def _about(one: CardSet, labelled: Labelled) -> dict[str, Any]:
    """What names a set of pictures: truth, files, and which of them."""
    media: Sequence[Any] = [file_digest(one.place)] if one.place.is_file() else []
    first, last = labelled.images[0], labelled.images[-1]
    return {
        "annotations": file_digest(one.annotations),
        "media": media,
        "pictures": [len(labelled.images), first.file_name, first.frame, last.file_name, last.frame],
    }
