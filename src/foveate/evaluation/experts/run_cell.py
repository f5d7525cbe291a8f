"""Runs one cell on the simulator: a pure function of its settings, and of the pictures that they name."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.device.sample_session import DeviceSettings
from foveate.evaluation.experts.cell import ExpertsCell
from foveate.evaluation.experts.figures import run_figures, stretches
from foveate.evaluation.experts.models import Logits, Outputs, SentPictures, find_models
from foveate.evaluation.experts.simulate import simulate_experts
from foveate.evaluation.experts.stream import Conditions, Stream
from foveate.evaluation.experts.training import Training
from foveate.network import LinkSettings
from foveate.policies import router_by_name


@dataclass(frozen=True, kw_only=True, eq=False)
class Played:
    """The pictures of a table as cells need them: compressed, and what models say."""

    labels: NDArray[np.int64]
    payloads: tuple[bytes, ...]
    as_they_were: dict[str, Logits]
    """By name of a model on the device, `(n, classes)`."""
    arrived: dict[str, Logits]
    """By name of a model on the server: about the decoded pictures."""


def played_by(cells: Iterable[ExpertsCell], training: Training, sent: SentPictures, outputs: Outputs) -> Played:
    """All that these cells of one training need."""
    wanted = list(cells)
    models = find_models(Path(training.path))
    devices = sorted({cell.device.name for cell in wanted})
    experts = sorted({model.name for cell in wanted for model in cell.experts})
    return Played(
        labels=sent.images.labels,
        payloads=sent.payloads,
        as_they_were={name: outputs.logits(models[name], sent.images.pixels) for name in devices},
        arrived={name: outputs.logits(models[name], sent.arrived) for name in experts},
    )


def stream_of(cell: ExpertsCell, played: Played) -> Stream:
    """The pictures of a cell: drawn by seed and start, the same for all contenders."""
    drawn = np.random.default_rng((cell.seed, 29, cell.link.start)).permutation(len(played.labels))
    index = drawn[: cell.samples]
    return Stream(
        labels=played.labels[index],
        payloads=tuple(played.payloads[i] for i in index),
        generalist=played.as_they_were[cell.device.name][index],
        experts={model.name: played.arrived[model.name][index] for model in cell.experts},
        cards=cell.cards,
        rate_hz=cell.rate_hz,
    )


def run_experts_cell(cell: ExpertsCell, stream: Stream, link: LinkSettings) -> dict[str, Any]:
    """Figures, and means of stretches of the run."""
    conditions = Conditions(
        settings=DeviceSettings(
            router=router_by_name(cell.router),
            temperature=cell.chosen.temperature,
            combination=cell.chosen.combination,
            curve=cell.chosen.curve,
            seed=cell.seed,
        ),
        link=link,
        times=cell.times,
        power=cell.power,
    )
    records = simulate_experts(stream, conditions)
    parts = stretches(records, cell.power, cell.other_power)
    return {**run_figures(records, cell.power, stream.cards), "stretches": parts}
