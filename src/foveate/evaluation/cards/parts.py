"""The parts of a card: one set of pictures, looked at in one way. Each is measured once and kept."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foveate.evaluation.accuracy import AccuracySettings, measure_accuracy
from foveate.evaluation.cards.computer import computer
from foveate.evaluation.cards.latency import ROUNDS, SIZES, first_frame, measure_latency
from foveate.evaluation.cards.restoration import SHARES, all_cells, measure_cells
from foveate.evaluation.cards.sets import CardSet, CardSets
from foveate.evaluation.cards.store import file_digest
from foveate.evaluation.labelled import Labelled, only_classes
from foveate.evaluation.slices import REFERENCE
from foveate.metrics import EVERY_CLASS
from foveate.models import MixedDetector

GROUPS = ("latency", "clips", "real", "restoration", "crowd", "stills")
"""In the order in which they are measured."""
UNIT = (720, 1280)
"""A frame whose inference is the unit of `Part.work`."""
REAL_SIZE = (480, 854)
"""Of the real pictures on which restoration is measured: smaller ones have too few regions to speak of shares."""
REAL_PICTURES = 10
"""How many of these."""
RESTORATION_WORK = 30
"""Inferences at full resolution that the 37 of one frame, most of them of mixed resolution, cost."""
VIEWS = 4
"""Stills of one scene that follow one another; restoration looks at the first of them."""

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


def find_parts(sets: CardSets, sample: Path, *, per_scenario: int = 2) -> list[Part]:
    """Everything that can be measured with these sets; `sample` is the clip whose first frame is timed.

    `per_scenario`: stills of 720 x 1280 of each scenario to measure restoration on; without stills, frames of clips.
    """
    parts = [_latency(sample)]
    parts += [_accuracy("clips", one) for one in sets.clips]
    parts += [_accuracy("real", one) for one in sets.real]
    parts += [_restoration(one) for one in _restored(sets, per_scenario)]
    parts += [_accuracy("crowd", one, how) for one in sets.crowd for how in _WAYS]
    parts += [_accuracy("stills", one) for one in sets.stills]
    return parts


def _restored(sets: CardSets, per_scenario: int) -> list[CardSet]:
    """Where restoration is measured, rendered before real."""
    stills = [replace(one, most=per_scenario, step=VIEWS, size=UNIT) for one in sets.stills]
    rendered = stills or [replace(one, most=per_scenario) for one in sets.clips]
    real = [replace(one, most=REAL_PICTURES, size=REAL_SIZE) for one in sets.real]
    return [one for one in rendered + real if one.has_pictures()]


_WAYS = {"": AccuracySettings(), "in slices": AccuracySettings(slicing=REFERENCE)}
"""How a frame at 4K is looked at: whole, or in slices."""


def work_of(size: Size) -> float:
    """Inferences of `UNIT` that one of `size` costs: blocks and head by pixels, global attention by their square."""
    pixels = size[0] * size[1] / (UNIT[0] * UNIT[1])
    return 0.55 * pixels + 0.45 * pixels**2


def _latency(sample: Path) -> Part:
    def measure(detector: MixedDetector, progress: Callable[[int], None]) -> dict[str, Any]:
        return measure_latency(detector, first_frame(sample), progress)

    return Part(
        group="latency",
        name="one frame",
        about={"clip": file_digest(sample), "rounds": ROUNDS, "shares": SHARES, "machine": computer()},
        steps=ROUNDS + 1,
        work=2.6 * (ROUNDS + 1) * sum(map(work_of, SIZES.values())),
        measure=measure,
    )


def _accuracy(group: str, one: CardSet, how: str = "") -> Part:
    settings = _WAYS[how]

    def measure(detector: MixedDetector, progress: Callable[[int], None]) -> dict[str, Any]:
        return measure_accuracy(detector, one.open(), settings, progress) | {"kind": one.kind}

    labelled = one.open()
    return Part(
        group=group,
        name=f"{one.name} {how}".strip(),
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
        cells, frames, labelled = all_cells(detector.restoration_points), [], one.open()
        for pixels, image in zip(labelled.pixels(), labelled.images, strict=True):
            truth = only_classes(image.truth, detector.class_names)
            frames.append(measure_cells(detector, pixels, truth, cells))
            progress(len(frames))
        return {"frames": frames, "kind": one.kind}

    labelled = one.open()
    return Part(
        group="restoration",
        name=one.name,
        about=_about(one, labelled) | {"machine": computer()},
        steps=len(labelled.images),
        work=RESTORATION_WORK * sum(work_of(image.size) for image in labelled.images),
        measure=measure,
    )


def _about(one: CardSet, labelled: Labelled) -> dict[str, Any]:
    """What names a choice of pictures: which files, and what is true in them."""
    state = hashlib.sha256()
    for image in labelled.images:
        state.update(f"{image.file_name} {image.frame} {image.size}".encode())
        if one.place.is_dir():
            state.update(file_digest(one.place / image.file_name).encode())
        truth = image.truth
        for_some = truth.ignore_class[truth.ignore_class != EVERY_CLASS]
        for values in (truth.detections.boxes, truth.detections.class_id, truth.ignore, for_some):
            state.update(values.tobytes())
    clip = file_digest(one.place) if one.place.is_file() else None
    return {"pictures": state.hexdigest()[:16], "clip": clip}
