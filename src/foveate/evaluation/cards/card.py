"""Gathers the figures of a card: what is kept is read, what is missing is measured."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foveate import __version__
from foveate.evaluation.cards.computer import accelerator, computer
from foveate.evaluation.cards.parts import UNIT, Part
from foveate.evaluation.cards.restoration import all_cells, summarise
from foveate.evaluation.cards.store import Store
from foveate.models import ConvDetectorConfig, MixedDetector, content_digest, load_detector, read_card, read_config
from foveate.models.weights import OwnConfig

ACCURACY = ("clips", "real", "crowd", "stills")
"""Groups whose parts hold average precision."""

MIXED = ("restoration",)
"""Groups that look at mixed resolution alone."""

Begin = Callable[[str, int], Callable[[int], None]]
"""Begins a bar: name and steps -> what is called with the number done."""


def parts_for(path: Path, parts: Sequence[Part]) -> list[Part]:
    """The parts that tell something of these weights: a convolutional detector saves nothing on low regions."""
    config, _ = read_config(path)
    return [part for part in parts if not (isinstance(config, ConvDetectorConfig) and part.group in MIXED)]


@dataclass(frozen=True, kw_only=True)
class CardJob:
    """A set of weights, what a card shows of it, and what of that shall be measured now."""

    path: Path
    parts: Sequence[Part]
    """All that is shown, where it is kept."""
    store: Store
    only: Sequence[str] = ()
    """Groups that are measured, or forgotten, now; empty: all."""

    @property
    def wanted(self) -> list[Part]:
        """Parts of the groups that are measured now."""
        return [part for part in self.parts if not self.only or part.group in self.only]

    def missing(self) -> list[Part]:
        """Parts whose figures are not kept yet."""
        weights = content_digest(self.path)
        return [part for part in self.parts if self.store.read(part.key(weights)) is None]

    def forget(self, groups: Sequence[str]) -> None:
        """Drop what is kept of these groups, as of a machine that was busy."""
        weights = content_digest(self.path)
        for part in self.wanted:
            if part.group in groups:
                self.store.forget(part.key(weights))

    def measure(self, begin: Begin, tell: Callable[[str], None], *, until: float | None = None) -> bool:
        """Measure what is wanted and missing, each part kept as soon as it is done.

        False if `until` (monotonic, s) came first.
        """
        wanted = self.wanted
        missing = [part for part in self.missing() if part in wanted]
        if not missing:
            return True
        detector, weights = load_detector(self.path), content_digest(self.path)
        unit_s = _unit_s(detector)
        tell(f"{self.path.name}: {len(missing)} parts, about {sum(p.work for p in missing) * unit_s:.0f} s")
        for number, part in enumerate(missing, 1):
            if until is not None and time.monotonic() > until:
                tell(f"{len(missing) - number + 1} parts are left; the same command goes on from there")
                return False
            began_at = time.monotonic()
            figures = part.measure(detector, begin(f"{part.group} {part.name}", part.steps))
            self.store.write(part.key(weights), figures)
            spent = f"{time.monotonic() - began_at:.0f} s, planned {part.work * unit_s:.0f}"
            tell(f"{number}/{len(missing)} {part.group} {part.name}: {spent}{_head(figures)}")
        return True

    def figures(self) -> dict[str, dict[str, Any]]:
        """What is kept, by group and name."""
        weights = content_digest(self.path)
        found: dict[str, dict[str, Any]] = {}
        for part in self.parts:
            figures = self.store.read(part.key(weights))
            if figures is not None:
                found.setdefault(part.group, {})[part.name] = figures
        return found


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The weights of a card, and what stands beside it for comparison."""

    own: CardJob
    earlier: CardJob | None = None
    """Weights whose accuracy is shown beside."""
    plain: CardJob | None = None
    """Weights trained without mixed resolution, whose restoration table is shown beside."""


def make_card(outcome: Outcome, facts: dict[str, Any], absent: Sequence[str]) -> dict[str, Any]:
    """The card as data, JSON throughout, from what is kept; `facts` add to those in the weights file."""
    own = outcome.own
    config, parameters = read_config(own.path)
    card: dict[str, Any] = {
        "model": own.path.stem,
        "weights": content_digest(own.path),
        "bytes": own.path.stat().st_size,
        "version": __version__,
        "machine": computer(),
        "accelerator": accelerator(),
        "class_names": list(config.class_names),
        "score_threshold": config.score_threshold,
        "nms_iou": config.nms_iou,
        "parameters": parameters,
        **_shape(config),
        "facts": read_card(own.path) | facts,
        "rows": _rows(own),
        "clips": _clips(own.parts),
        "absent": [*absent, *(f"{part.group} {part.name}: not measured yet" for part in own.missing())],
    }
    if outcome.earlier:
        rows = _rows(outcome.earlier)
        card["earlier"] = _name(outcome.earlier) | {"rows": {g: rows[g] for g in ACCURACY if g in rows}}
    if outcome.plain:
        card["plain"] = _name(outcome.plain) | {"rows": {"restoration": _rows(outcome.plain).get("restoration", {})}}
    return card


def _shape(config: OwnConfig) -> dict[str, Any]:
    if isinstance(config, ConvDetectorConfig):
        return {"channels": list(config.channels), "blocks": list(config.blocks)}
    backbone = config.backbone
    names = ("dim", "depth", "patch_size", "window_size", "downsampling_factor")
    return {name: getattr(backbone, name) for name in names}


def _clips(parts: Sequence[Part]) -> dict[str, dict[str, str]]:
    """Which file each clip is, by group and name: the same name may be rendered again, longer or anew."""
    found: dict[str, dict[str, str]] = {}
    for part in parts:
        if part.group in ACCURACY and (digest := part.about["clip"]):
            found.setdefault(part.group, {})[part.name] = digest
    return found


def _name(job: CardJob) -> dict[str, Any]:
    return {"model": job.path.stem, "weights": content_digest(job.path)}


def _rows(job: CardJob) -> dict[str, Any]:
    """Figures by group and name; those of restoration put together, rendered and real apart."""
    rows: dict[str, Any] = job.figures()
    if "restoration" in rows:
        parts = rows["restoration"].values()
        rows["restoration"] = {
            kind: _restoration([frame for part in parts if part["kind"] == kind for frame in part["frames"]])
            for kind in ("rendered", "real")
            if any(part["kind"] == kind and part["frames"] for part in parts)
        }
    return rows


def _restoration(frames: list[dict[str, Any]]) -> dict[str, Any]:
    points = sorted({int(name.split()[2]) for name in frames[0]})
    return {"frames": len(frames), "rows": summarise(frames, all_cells(points))}


def _unit_s(detector: MixedDetector) -> float:
    """Seconds of an inference of `UNIT`, the second of two."""
    frame = np.full((*UNIT, 3), 127, np.uint8)
    for _ in range(2):
        began_at = time.monotonic()
        detector.detect_batch([frame])
    return time.monotonic() - began_at


def _head(figures: dict[str, Any]) -> str:
    """The two figures that one looks at first."""
    classes = figures.get("classes", {})
    return "".join(f", {name} AP50 {classes[name]['ap50']:.3f}" for name in ("person", "car") if name in classes)
