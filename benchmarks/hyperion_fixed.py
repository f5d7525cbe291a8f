"""Which fixed qualities, and which tolerance, answer best by the deadline: from profiling scenes and tuning traces.

    python benchmarks/hyperion_fixed.py OBSERVATIONS.jsonl --scenes DIR [--traces ../shared/data/traces]

OBSERVATIONS: what `bench_hyperion.py profile` measured, of which profiling scenes alone are read; DIR as there, for
what the device finds. A frame of a scene is sent at each of 60 moments of each tuning trace. Where its last byte is
through in time the cloud's F1 counts, by the table of accuracy that the scenes give, else the device's on the same
pictures; 4G and 5G count alike. One quality: `cloud-only`, and nearly `elf-v`, which send at once. A quality for each
class: V2, which looks first. The scheduler knows the mean rate of the two seconds before, and sizes by the profile. No
inference but the device's. Expected: docs/results.md.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from bench_hyperion import profiling_scenes
from rich.console import Console
from rich.table import Table

from foveate.codec import VideoReader
from foveate.core import (
    CLASS_QUALITIES,
    ClassProfile,
    Detections,
    ImportanceWish,
    LookPlan,
    OffloadPlan,
    PairTimes,
    RegionGrid,
    View,
)
from foveate.device import AnswerRules, Looking
from foveate.estimators import accuracy_by_class, predicted_accuracy, size_by_class
from foveate.evaluation.glances import GlancingModel
from foveate.evaluation.splits import load_splits
from foveate.metrics import Counts, F1Counter, Truth, read_coco, with_ignore_rules
from foveate.models import load_detector
from foveate.network import UplinkTrace
from foveate.policies import best_choice, size_budget_bytes, whole_kib
from foveate.profiling.hyperion import (
    ClassObservation,
    ClassSampling,
    Qualities,
    all_combinations,
    busiest_pictures,
    read_class_observations,
)
from foveate.profiling.hyperion_fit import fit_classes

TOLERANCES = (0.0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05)
MODEL = "vitdet-tiny-world"
"""At both ends."""
STARTS = 60
"""Moments of each trace."""
SHOWN = 8
"""Best rows of a table."""
SIZE = (2160, 3840)


@dataclass(frozen=True)
class Moment:
    """A frame could leave now."""

    trace: UplinkTrace
    at: float

    @property
    def rate_bps(self) -> float:
        """Mean of the two seconds before."""
        period = self.trace.duration_s
        return self.trace.bits_between(self.at + period - 2, self.at + period) / 2

    def takes_s(self, size_bytes: float) -> float:
        """Until its result is back, without the cloud's work."""
        return self.trace.finish_at(self.at, size_bytes) - self.at + self.trace.rtt_at(self.at)


Chooser = Callable[[Moment, ClassObservation], Qualities | None]
"""What a policy sends of a scene at a moment; None: nothing."""


def main() -> None:
    """Two tables of fixed qualities, two of tolerances."""
    options = parsed()
    there = {path.stem for path in profiling_scenes(options.scenes)}
    observations = [o for o in read_class_observations(options.observations) if o.scene in there]
    profile, device = fit_classes(observations), device_f1(observations, options.scenes)
    moments = tuning_moments(options.traces)
    judge = Judge(observations, profile, device, moments)
    print(f"{len(observations)} scenes, {sum(map(len, moments.values()))} moments, F1 of the device {device:.3f}")
    single = [(quality,) * 3 for quality in CLASS_QUALITIES]
    show("one quality, sent at once", {str(q[0]): judge.expects(fixed(q), looks=False) for q in single})
    several = {"/".join(map(str, q)): judge.expects(fixed(q), looks=True) for q in all_combinations()}
    show("V2: a quality for each class", several)
    for looks, title in ((True, "scheduler, by tolerance"), (False, "scheduler that goes ahead, by tolerance")):
        show(title, {f"{t:g}": judge.expects(scheduler(profile, t, looks=looks), looks=looks) for t in TOLERANCES})


@dataclass(frozen=True)
class Judge:
    """What a way of choosing brings."""

    observations: Sequence[ClassObservation]
    profile: ClassProfile
    device: float
    moments: dict[str, list[Moment]]

    def expects(self, choose: Chooser, *, looks: bool) -> dict[str, tuple[float, float, float]]:
        """By technology: F1, share in time, mean KiB of what is sent."""
        left = left_s(looks=looks)
        return {kind: self._mean(choose, moments, left) for kind, moments in self.moments.items()}

    def _mean(self, choose: Chooser, moments: list[Moment], left: float) -> tuple[float, float, float]:
        values, hits, sizes = [], [], []
        for moment in moments:
            for observation in self.observations:
                qualities = choose(moment, observation)
                size = 0 if qualities is None else observation.size(qualities)
                hit = qualities is not None and moment.takes_s(size) <= left
                values.append(self._worth(qualities) if hit and qualities is not None else self.device)
                hits.append(hit)
                sizes += [size] if size else []
        return float(np.mean(values)), float(np.mean(hits)), float(np.mean(sizes or [0])) / 1024

    def _worth(self, qualities: Qualities) -> float:
        return predicted_accuracy(self.profile.accuracy_table, qualities)


