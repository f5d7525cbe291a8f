"""`experts-overall`: every row over every link, along the threshold, and over speeds and round trips."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.codec import PictureCoding
from foveate.core import InputError, LabelledImages, PowerModel, SampleTimes
from foveate.estimators.confidence import softmax
from foveate.estimators.power import EDGE_AND_T4
from foveate.estimators.sample_times import ZEN4_CORE
from foveate.evaluation.experts.choose import HeldOut, expert_answers, route_all, threshold_curve
from foveate.evaluation.experts.contenders import KIND_LABELS, Contender, routed_answers, standard_contenders
from foveate.evaluation.experts.figures import run_figures
from foveate.evaluation.experts.models import Outputs, SentPictures, TrainedModel, cards_of, find_models, of_kind
from foveate.evaluation.experts.run import device_settings
from foveate.evaluation.experts.simulate import simulate_experts
from foveate.evaluation.experts.specialists import difference, kind_figures, share
from foveate.evaluation.experts.stream import Conditions
from foveate.network import LinkSettings, UplinkTrace
from foveate.policies import Router

Tell = Callable[[str], None]
SWEEP = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Thresholds along which `swept` rows are run."""
SPEEDS = (2.0, 5.0, 10.0, 20.0, 50.0)
UNHURRIED = 0.5
"""Share of its time that the slowest device of the map computes at most."""
RTTS_S = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06)
"""Ratios of speed and round trips of the map of where routing wins."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedLink:
    """A link of the table."""

    group: str
    """`4g`, `5g` or `lan`."""
    link: LinkSettings


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpertsExperiment:
    """What `foveate compare experts-overall` runs."""

    name: str
    question: str
    expected: str
    models: tuple[Path, ...]
    """Folders of trainings, one a seed; those that are not there yet are left out and named."""
    read: Callable[[Path], tuple[LabelledImages, LabelledImages]]
    """Training folder -> pictures to choose on, pictures of the table."""
    links: tuple[NamedLink, ...]
    times: SampleTimes = ZEN4_CORE
    slower_device: float = 10.0
    """Device at so many times the server's time for an expert, in the main tables."""
    power: PowerModel = EDGE_AND_T4
    coding: PictureCoding = field(default_factory=PictureCoding)
    rate_hz: float = 10.0
    samples: int = 500
    """Of each cell."""
    seed: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpertsResults:
    """All that the tables and figures are made of."""

    rows: list[dict[str, Any]]
    """One a cell: row of the table, link, threshold, figures."""
    specialists: list[dict[str, Any]]
    """Accuracies of kinds of experts, one a kind and seed."""
    choices: list[dict[str, Any]]
    """What was chosen on held-out pictures, one a row of the table and seed."""
    curves: list[dict[str, Any]]
    """Accuracy against share of offloaded samples on all pictures, one a swept row, seed and threshold."""
    missing: list[str]
    """Trainings and models that were not there."""


def run_experiment(experiment: ExpertsExperiment, *, tell: Tell = print) -> ExpertsResults:
    """Run all cells. Raises `InputError` where no training has been finished."""
    results = ExpertsResults(rows=[], specialists=[], choices=[], curves=[], missing=[])
    done = 0
    for folder in experiment.models:
        if not _usable(folder):
            results.missing.append(f"{folder}: no finished generalist, base, static and progressive experts")
            continue
        _run_seed(experiment, folder, results, tell)
        done += 1
    if not done:
        raise InputError(
            "no finished training: " + "; ".join(results.missing) + " (`foveate train experts` makes them)"
        )
    return results


def _usable(folder: Path) -> bool:
    names = {path.stem for path in folder.glob("*.safetensors")}
    return {"generalist", "base", "static-0", "progressive-0"} <= names


