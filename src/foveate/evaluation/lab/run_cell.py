"""Runs one cell on the simulator and scores it: a pure function of the cell's settings."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from foveate.core import InputError, OffloadPlan, Pixels, RegionGrid
from foveate.device import Displayed
from foveate.estimators import load_profile
from foveate.evaluation.answers import Answers
from foveate.evaluation.lab.cell import Cell, sha256_of
from foveate.evaluation.lab.cell_figures import result_of
from foveate.evaluation.lab.experiment import Variation
from foveate.evaluation.lab.models import LoadByName, describe, loader
from foveate.evaluation.lab.prepare import answer_key, shared_greys
from foveate.evaluation.lab.references import Reference, references_of
from foveate.evaluation.lab.result import CellResult
from foveate.evaluation.lab.segment import FramesByPosition, Segment
from foveate.evaluation.live_log import LiveLog
from foveate.evaluation.outcomes import Outcome, Outcomes
from foveate.evaluation.simulate import Simulation
from foveate.evaluation.truth import TruthKey
from foveate.network import LinkSettings, UplinkTrace
from foveate.network.messages import Welcome
from foveate.policies import by_name
from foveate.server import DetectorLike


def run_cell(cell: Cell, load: LoadByName) -> CellResult:
    """Simulate and score. Raises `InputError` if a file is no longer what the cell was planned with."""
    video = Path(cell.clip.path)
    if sha256_of(video) != cell.clip.sha256:
        raise InputError(f"{video} is not the file that the cell was planned with")
    welcome = describe(load, cell.model.name)
    if welcome.weights_hash != cell.model.weights_hash:
        raise InputError(f"model {cell.model.name} has no longer the weights that the cell was planned with")
    key = answer_key(cell.clip.sha256, welcome)
    log = LiveLog(welcome=welcome)
    with Segment(video, frames=cell.clip.frames, seconds=cell.seconds) as clip:
        started_at, computed = _simulate(cell, log, clip, key, load)
        references, more = _references(cell, clip, key, load)
        return replace(result_of(log, clip, references, started_at), computed=computed + more)


def _simulate(cell: Cell, log: LiveLog, clip: Segment, key: TruthKey, load: LoadByName) -> tuple[float, int]:
    """Play the cell into `log`; when its first frame was captured, and how many inferences were new."""
    assert log.welcome is not None
    captured: list[float] = []

    def on_frame(event: Displayed) -> None:
        captured.append(event.frame.captured_at)
        log.displayed(event)

    model = loader(load, cell.model.name)
    with _Bringing(clip.path, log.welcome, key, model) as outcomes, Answers(clip.path, key, model) as answers:
        Simulation(
            clip=clip,
            greys=shared_greys(clip.path, cell.clip.sha256),
            outcomes=outcomes,
            welcome=log.welcome,
            policy=by_name(cell.policy),
            link=_link(cell),
            profile=Variation(
                mixed_gain=cell.timing.mixed_gain, codec=cell.timing.codec, tracker=cell.timing.tracker
            ).apply(load_profile(cell.timing.profile)),
            on_frame=on_frame,
            on_offload=lambda event, _truth: log.offloads.append(event),
            seed=cell.seed,
            answers=answers.get,
        ).run()
        return captured[0], outcomes.computed + answers.computed


def _link(cell: Cell) -> LinkSettings:
    trace = UplinkTrace.load(cell.trace.path, offset_s=cell.offset_s)
    scaled = trace if cell.trace.scale == 1 else trace.scaled(cell.trace.scale)
    return LinkSettings(trace=scaled, transport=cell.transport)


class _Bringing(Outcomes):
    """Outcomes that fetch frames by file position themselves, in whatever order a clip is played."""

    def __init__(self, video: Path, welcome: Welcome, key: TruthKey, load: Callable[[], DetectorLike]) -> None:
        super().__init__(
            clip_sha256=key.video_sha256,
            weights_hash=welcome.weights_hash,
            class_names=tuple(welcome.class_names),
            score_threshold=welcome.score_threshold,
            load=load,
        )
        self._frames = FramesByPosition(video)

    def get(self, position: int, plan: OffloadPlan, grid: RegionGrid, pixels: Callable[[], Pixels]) -> Outcome:  # noqa: ARG002
        return super().get(position, plan, grid, lambda: self._at(position))

    def close(self) -> None:
        self._frames.close()
        super().close()

    def _at(self, position: int) -> Pixels:
        return self._frames.at(position)


def _references(cell: Cell, clip: Segment, key: TruthKey, load: LoadByName) -> tuple[list[Reference], int]:
    """Truth of all played frames; usually the model's own answers were computed before."""
    positions = sorted(set(clip.order or ()))
    with Answers(clip.path, key, loader(load, cell.model.name)) as answers, FramesByPosition(clip.path) as frames:
        own = {p: answers.get(p, lambda at=p: frames.at(at)) for p in positions}  # type: ignore[misc]  # bound at once
        return references_of(clip.path, answers=own, size=clip.size), answers.computed
