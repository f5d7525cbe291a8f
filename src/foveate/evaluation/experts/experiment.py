"""`experts-overall`: every row over every link, ours at the accuracy of each other row, speeds and round trips."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.codec import PictureCoding
from foveate.core import InputError, LabelledImages, PowerModel, SampleTimes
from foveate.estimators.confidence import softmax
from foveate.estimators.power import EDGE_AND_CORE, EDGE_AND_T4
from foveate.estimators.sample_times import ZEN4_CORE
from foveate.evaluation.experts.cells import Bench, NamedLink, cells_of
from foveate.evaluation.experts.choose import expert_answers, route_all, threshold_curve
from foveate.evaluation.experts.contenders import OURS, Contender, routed_answers, said_of, standard_contenders
from foveate.evaluation.experts.models import Outputs, SentPictures, TrainedModel, complete_names, find_models, of_kind
from foveate.evaluation.experts.pooled import Figure, PerPicture, pooled_figures
from foveate.evaluation.experts.specialists import KindAnswers, difference, kind_answers, kind_figures, share

Tell = Callable[[str], None]


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
    other_power: PowerModel = EDGE_AND_CORE
    """Of the server that `times` are of: energies by both stand side by side."""
    coding: PictureCoding = field(default_factory=PictureCoding)
    rate_hz: float = 10.0
    samples: int = 500
    """Of each cell."""
    seed: int = 0
    pictures: int = 11_000
    """To choose on and of the table, for plans alone."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpertsResults:
    """All that the tables and figures are made of."""

    rows: list[dict[str, Any]]
    """One a cell: row of the table, link, threshold, figures. Tables: `main`; `equal` (ours at a rival's accuracy);
    `map`."""
    specialists: list[dict[str, Any]]
    """Accuracies of kinds of experts, one a kind and seed."""
    choices: list[dict[str, Any]]
    """What was chosen on held-out pictures, one a row of the table and seed."""
    curves: list[dict[str, Any]]
    """Accuracy against share of offloaded samples on all pictures, one a kind of experts, seed and threshold."""
    pooled: list[dict[str, Any]]
    """Accuracies over all trainings, one a figure and row or kind of experts."""
    missing: list[str]
    """Trainings and models that were not there."""


def run_experiment(experiment: ExpertsExperiment, *, tell: Tell = print) -> ExpertsResults:
    """Run all cells. Raises `InputError` where no training has been finished."""
    results = ExpertsResults(rows=[], specialists=[], choices=[], curves=[], pooled=[], missing=[])
    answers: list[PerPicture] = []
    for folder in experiment.models:
        if not is_usable(folder):
            results.missing.append(f"{folder}: no finished generalist, base, static and progressive experts")
            continue
        answers.append(_run_seed(experiment, folder, results, tell))
    if not answers:
        raise InputError(
            "no finished training: " + "; ".join(results.missing) + " (`foveate train experts` makes them)"
        )
    results.pooled.extend(pooled_figures(answers))
    return results


def is_usable(folder: Path) -> bool:
    """Whether a training has what the table needs at least, every expert of both kinds included."""
    return {"generalist", "base", "static-0", "progressive-0"} <= complete_names(folder)


