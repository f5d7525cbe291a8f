"""Runs one cell on the simulator and scores it: a pure function of the cell's settings."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from foveate.core import InputError
from foveate.evaluation.answer_figures import answer_figures, answer_scores
from foveate.evaluation.answer_log import AnswerLog
from foveate.evaluation.answer_run import class_profile
from foveate.evaluation.answer_settings import AnswerSettings
from foveate.evaluation.answer_tables import answer_row
from foveate.evaluation.glances import DeviceModel
from foveate.evaluation.lab.answering.cell import AnswerCell
from foveate.evaluation.lab.cell import sha256_of
from foveate.evaluation.lab.models import LoadByName, detector
from foveate.evaluation.lab.references import independent_truths
from foveate.evaluation.lab.segment import Segment
from foveate.evaluation.play_answers import simulate_answers
from foveate.network import LinkSettings, UplinkTrace
from foveate.policies.answering import answer_policy

LoadDeviceByName = Any
"""Makes the device's model of a name: `Callable[[str], DeviceModel]`, importable in another process."""


@dataclass(frozen=True, kw_only=True)
class AnswerResult:
    """Of one cell."""

    figures: dict[str, float | int | None]
    """By name, one row of `cells.csv`; spans are seconds."""
    counts: dict[str, int] = field(default_factory=dict)
    """How many answers were made of what, and how often each set of qualities was chosen."""
    answers: list[list[str | int]] = field(default_factory=list)
    """In the order of `answer_tables.COLUMNS`."""
    computed: int = 0
    """How many looks and inferences were not in the cache."""


def run_answer_cell(cell: AnswerCell, load: LoadByName, load_device: LoadDeviceByName) -> AnswerResult:
    """Simulate and score. Raises `InputError` if a file is no longer what the cell was planned with."""
    video = Path(cell.clip.path)
    if sha256_of(video) != cell.clip.sha256:
        raise InputError(f"{video} is not the file that the cell was planned with")
    cloud, device = detector(load, cell.model.name), _device(load_device, cell.device_model.name)
    if (cloud.weights_hash, device.weights_hash) != (cell.model.weights_hash, cell.device_model.weights_hash):
        raise InputError(f"{cell.model.name} has no longer the weights that the cell was planned with")
    log, policy = AnswerLog(), answer_policy(cell.policy)
    with Segment(video, frames=cell.clip.frames, seconds=cell.seconds) as clip:
        simulate_answers(
            log,
            clip=clip,
            policy=policy,
            link=_link(cell),
            settings=_settings(cell),
            profile=class_profile(cell.profile, policy),
            cloud=cloud,
            device=device,
            outputs=None,
            progress=_silent,
        )
        return _result(log, clip, cell)


@lru_cache(maxsize=4)
def _device(load: LoadDeviceByName, name: str) -> DeviceModel:
    """The model, the same object in every call of this process."""
    model: DeviceModel = load(name)
    return model


def _settings(cell: AnswerCell) -> AnswerSettings:
    return AnswerSettings(
        video=Path(cell.clip.path),
        trace=Path(cell.trace.path),
        policy=cell.policy,
        out=Path(),
        model=cell.model.name,
        device_model=cell.device_model.name,
        simulate=True,
        seed=cell.seed,
        rules=cell.rules,
        times=cell.times,
    )


def _link(cell: AnswerCell) -> LinkSettings:
    trace = UplinkTrace.load(cell.trace.path, offset_s=cell.offset_s)
    scaled = trace if cell.trace.scale == 1 else trace.scaled(cell.trace.scale)
    return LinkSettings(trace=scaled, transport=cell.transport)


def _result(log: AnswerLog, clip: Segment, cell: AnswerCell) -> AnswerResult:
    figures = answer_figures(log, deadline_s=cell.rules.deadline_s, seconds=max(len(log.shown), 1) / clip.fps)
    truths = independent_truths(Path(cell.clip.path), size=clip.size)
    scores = {name: answer_scores(log, truth, clip.file_position) for name, truth in truths.items()}
    flat: dict[str, float | int | None] = {
        name: value for name, value in figures.items() if value is None or isinstance(value, int | float)
    }
    for name in ("frame_latency_s", "look_s", "staleness_s"):
        flat |= {f"{name}_{key}": value for key, value in figures[name].items()}
    for reference, kinds in scores.items():
        for kind, score in kinds.items():
            flat |= _score_figures(f"{kind}_{reference}", score)
    shares = figures["class_shares"] or []
    flat |= {f"class_share_{number}": share for number, share in enumerate(shares)}
    origin = log.answers[0].captured_at if log.answers else 0.0
    return AnswerResult(
        figures=flat,
        counts={f"made of {k}": v for k, v in figures["made_of"].items()}
        | {f"qualities {k}": v for k, v in figures["qualities"].items()},
        answers=[list(answer_row(given, origin)) for given in log.answers],
        computed=log.computed,
    )


def _score_figures(name: str, score: dict[str, Any] | None) -> dict[str, float | int | None]:
    if score is None:
        return {}
    found = {f"ap50_{name}": score["ap50"], f"scored_{name}": score["frames"]}
    found |= {f"ap50_{name}_{label}": value for label, value in score["classes"].items()}
    return found | {f"ap50_{name}_{label}": value for label, value in score["sizes"].items()}


def _silent(done: int) -> None:
    """Nobody watches."""
