"""Who is compared: the rows of the table of Ask the Expert."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foveate.core import ExpertCard, RoutingState
from foveate.estimators.combination import Combination
from foveate.estimators.confidence import softmax
from foveate.evaluation.experts.choose import Choices, HeldOut, choose, expert_answers
from foveate.evaluation.experts.models import Outputs, SentPictures, TrainedModel, cards_of, of_kind
from foveate.evaluation.experts.run import chosen_router, held_out_of
from foveate.policies import Router, router_by_name

KIND_LABELS = {
    "static": "static experts",
    "progressive-plain": "progressive, no distillation",
    "static-distilled": "static, distilled",
    "scratch": "experts from scratch",
}
"""Rows by kind of experts, beside ours."""
OURS = "ours: progressive experts"
CONTROLS = ("random expert", "oracle expert", "always the all-class model")
"""Other routers at the threshold of ours."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Contender:
    """One row: models, a router, and what was chosen for them on held-out pictures."""

    label: str
    device: TrainedModel
    """The model on the device."""
    device_is_large: bool
    """Whether that is a model of an expert's size."""
    experts: tuple[TrainedModel, ...]
    """The models on the server."""
    expert: TrainedModel
    """One of an expert's size: durations are of such a model."""
    router: Router
    choices: Choices

    @property
    def has_curve(self) -> bool:
        """Whether its accuracy is drawn along the threshold: ours, and other kinds of experts."""
        return self.label == OURS or self.label in KIND_LABELS.values()

    def cards(self, classes: int) -> tuple[ExpertCard, ...]:
        """Of the models on the server."""
        return cards_of(self.experts, classes, unit=self.expert.parameters) if self.experts else ()

    @property
    def generalist_share(self) -> float:
        """The device's model's part of the operations of a model of an expert's size."""
        return 1.0 if self.device_is_large else self.device.operations / self.expert.operations


def standard_labels(names: set[str]) -> list[str]:
    """Of the rows for which these models are enough, in the order of `standard_contenders`."""
    kinds = {name.rpartition("-")[0] for name in names}
    return [
        "edge only: generalist",
        "edge only: expert-sized model",
        "near-edge only: expert-sized model",
        *(["near-edge only: experts' total size"] if "large" in names else []),
        *(label for kind, label in KIND_LABELS.items() if kind in kinds),
        OURS,
        *CONTROLS,
    ]


def standard_contenders(models: dict[str, TrainedModel], held_out: SentPictures, outputs: Outputs) -> list[Contender]:
    """All rows for which the models are there.

    The all-class model of an expert's size is `continued`, the base with as many steps more as an expert had; `base`
    where that was not trained. One of the experts' total size is `large`.
    """
    generalist, whole = models["generalist"], models.get("continued", models["base"])
    ours = _asking(OURS, generalist, of_kind(models, "progressive"), held_out, outputs)
    rows = [
        _alone("edge only: generalist", generalist, ours, large=False),
        _alone("edge only: expert-sized model", whole, ours, large=True),
        _offloading("near-edge only: expert-sized model", whole, ours, held_out, outputs),
    ]
    if "large" in models:
        rows.append(_offloading("near-edge only: experts' total size", models["large"], ours, held_out, outputs))
    kinds = {name.rpartition("-")[0] for name in models}
    rows += [
        _asking(label, generalist, of_kind(models, kind), held_out, outputs)
        for kind, label in KIND_LABELS.items()
        if kind in kinds
    ]
    return [*rows, ours, *_controls(ours, whole, held_out, outputs)]


def _asking(
    label: str, generalist: TrainedModel, experts: Sequence[TrainedModel], held_out: SentPictures, outputs: Outputs
) -> Contender:
    choices = choose(held_out_of(generalist, experts, held_out, outputs))
    return Contender(
        label=label,
        device=generalist,
        device_is_large=False,
        experts=tuple(experts),
        expert=experts[0],
        router=chosen_router("ask-expert", choices),
        choices=choices,
    )


def _alone(label: str, model: TrainedModel, ours: Contender, *, large: bool) -> Contender:
    router = chosen_router("no-routing", ours.choices)
    return replace(ours, label=label, device=model, device_is_large=large, experts=(), router=router)


def _offloading(
    label: str, model: TrainedModel, ours: Contender, held_out: SentPictures, outputs: Outputs
) -> Contender:
    """No generalist runs, so the answer is that model's alone."""
    choices = choose(held_out_of(model, [model], held_out, outputs))
    return Contender(
        label=label,
        device=model,
        device_is_large=True,
        experts=(model,),
        expert=ours.expert,
        router=chosen_router("near-edge", choices),
        choices=replace(choices, combination=Combination()),
    )


def _controls(ours: Contender, whole: TrainedModel, held_out: SentPictures, outputs: Outputs) -> list[Contender]:
    """In the order of `CONTROLS`; the last asks the all-class model in the experts' place."""
    alone = choose(held_out_of(ours.device, [whole], held_out, outputs))
    threshold = f"threshold={ours.choices.threshold}"
    random, oracle, largest = CONTROLS
    return [
        replace(ours, label=random, router=router_by_name(f"random-expert:{threshold}")),
        replace(ours, label=oracle, router=router_by_name(f"oracle-expert:{threshold}")),
        replace(
            ours,
            label=largest,
            router=router_by_name(f"always-largest:{threshold}"),
            experts=(whole,),
            choices=alone,
        ),
    ]


def routed_answers(
    contender: Contender, sent: SentPictures, outputs: Outputs
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Over all pictures, without a network: whether each answer is right, and whether the picture is offloaded."""
    said, choices = said_of(contender, sent, outputs), contender.choices
    numbers = {card.name: number for number, card in enumerate(said.cards)}
    routes = np.full(len(said.labels), -1)
    for sample, row in enumerate(softmax(said.generalist, choices.temperature)):
        state = RoutingState(probabilities=row, experts=said.cards, sample=sample, label=int(said.labels[sample]))
        expert = contender.router.decide(state).expert
        routes[sample] = -1 if expert is None else numbers[expert]
    return expert_answers(said, routes, choices.combination) == said.labels, routes >= 0


def said_of(contender: Contender, sent: SentPictures, outputs: Outputs) -> HeldOut:
    """What the models of a row say about all pictures."""
    return HeldOut(
        generalist=outputs.logits(contender.device, sent.images.pixels),
        experts=tuple(outputs.logits(expert, sent.arrived) for expert in contender.experts),
        cards=contender.cards(len(sent.images.class_names)),
        labels=sent.images.labels,
    )
