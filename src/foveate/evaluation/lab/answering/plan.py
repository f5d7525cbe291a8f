"""What an experiment on answering policies would cost, before anything is computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from foveate.core import FoveateError, OffloadPlan, View, computed_pixels
from foveate.core.regions import RegionGrid
from foveate.evaluation.lab.answering.cell import AnswerCell, answer_cells
from foveate.evaluation.lab.answering.compare import model_names
from foveate.evaluation.lab.answering.experiment import AnswerExperiment
from foveate.evaluation.lab.answering.store import AnswerStore
from foveate.evaluation.lab.models import LoadByName, describe
from foveate.evaluation.lab.pace import Pace, known_pace
from foveate.evaluation.lab.prepare import ClipFacts, announced
from foveate.network.messages import Welcome
from foveate.policies.answering import answer_policy


@dataclass(frozen=True, kw_only=True)
class AnswerCost:
    """Counts and estimates; both are upper bounds, for cells share many looks and inferences."""

    cells: int
    finished: int
    looks: int
    """Passes of the device's model."""
    offloads: int
    """Frames that the cloud's model sees."""
    hours: float
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
            ("looks of the device", f"at most {self.looks:,}"),
            ("inferences of the cloud", f"at most {self.offloads:,}"),
            ("time", f"at most {self.hours:.1f} h with {self.workers} workers"),
            ("pace", f"{self.pace.inference_s:.2f} s per million pixels, {source}"),
        )
        for row in (*rows, *(("not usable", problem) for problem in self.missing)):
            table.add_row(*row)
        return table


def plan_answers(experiment: AnswerExperiment, out: Path, *, load: LoadByName, workers: int) -> AnswerCost:
    """Look at files and models, compute nothing else."""
    clips: dict[Path, ClipFacts] = {}
    models: dict[str, Welcome] = {}
    missing = []
    for video in experiment.videos:
        try:
            clips[video.path] = announced(video.path)
        except (FoveateError, OSError) as error:
            missing.append(str(error))
    for name in model_names(experiment):
        try:
            models[name] = describe(load, name)
        except FoveateError as error:
            missing.append(str(error))
    cells = {cell.key: cell for _, _, cell in answer_cells(experiment, clips, models)}
    done = AnswerStore(out).finished(cells.values())
    left = [cell for key, cell in cells.items() if key not in done]
    pace = known_pace()
    counts = [_counts(cell, {str(path): facts for path, facts in clips.items()}) for cell in left]
    pixels = sum(looks * look_pixels + offloads * sent for looks, look_pixels, offloads, sent in counts)
    return AnswerCost(
        cells=len(cells),
        finished=len(done),
        looks=sum(count[0] for count in counts),
        offloads=sum(count[2] for count in counts),
        hours=pixels / 1e6 * pace.inference_s / 3600 / workers,
        workers=workers,
        pace=pace,
        missing=tuple(missing),
    )


def _counts(cell: AnswerCell, clips: Mapping[str, ClipFacts]) -> tuple[int, float, int, float]:
    """Looks, pixels of each, offloads, pixels of each: as many as can follow one another on an infinite link.

    Looks may follow one another without an offload between them; a pipelined device has both at once.
    """
    facts, policy, times = clips[cell.clip.path], answer_policy(cell.policy), cell.times
    size, frame_s = facts.size, 1 / facts.fps
    grid = RegionGrid(height=size[0], width=size[1])
    whole = OffloadPlan(views=(View.whole(size),), slicing=times.slicing)
    device_s = times.look_s * policy.looks_first + times.encoding_s(whole, grid)
    cloud_s = times.decoding_s(whole, grid) + times.computing_s(whole, grid)
    turn_s = max(device_s, cloud_s) if cell.rules.pipelined else device_s + cloud_s
    looks = max(1, round(cell.seconds / max(times.look_s, frame_s))) * cell.rules.looks(policy)
    offloads = max(1, round(cell.seconds / max(turn_s, frame_s))) * policy.offloads
    return looks, View.whole(size, times.look_scale).pixels, offloads, computed_pixels(whole, grid)
