"""The cells of `experts-overall`: who runs on which link, at which threshold, on a device of which speed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from foveate.evaluation.experts.cell import ExpertsCell, Link
from foveate.evaluation.experts.contenders import OURS
from foveate.evaluation.experts.experiment import ExpertsExperiment, NamedLink
from foveate.evaluation.experts.study import Entrant, Study
from foveate.evaluation.experts.training import Training
from foveate.evaluation.lab.cell import Model
from foveate.network import LinkSettings, UplinkTrace
from foveate.policies import router_by_name, router_text

SPEEDS = (2.0, 5.0, 10.0, 20.0, 50.0)
RTTS_S = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06)
"""Ratios of speed and round trips of the map of where routing wins."""
ON_THE_MAP = ("edge only", "near-edge only: expert-sized", "ours")
"""How labels of rows on the map begin."""
UNHURRIED = 0.5
"""Share of its time that the slowest device of the map computes at most."""
Placed = tuple[ExpertsCell, NamedLink]
"""A cell and the link whose digest it holds."""


def expert_cells(experiment: ExpertsExperiment, trainings: Sequence[tuple[Training, Study]]) -> list[Placed]:
    """All cells, in rounds: every training and row over one link from one start, then the next; last the map.

    So whatever is finished at any time is balanced.
    """
    speed = experiment.slower_device
    return [
        *(
            cell
            for link in experiment.links
            for training, study in trainings
            for cell in _cells_on(link, training, study, experiment, speed)
        ),
        *(
            cell
            for speed_there, link in map_points()
            for training, study in trainings
            for cell in _cells_of_map(link, training, study, experiment, speed_there)
        ),
    ]


def map_points() -> list[tuple[float, NamedLink]]:
    """Speeds and round trips, on a steady 20 Mbit/s."""
    return [
        (speed, NamedLink(group="steady", link=LinkSettings(trace=UplinkTrace.constant(20e6, rtt_s, 10.0))))
        for speed in SPEEDS
        for rtt_s in RTTS_S
    ]


def _cells_on(
    link: NamedLink, training: Training, study: Study, experiment: ExpertsExperiment, speed: float
) -> Iterator[Placed]:
    """Every row, then ours at the accuracy of each other row that it reaches."""
    plain = _Maker(link, training, experiment, speed)
    for entrant in study.entrants:
        yield plain.cell(entrant, entrant.router, table="main")
    ours = next(entrant for entrant in study.entrants if entrant.label == OURS)
    for rival, threshold in study.reached.items():
        router = replace(router_by_name(ours.router), threshold=threshold)  # type: ignore[type-var]
        yield plain.cell(ours, router_text(router), table="equal", rival=rival)


def _cells_of_map(
    link: NamedLink, training: Training, study: Study, experiment: ExpertsExperiment, speed: float
) -> Iterator[Placed]:
    plain = _Maker(link, training, experiment, speed)
    for entrant in (entrant for entrant in study.entrants if entrant.label.startswith(ON_THE_MAP)):
        yield plain.cell(entrant, entrant.router, table="map")


class _Maker:
    """Cells of one training on one link."""

    def __init__(self, link: NamedLink, training: Training, experiment: ExpertsExperiment, speed: float) -> None:
        self._named, self._link = link, Link.of(link)
        self._training, self._experiment, self._speed = training, experiment, speed

    def cell(self, entrant: Entrant, router: str, *, table: str, rival: str = "") -> Placed:
        experiment = self._experiment
        times = experiment.times.with_slower_device(self._speed, generalist_share=entrant.generalist_share)
        rate_hz = experiment.rate_hz
        if table == "map":  # a device that cannot keep up would show its queue, not the choice
            rate_hz = min(rate_hz, UNHURRIED / times.expert_on_device_s)
        cell = ExpertsCell(
            training=self._training.name,
            pictures=self._training.pictures,
            coding=self._training.coding,
            contender=entrant.label,
            device=self._model(entrant.device),
            experts=tuple(self._model(card.name) for card in entrant.cards),
            cards=entrant.cards,
            router=router,
            chosen=entrant.chosen,
            link=self._link,
            speed=self._speed,
            times=times,
            power=experiment.power,
            other_power=experiment.other_power,
            rate_hz=rate_hz,
            samples=experiment.samples,
            seed=experiment.seed,
            table=table,
            rival=rival,
        )
        return cell, self._named

    def _model(self, name: str) -> Model:
        return Model(name=name, weights_hash=self._training.weights[name])