def fixed(qualities: Qualities) -> Chooser:
    """Whatever the link."""
    return lambda _moment, _observation: qualities


def scheduler(profile: ClassProfile, tolerance: float, *, looks: bool) -> Chooser:
    """By knapsack, as the policy does; the original size as the thumbnail tells it.

    Who goes ahead is taken to know the classes of this very frame.
    """
    accuracy, left = accuracy_by_class(profile.accuracy_table, CLASS_QUALITIES), left_s(looks=looks)

    def choose(moment: Moment, observation: ClassObservation) -> Qualities | None:
        sizes, on_top = size_by_class(
            profile.table,
            original_bytes=profile.original_per_thumbnail * observation.thumbnail_bytes,
            shares=np.array(observation.shares),
            qualities=CLASS_QUALITIES,
        )
        rtt_s = moment.trace.rtt_at(moment.at)
        budget = size_budget_bytes(constraint_s=left, device_s=0, cloud_s=0, uplink_bps=moment.rate_bps, rtt_s=rtt_s)
        room = int((budget - on_top) // 1024)
        columns = best_choice(accuracy, whole_kib(sizes), room, tolerance=tolerance) if room >= 0 else None
        return None if columns is None else tuple(CLASS_QUALITIES[column] for column in columns)

    return choose


@cache
def left_s(*, looks: bool) -> float:
    """For transmission and round trip, where the device answers at the deadline."""
    times, rules = PairTimes(), AnswerRules()
    grid, whole = RegionGrid(height=SIZE[0], width=SIZE[1]), View.whole(SIZE, times.look_scale)
    plan = OffloadPlan(views=(View.whole(SIZE),), slicing=times.slicing)
    spent = times.encoding_s(plan, grid) + times.decoding_s(plan, grid) + times.computing_s(plan, grid)
    if looks:
        spent += times.looking_s(LookPlan(views=(whole,), importance=ImportanceWish()), SIZE) + times.decide_s
    return rules.deadline_s - rules.spare_s - spent


def device_f1(observations: Sequence[ClassObservation], scenes: Path) -> float:
    """Of the device's model on the pictures that observations were made on."""
    detector = load_detector(MODEL)
    look, sampling, total = Looking(GlancingModel(detector)), ClassSampling(), Counts()
    for observation in observations:
        path = scenes / f"{observation.scene}.mp4"
        with VideoReader(path) as reader:
            pixels = next(iter(reader))
        truth = with_ignore_rules(read_coco(path.with_suffix(".json"))[0].truth, frame_height=SIZE[0])
        found = look(pixels, LookPlan(views=(View.whole(SIZE, PairTimes().look_scale),))).detections
        ((top, left),) = busiest_pictures(truth, SIZE, sampling)
        picture = left, top, left + sampling.side, top + sampling.side
        total += on_picture(found.above(detector.score_threshold), truth, picture)
    return total.f1


def on_picture(found: Detections, truth: Truth, picture: tuple[int, int, int, int]) -> Counts:
    """Hits and errors on a part of the frame; what its border cuts counts for nothing."""
    left, top, right, bottom = picture
    boxes = truth.detections.boxes
    whole = ((boxes[:, :2] >= (left, top)) & (boxes[:, 2:] <= (right, bottom))).all(axis=1)
    touched = ((boxes[:, 2:] > (left, top)) & (boxes[:, :2] < (right, bottom))).all(axis=1)
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    inside = ((centres >= (left, top)) & (centres < (right, bottom))).all(axis=1)
    ignored = np.concatenate([truth.ignore, boxes[touched & ~whole]])
    return F1Counter().add(found.select(inside), truth.detections.select(whole), ignore=ignored)


def tuning_moments(folder: Path) -> dict[str, list[Moment]]:
    """By technology."""
    found: dict[str, list[Moment]] = {}
    for chosen in load_splits().traces:
        if chosen.side == "tuning":
            trace = UplinkTrace.load(folder / chosen.file)
            found.setdefault(chosen.technology, []).extend(Moment(trace, at) for at in starts(trace))
    return found


def starts(trace: UplinkTrace) -> Iterator[float]:
    """Evenly."""
    yield from np.linspace(0, trace.duration_s, STARTS, endpoint=False).tolist()


def show(title: str, rows: dict[str, dict[str, tuple[float, float, float]]]) -> None:
    """The best first."""
    kinds = list(next(iter(rows.values())))
    columns = [f"{what} {kind}" for kind in kinds for what in ("F1", "in time", "KiB")]
    table = Table("trial", "F1", *columns, title=f"{title}, {len(rows)} trials")
    mean = {name: float(np.mean([of[0] for of in row.values()])) for name, row in rows.items()}
    for name in sorted(rows, key=lambda name: -mean[name])[:SHOWN]:
        cells = (f"{f1:.3f} {in_time:.3f} {kib:.0f}".split() for f1, in_time, kib in rows[name].values())
        table.add_row(name, f"{mean[name]:.4f}", *(cell for of_kind in cells for cell in of_kind))
    Console(width=120).print(table)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("observations", type=Path)
    parser.add_argument("--scenes", type=Path, required=True, help="folder of rendered scenes")
    parser.add_argument("--traces", type=Path, default=Path("../shared/data/traces"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