def _run_seed(experiment: ExpertsExperiment, folder: Path, results: ExpertsResults, tell: Tell) -> None:
    models, outputs = find_models(folder), Outputs()
    held_out, test = experiment.read(folder)
    tell(f"{folder.name}: {len(models)} models, {len(test)} pictures of {test.name}")
    chosen_on, sent = SentPictures.of(held_out, experiment.coding), SentPictures.of(test, experiment.coding)
    contenders = standard_contenders(models, chosen_on, outputs)
    if "large" not in models:
        results.missing.append(f"{folder}: no all-class model of the experts' total size (`large`)")
    results.specialists.extend(_specialists(models, sent, outputs, folder.name))
    right = {contender.label: routed_answers(contender, sent, outputs) for contender in contenders}
    results.choices.extend(_choices(contender, right, folder.name) for contender in contenders)
    results.curves.extend(_curves(contenders, sent, outputs, folder.name))
    for cell in _cells(experiment, contenders):
        figures = cell.run(experiment, sent, outputs)
        results.rows.append({"seed": folder.name, **cell.described, **figures})
    tell(f"{folder.name}: {len(results.rows)} cells")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cell:
    contender: Contender
    router: Router
    link: NamedLink
    speed: float
    table: str
    """`main`, `sweep` or `map`."""

    @property
    def described(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "contender": self.contender.label,
            "threshold": getattr(self.router, "threshold", None),
            "group": self.link.group,
            "link": self.link.link.trace.name,
            "rtt_s": self.link.link.trace.rtt_at(0.0),
            "speed": self.speed,
        }

    def run(self, experiment: ExpertsExperiment, sent: SentPictures, outputs: Outputs) -> dict[str, Any]:
        index = np.random.default_rng((experiment.seed, 29)).permutation(len(sent.images))[: experiment.samples]
        times = self.contender.times(experiment.times, slower=self.speed)
        rate_hz = experiment.rate_hz
        if self.table == "map":  # a device that cannot keep up would show its queue, not the choice
            rate_hz = min(rate_hz, UNHURRIED / times.expert_on_device_s)
        stream = self.contender.stream(sent, outputs, index, rate_hz)
        conditions = Conditions(
            settings=device_settings(self.contender.choices, self.router, seed=experiment.seed),
            link=self.link.link,
            times=times,
            power=experiment.power,
        )
        return run_figures(simulate_experts(stream, conditions), experiment.power, stream.cards)


def _cells(experiment: ExpertsExperiment, contenders: Sequence[Contender]) -> Iterator[_Cell]:
    speed = experiment.slower_device
    for contender in contenders:
        for link in experiment.links:
            yield _Cell(contender=contender, router=contender.router, link=link, speed=speed, table="main")
    one_of_each = {link.group: link for link in experiment.links}
    for contender in (c for c in contenders if c.swept):
        for link in one_of_each.values():
            for threshold in SWEEP:
                router = replace(contender.router, threshold=threshold)  # type: ignore[type-var]
                yield _Cell(contender=contender, router=router, link=link, speed=speed, table="sweep")
    yield from _map_cells(contenders)


def _map_cells(contenders: Sequence[Contender]) -> Iterator[_Cell]:
    """Ours against both edge-only rows and the near-edge row over speeds and round trips, on a steady 20 Mbit/s."""
    shown = [c for c in contenders if c.label.startswith(("edge only", "near-edge only: expert-sized", "ours"))]
    for speed in SPEEDS:
        for rtt_s in RTTS_S:
            link = LinkSettings(trace=UplinkTrace.constant(20e6, rtt_s, 10.0))
            for contender in shown:
                named = NamedLink(group="steady", link=link)
                yield _Cell(contender=contender, router=contender.router, link=named, speed=speed, table="map")


def _specialists(
    models: dict[str, TrainedModel], sent: SentPictures, outputs: Outputs, seed: str
) -> Iterator[dict[str, Any]]:
    kinds = sorted({name.rpartition("-")[0] for name in models} - {""})
    for kind in kinds:
        yield {"seed": seed, **asdict(kind_figures(kind, of_kind(models, kind), models["base"], sent, outputs))}


def _choices(
    contender: Contender, answers: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]], seed: str
) -> dict[str, Any]:
    """What was chosen for a row, and its accuracy over all pictures without a network, also against static experts."""
    choices, (right, offloaded) = contender.choices, answers[contender.label]
    static = answers[KIND_LABELS["static"]][0]
    return {
        "seed": seed,
        "contender": contender.label,
        "router": contender.router.name,
        "accuracy": asdict(share(right)),
        "over_static": asdict(difference(right, static)),
        "offloaded": float(offloaded.mean()),
        "temperature": choices.temperature,
        "top_k": choices.top_k,
        "threshold": choices.threshold,
        "calibration_error": choices.calibration_error,
        "uncalibrated_error": choices.uncalibrated_error,
        **asdict(choices.combination),
    }


def _curves(
    contenders: Sequence[Contender], sent: SentPictures, outputs: Outputs, seed: str
) -> Iterator[dict[str, Any]]:
    """Accuracy against the share of offloaded samples, all pictures of the table, without a network."""
    for contender in (c for c in contenders if c.swept):
        cards = cards_of(contender.experts, len(sent.images.class_names))
        rows = HeldOut(
            generalist=outputs.logits(contender.device, sent.images.pixels),
            experts=tuple(outputs.logits(expert, sent.arrived) for expert in contender.experts),
            cards=cards,
            labels=sent.images.labels,
        )
        probabilities = softmax(rows.generalist, contender.choices.temperature)
        answers = expert_answers(
            rows, route_all(probabilities, cards, contender.choices.top_k), contender.choices.combination
        )
        curve = threshold_curve(probabilities, answers, rows.labels)
        for threshold, offloaded, accuracy in zip(curve.thresholds, curve.offloaded, curve.accuracy, strict=True):
            yield {
                "seed": seed,
                "contender": contender.label,
                "threshold": float(threshold),
                "offloaded": float(offloaded),
                "accuracy": float(accuracy),
            }
