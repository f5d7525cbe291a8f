"""Which labelled pictures a card is measured on, and which of them are on this machine."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from foveate.core import InputError, MediaError, foveate_home
from foveate.evaluation.labelled import Labelled, open_labelled
from foveate.evaluation.splits import SplitClip, find_clip
from foveate.metrics import AnnotatedImage

MOVING = ("walk-sunny", "walk-rain", "walk-indoor", "cycle-sunny", "drive-night")
"""Scenarios with a moving camera, at 1080p."""
CROWD = "plaza-crowd"
"""The scenario at 4K."""
STILLS = ("test-mixed", "val-mixed")
"""Sets of rendered stills: with objects that training never shows, and with those of its kinds."""
Kind = Literal["rendered", "real"]


@dataclass(frozen=True, kw_only=True)
class CardSet:
    """Labelled pictures, a clip's frames among them."""

    name: str
    """Of the scenario, or of the annotation file."""
    kind: Kind
    annotations: Path
    place: Path
    """Folder of pictures, or the clip."""
    most: int | None = None
    """So many at most; None = all."""
    step: int | None = None
    """The first of every so many, a choice that stays when the set grows; None = spread evenly over all."""
    scenario: str | None = None
    """Stills of this scenario alone; None = all."""
    size: tuple[int, int] | None = None
    """Pictures of this height and width alone; None = all."""

    def open(self) -> Labelled:
        """The pictures with their truth. Raises `MediaError` or `InputError` where they cannot be had."""
        labelled = open_labelled(self.annotations, self.place)
        images = labelled.images
        if self.scenario is not None:
            wanted = _scenarios(self.annotations)[self.scenario]
            images = tuple(image for image in images if image.file_name in wanted)
        if self.size is not None:
            images = tuple(image for image in images if image.size == self.size)
        if self.step is not None:
            images = images[:: self.step][: self.most]
        return replace(labelled, images=spread_evenly(images, self.most))

    def has_pictures(self) -> bool:
        """Whether any picture is left of what was chosen."""
        try:
            return bool(self.open().images)
        except InputError:
            return False


@dataclass(frozen=True, kw_only=True)
class CardSets:
    """What there is, and the names of what there should be."""

    clips: tuple[CardSet, ...]
    crowd: tuple[CardSet, ...]
    stills: tuple[CardSet, ...]
    """One of each scenario, of the first set of `STILLS` that is there."""
    real: tuple[CardSet, ...]
    absent: tuple[str, ...]
    """Each with the command that brings it, or the place where it should lie."""


def find_sets(data: Path, *, frames: int = 12, crowd_frames: int = 4, stills: int = 20) -> CardSets:
    """The sets of a card under `$FOVEATE_HOME/world` and, real pictures, in `data`/detection.

    `frames` of each clip are looked at, `crowd_frames` of the one at 4K, `stills` of each scenario.
    """
    clips = {name: _clip(name, frames) for name in MOVING}
    crowd, shown, real = _clip(CROWD, crowd_frames), tuple(_stills(stills)), _real(data)
    absent = [f"{name}: foveate world dataset {name}-eval --seconds 4" for name, found in clips.items() if not found]
    if crowd is None:
        absent.append(f"{CROWD}: foveate world dataset {CROWD}-eval --seconds 2")
    if not shown:
        absent.append(f"stills: foveate world dataset {STILLS[0]} --count 140")
    if real is None:
        absent.append(f"real pictures: {data / 'detection'}")
    return CardSets(
        clips=tuple(found for found in clips.values() if found),
        crowd=(crowd,) if crowd else (),
        stills=shown,
        real=(real,) if real else (),
        absent=tuple(absent),
    )


def spread_evenly(images: tuple[AnnotatedImage, ...], most: int | None) -> tuple[AnnotatedImage, ...]:
    """`most` of them at even distances, the first among them; all where there are no more."""
    if most is None or len(images) <= most:
        return images
    return tuple(images[int(i)] for i in np.arange(most) * len(images) / most)


def _clip(scenario: str, frames: int) -> CardSet | None:
    clip = find_clip(SplitClip(name=f"{scenario}-eval", kind="rendered", side="evaluation"), Path())
    if clip is None or not clip.with_suffix(".json").is_file():
        return None
    return CardSet(name=scenario, kind="rendered", annotations=clip.with_suffix(".json"), place=clip, most=frames)


def _stills(most: int) -> Iterator[CardSet]:
    for name in STILLS:
        folder = foveate_home() / "world" / name
        annotations = folder / "annotations.json"
        if not annotations.is_file():
            continue
        for scenario in _scenarios(annotations):
            yield CardSet(
                name=f"{name} {scenario}",
                kind="rendered",
                annotations=annotations,
                place=folder / "images",
                most=most,
                step=1,
                scenario=scenario,
            )
        return


def _real(data: Path) -> CardSet | None:
    annotations = data / "detection" / "val.json"
    if not annotations.is_file():
        return None
    return CardSet(name="val.json", kind="real", annotations=annotations, place=annotations.parent / "images")


def _scenarios(annotations: Path) -> dict[str, frozenset[str]]:
    """Picture files by scenario."""
    return _read_scenarios(annotations, annotations.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read_scenarios(annotations: Path, _changed_at: int) -> dict[str, frozenset[str]]:
    files: dict[str, set[str]] = defaultdict(set)
    try:
        for image in json.loads(annotations.read_text(encoding="utf-8"))["images"]:
            files[image["scenario"]].add(image["file_name"])
    except (OSError, ValueError, KeyError) as error:
        raise MediaError(f"{annotations} does not say which scenario its pictures show ({error})") from error
    return {name: frozenset(found) for name, found in files.items()}
