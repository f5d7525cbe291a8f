"""What an experiment would cost, before anything is computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from foveate.core import FoveateError, Profile
from foveate.estimators import load_profile
from foveate.evaluation.lab.cell import Cell
from foveate.evaluation.lab.cells import cells_of
from foveate.evaluation.lab.experiment import Experiment
from foveate.evaluation.lab.models import LoadByName, describe
from foveate.evaluation.lab.pace import Pace, known_pace
from foveate.evaluation.lab.prepare import ClipFacts, announced, answer_key, missing_answers
from foveate.evaluation.lab.segment import played_positions
from foveate.evaluation.lab.store import Store
from foveate.network import UplinkTrace
from foveate.network.messages import Welcome
from foveate.policies import Foreseeing, by_name

_BYTES_PER_PIXEL = 0.2
"""Of a street at quality 95: enough for a plan."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Counts and estimates."""

    cells: int
    finished: int
    """How many of them are already there."""
    frames: int
    """To simulate in the others."""
    answers: int
    """Full-resolution inferences on frames that the model has not seen: what runs are scored against."""
    offloads: int
    """Inferences of offloads, if none is cached: an upper bound, for contenders share many of them. An oracle tries
    several configurations for each."""
    hours: float
    """Of this machine, by its pace: with every offload inferred."""
    workers: int
    pace: Pace
    missing: tuple[str, ...]
    """Videos or models that cannot be used, and why."""

    def table(self, name: str) -> Table:
        """For people."""
        table = Table(title=f"plan of {name}", show_header=False, title_justify="left")
        source = "as measured here before" if self.pace.measured else "of an old server core: nothing measured here"
        rows = (
            ("cells", f"{self.cells} ({self.finished} finished)"),
            ("frames to simulate", f"{self.frames:,}"),
            ("inferences for truth", f"{self.answers:,}"),
            ("inferences of offloads", f"at most {self.offloads:,}"),
            ("time", f"at most {self.hours:.1f} h with {self.workers} workers"),
            ("pace", f"{self.pace.inference_s:.2f} s per million pixels, {source}"),
        )
        for row in (*rows, *(("not usable", problem) for problem in self.missing)):
            table.add_row(*row)
        return table


def plan_of(experiment: Experiment, out: Path, *, load: LoadByName, workers: int) -> Plan:
    """Look at files and models, compute nothing else."""
    clips, models, missing = _look(experiment, load)
    cells = [cell for _, cell in cells_of(experiment, clips, models)]
    done = Store(out).finished(cells)
    left = list({cell.key: cell for cell in cells if cell.key not in done}.values())
    pace, by_path = known_pace(), {str(path): facts for path, facts in clips.items()}
    answers, answer_pixels = _answers(left, by_path, models)
    rates = {path: UplinkTrace.load(path).mean_bps for path in {cell.trace.path for cell in left}}
    profiles = {name: load_profile(name) for name in {cell.timing.profile for cell in left}}
    offloads = {
        cell.key: _expected_offloads(
            cell, by_path[cell.clip.path], profiles[cell.timing.profile], rates[cell.trace.path] * cell.trace.scale
        )
        for cell in left
    }
    frames = sum(round(cell.seconds * by_path[cell.clip.path].fps) for cell in left)
    pixels = answer_pixels + sum(offloads[cell.key] * _pixels(by_path[cell.clip.path]) for cell in left)
    seconds = pixels / 1e6 * pace.inference_s + frames * pace.frame_s
    return Plan(
        cells=len({cell.key for cell in cells}),
        finished=len(done),
        frames=frames,
        answers=answers,
        offloads=sum(offloads.values()),
        hours=seconds / 3600 / workers,
        workers=workers,
        pace=pace,
        missing=tuple(missing),
    )


def _look(experiment: Experiment, load: LoadByName) -> tuple[dict[Path, ClipFacts], dict[str, Welcome], list[str]]:
    clips: dict[Path, ClipFacts] = {}
    models: dict[str, Welcome] = {}
    missing = []
    for video in experiment.videos:
        try:
            clips[video.path] = announced(video.path)
        except (FoveateError, OSError) as error:
            missing.append(str(error))
    for name in dict.fromkeys(video.model for video in experiment.videos):
        try:
            models[name] = describe(load, name)
        except FoveateError as error:
            missing.append(str(error))
    return clips, models, missing


def _answers(cells: Sequence[Cell], clips: dict[str, ClipFacts], models: dict[str, Welcome]) -> tuple[int, int]:
    """Answers that are missing, and their pixels."""
    count = pixels = 0
    for path, model, seconds, frames in {(c.clip.path, c.model.name, c.seconds, c.clip.frames) for c in cells}:
        facts = clips[path]
        wanted = sorted(set(played_positions(frames, round(seconds * facts.fps))))
        missing = len(missing_answers(Path(path), answer_key(facts.sha256, models[model]), wanted))
        count, pixels = count + missing, pixels + missing * _pixels(facts)
    return count, pixels


def _expected_offloads(cell: Cell, facts: ClipFacts, profile: Profile, mean_bps: float) -> int:
    """As many full frames as can follow one another over the mean of the trace."""
    latency = _server_s(profile, facts) + 8 * _BYTES_PER_PIXEL * _pixels(facts) / mean_bps
    offloads = max(1, round(cell.seconds / max(latency, 1 / facts.fps)))
    policy = by_name(cell.policy)
    return offloads * max(1, policy.foreseen if isinstance(policy, Foreseeing) else 0)


def _server_s(profile: Profile, facts: ClipFacts) -> float:
    height, width = profile.server.frame_size
    return profile.server.full_s * _pixels(facts) / (height * width)


def _pixels(facts: ClipFacts) -> int:
    return facts.size[0] * facts.size[1]
