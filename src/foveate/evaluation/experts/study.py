"""What the models of one training say about the pictures, and what is chosen for them: all that needs no network."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from foveate.core import ExpertCard, ThresholdCurve
from foveate.estimators.combination import Combination
from foveate.estimators.confidence import softmax
from foveate.evaluation.experts.choose import Choices, expert_answers, route_all, threshold_curve
from foveate.evaluation.experts.contenders import OURS, Contender, routed_answers, said_of, standard_contenders
from foveate.evaluation.experts.models import Outputs, SentPictures, TrainedModel, find_models, of_kind
from foveate.evaluation.experts.pooled import Figure, PerPicture
from foveate.evaluation.experts.specialists import KindAnswers, difference, kind_answers, kind_figures, share
from foveate.evaluation.experts.training import Training
from foveate.policies import router_text


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What a device decides and combines with, chosen on held-out pictures."""

    temperature: float
    """Of the generalist, for its confidence."""
    combination: Combination
    points: tuple[tuple[float, float, float], ...]
    """Of the curve: threshold, share of offloaded pictures, accuracy."""

    @classmethod
    def of(cls, choices: Choices) -> Self:
        """The part of the choices that a run depends on."""
        curve = choices.curve
        columns = np.stack([curve.thresholds, curve.offloaded, curve.accuracy], axis=1)
        points = tuple((threshold, offloaded, accuracy) for threshold, offloaded, accuracy in columns.tolist())
        return cls(temperature=float(choices.temperature), combination=choices.combination, points=points)

    @property
    def curve(self) -> ThresholdCurve:
        """As the device wants it."""
        thresholds, offloaded, accuracy = np.array(self.points, np.float64).T
        return ThresholdCurve(thresholds=thresholds, offloaded=offloaded, accuracy=accuracy)


class Entrant(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table: who runs where, and what was chosen for it."""

    label: str
    device: str
    """Name of the model on the device."""
    generalist_share: float
    """That model's part of the operations of a model of an expert's size."""
    cards: tuple[ExpertCard, ...]
    """Of the models on the server."""
    router: str
    """`NAME[:parameter=value,...]`."""
    chosen: Chosen


class PictureFigure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure for every picture of the table."""

    figure: Figure
    of: str
    """Row or kind of experts."""
    values: list[float]


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """Of one training. Rows are those of tables, without the training's name."""

    entrants: tuple[Entrant, ...]
    """In the order of the table."""
    specialists: list[dict[str, Any]]
    choices: list[dict[str, Any]]
    curves: list[dict[str, Any]]
    figures: list[PictureFigure]

    @property
    def per_picture(self) -> PerPicture:
        """What is right about each picture."""
        return {(entry.figure, entry.of): np.array(entry.values, np.float64) for entry in self.figures}

    @property
    def reached(self) -> dict[str, float]:
        """Threshold of ours at the accuracy of each other row; rows that it never reaches are left out."""
        found = {row["contender"]: row["ours_reaches_at"] for row in self.choices if row["contender"] != OURS}
        return {rival: threshold for rival, threshold in found.items() if threshold is not None}


def study_training(training: Training, held_out: SentPictures, sent: SentPictures, outputs: Outputs) -> Study:
    """Choose on `held_out`, judge on `sent`. Raises `WeightsError` where models and pictures do not fit."""
    models = {name: model for name, model in find_models(Path(training.path)).items() if name in training.weights}
    contenders = standard_contenders(models, held_out, outputs)
    kinds = _kinds(models, sent, outputs)
    answers = {contender.label: routed_answers(contender, sent, outputs) for contender in contenders}
    curves = list(_curves(contenders, sent, outputs))
    choices = [_choices(contender, answers) for contender in contenders]
    for choice in choices:
        choice["ours_reaches_at"] = reached_at(curves, choice["accuracy"]["value"])
    right = {label: answered for label, (answered, _) in answers.items()}
    return Study(
        entrants=tuple(_entrant(contender, len(sent.images.class_names)) for contender in contenders),
        specialists=list(_specialists(kinds, models["base"], sent, outputs)),
        choices=choices,
        curves=curves,
        figures=[
            PictureFigure(figure=figure, of=of, values=values.tolist())
            for (figure, of), values in _per_picture(right, kinds).items()
        ],
    )


def reached_at(curves: Sequence[dict[str, Any]], accuracy: float) -> float | None:
    """The lowest threshold at which ours is as accurate over all pictures; None where it never is."""
    ours = [row for row in curves if row["contender"] == OURS]
    return min((row["threshold"] for row in ours if row["accuracy"] >= accuracy - 1e-9), default=None)


def _entrant(contender: Contender, classes: int) -> Entrant:
    return Entrant(
        label=contender.label,
        device=contender.device.name,
        generalist_share=contender.generalist_share,
        cards=contender.cards(classes),
        router=router_text(contender.router),
        chosen=Chosen.of(contender.choices),
    )


def _kinds(models: dict[str, TrainedModel], sent: SentPictures, outputs: Outputs) -> dict[str, KindAnswers]:
    found = {}
    for kind in sorted({name.rpartition("-")[0] for name in models} - {""}):
        experts = of_kind(models, kind)
        found[kind] = kind_answers(experts, [expert.subset or () for expert in experts], sent, outputs)
    return found


def _specialists(
    kinds: dict[str, KindAnswers], base: TrainedModel, sent: SentPictures, outputs: Outputs
) -> Iterator[dict[str, Any]]:
    for kind, answers in kinds.items():
        alike = kind_answers([base] * len(answers.subsets), answers.subsets, sent, outputs)
        yield asdict(kind_figures(kind, answers, base=alike, static=kinds["static"]))


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


def _choices(contender: Contender, answers: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]) -> dict[str, Any]:
    """What was chosen for a row, and its accuracy over all pictures without a network, also against ours."""
    choices, (right, offloaded) = contender.choices, answers[contender.label]
    return {
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


def _curves(contenders: Sequence[Contender], sent: SentPictures, outputs: Outputs) -> Iterator[dict[str, Any]]:
    """Accuracy against the share of offloaded samples, all pictures of the table, without a network."""
    for contender in (c for c in contenders if c.has_curve):
        said, choices = said_of(contender, sent, outputs), contender.choices
        probabilities = softmax(said.generalist, choices.temperature)
        answers = expert_answers(said, route_all(probabilities, said.cards, choices.top_k), choices.combination)
        curve = threshold_curve(probabilities, answers, said.labels)
        for threshold, offloaded, accuracy in zip(curve.thresholds, curve.offloaded, curve.accuracy, strict=True):
            yield {
                "contender": contender.label,
                "threshold": float(threshold),
                "offloaded": float(offloaded),
                "accuracy": float(accuracy),
            }