def _run_seed(experiment: ExpertsExperiment, folder: Path, results: ExpertsResults, tell: Tell) -> PerPicture:
    """All of one training into `results`; returns what is right about each picture."""
    found, outputs, complete = find_models(folder), Outputs(), complete_names(folder)
    models = {name: model for name, model in found.items() if name in complete}
    held_out, test = experiment.read(folder)
    tell(f"{folder.name}: {len(models)} models, {len(test)} pictures of {test.name}")
    chosen_on, sent = SentPictures.of(held_out, experiment.coding), SentPictures.of(test, experiment.coding)
    contenders = standard_contenders(models, chosen_on, outputs)
    if "large" not in models:
        results.missing.append(f"{folder}: no all-class model of the experts' total size (`large`)")
    if logged := sorted({log.parent.name for log in folder.glob("*/log.jsonl")} - found.keys()):
        results.missing.append(f"{folder}: all but the logs of {', '.join(logged)}")
    if left_out := sorted(found.keys() - complete):
        results.missing.append(f"{folder}: the other experts beside {', '.join(left_out)}, so these are left out")
    kinds = _kinds(models, sent, outputs)
    results.specialists.extend(_specialists(kinds, models["base"], sent, outputs, folder.name))
    right = {contender.label: routed_answers(contender, sent, outputs) for contender in contenders}
    curves = list(_curves(contenders, sent, outputs, folder.name))
    choices = [_choices(contender, right, folder.name) for contender in contenders]
    for choice in choices:
        choice["ours_reaches_at"] = reached_at(curves, choice["accuracy"]["value"])
    results.curves.extend(curves)
    results.choices.extend(choices)
    equal = {c["contender"]: c["ours_reaches_at"] for c in choices if c["contender"] != OURS}
    reached = {rival: threshold for rival, threshold in equal.items() if threshold is not None}
    bench = Bench(
        times=experiment.times,
        power=experiment.power,
        other_power=experiment.other_power,
        rate_hz=experiment.rate_hz,
        samples=experiment.samples,
        seed=experiment.seed,
    )
    for cell in cells_of(contenders, experiment.links, speed=experiment.slower_device, equal=reached):
        results.rows.append({"seed": folder.name, **cell.described, **cell.run(bench, sent, outputs)})
    tell(f"{folder.name}: {len(results.rows)} cells")
    return _per_picture({label: answered for label, (answered, _) in right.items()}, kinds)


def reached_at(curves: Sequence[dict[str, Any]], accuracy: float) -> float | None:
    """The lowest threshold at which ours is as accurate over all pictures; None where it never is."""
    ours = [row for row in curves if row["contender"] == OURS]
    return min((row["threshold"] for row in ours if row["accuracy"] >= accuracy - 1e-9), default=None)


def _kinds(models: dict[str, TrainedModel], sent: SentPictures, outputs: Outputs) -> dict[str, KindAnswers]:
    found = {}
    for kind in sorted({name.rpartition("-")[0] for name in models} - {""}):
        experts = of_kind(models, kind)
        found[kind] = kind_answers(experts, [expert.subset or () for expert in experts], sent, outputs)
    return found


def _specialists(
    kinds: dict[str, KindAnswers], base: TrainedModel, sent: SentPictures, outputs: Outputs, seed: str
) -> Iterator[dict[str, Any]]:
    for kind, answers in kinds.items():
        alike = kind_answers([base] * len(answers.subsets), answers.subsets, sent, outputs)
        yield {"seed": seed, **asdict(kind_figures(kind, answers, base=alike, static=kinds["static"]))}


def _per_picture(right: dict[str, NDArray[np.bool_]], kinds: dict[str, KindAnswers]) -> PerPicture:
    found: dict[tuple[Figure, str], NDArray[np.float64]] = {}
    for label, answered in right.items():
        found["accuracy", label] = answered.astype(float)
        found["ours_above", label] = right[OURS].astype(float) - answered
    for kind, answers in kinds.items():
        found["on_subset", kind] = answers.own
        found["limited", kind] = answers.limited
        found["overall", kind] = answers.overall
        if answers.subsets == kinds["static"].subsets:
            found["over_static", kind] = answers.own - kinds["static"].own
    return found


def _choices(
    contender: Contender, answers: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]], seed: str
) -> dict[str, Any]:
    """What was chosen for a row, and its accuracy over all pictures without a network, also against ours."""
    choices, (right, offloaded) = contender.choices, answers[contender.label]
    return {
        "seed": seed,
        "contender": contender.label,
        "router": contender.router.name,
        "accuracy": asdict(share(right)),
        "ours_above": asdict(difference(answers[OURS][0], right)),
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
    for contender in (c for c in contenders if c.has_curve):
        said, choices = said_of(contender, sent, outputs), contender.choices
        probabilities = softmax(said.generalist, choices.temperature)
        answers = expert_answers(said, route_all(probabilities, said.cards, choices.top_k), choices.combination)
        curve = threshold_curve(probabilities, answers, said.labels)
        for threshold, offloaded, accuracy in zip(curve.thresholds, curve.offloaded, curve.accuracy, strict=True):
            yield {
                "seed": seed,
                "contender": contender.label,
                "threshold": float(threshold),
                "offloaded": float(offloaded),
                "accuracy": float(accuracy),
            }
