"""What a training was given, command by command."""

from typing import Any

from foveate.training.checkpoint import Progress
from foveate.training.mixture import Mixture
from foveate.training.schedule import Schedule

Stage = dict[str, Any]
"""What one command gave, as JSON holds it, with its own `steps`, `crops` and `minutes`."""


def given(mixture: Mixture, schedule: Schedule, *, teacher: str | None) -> Stage:
    """What a card says about the sets, the teacher and the schedule of one command."""
    return {
        "trained_on": {
            images.name: {"images": len(images), "weight": weight}
            for images, weight in zip(mixture.sets, mixture.weights, strict=True)
        },
        "teacher": teacher,
        "learning_rate": schedule.learning_rate,
        "phases": [f"{p.share:g}:{p.size[0]}x{p.size[1]}:{p.batch_size}" for p in schedule.phases],
    }


def stages(since: Progress, stage: Stage, now: Progress) -> tuple[Stage, ...]:
    """Those of `since` and what a command that gave `stage` has done since; the same given again is one stage."""
    earlier = since.stages
    if earlier and now.step == since.step:
        return earlier
    done = {
        "steps": now.step - since.step,
        "crops": now.crops - since.crops,
        "minutes": (now.elapsed_s - since.elapsed_s) / 60,
    }
    if earlier and {key: value for key, value in earlier[-1].items() if key not in done} == stage:
        done = {key: earlier[-1][key] + value for key, value in done.items()}
        earlier = earlier[:-1]
    return (*(one for one in earlier if one["steps"]), stage | done)
