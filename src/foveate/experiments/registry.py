"""Experiments by the text that a user writes: a name, or the path of a Python file."""

import runpy
from collections.abc import Callable
from pathlib import Path

from foveate.core import InputError
from foveate.evaluation.experts.experiment import ExpertsExperiment
from foveate.evaluation.lab import Experiment
from foveate.evaluation.lab.answering import AnswerExperiment
from foveate.experiments.ablation import ablation
from foveate.experiments.controls import controls
from foveate.experiments.estimators import estimators
from foveate.experiments.experts import experts_overall
from foveate.experiments.heeded import refuse_unheeded, watched
from foveate.experiments.hyperion import hyperion_first_look, hyperion_overall, hyperion_small_device, hyperion_sweep
from foveate.experiments.inputs import Inputs
from foveate.experiments.overall import codec, delays, overhead, vitmalis_overall
from foveate.experiments.quick import quick
from foveate.experiments.restoration import restoration

AnyExperiment = Experiment | AnswerExperiment | ExpertsExperiment
MakeExperiment = Callable[[Inputs], AnyExperiment]
EXPERIMENTS: dict[str, MakeExperiment] = {
    "ablation": ablation,
    "codec": codec,
    "controls": controls,
    "delays": delays,
    "estimators": estimators,
    "experts-overall": experts_overall,
    "hyperion-first-look": hyperion_first_look,
    "hyperion-overall": hyperion_overall,
    "hyperion-small-device": hyperion_small_device,
    "hyperion-sweep": hyperion_sweep,
    "overhead": overhead,
    "quick": quick,
    "restoration": restoration,
    "vitmalis-overall": vitmalis_overall,
}


def experiment_by_name(text: str, inputs: Inputs) -> AnyExperiment:
    """The experiment of a name, or the one that a Python file's `experiment(inputs)` returns.

    Raises `InputError` on an unknown name, a file that is not there, one that makes no experiment, or an input other
    than the usual that the experiment does not look at.
    """
    heard = watched(inputs)
    found = _made(text, heard)
    refuse_unheeded(found.name, heard)
    return found


def _made(text: str, inputs: Inputs) -> AnyExperiment:
    if not text.endswith(".py"):
        if text not in EXPERIMENTS:
            raise InputError(f"unknown experiment {text!r}; known: {', '.join(sorted(EXPERIMENTS))}, or a .py file")
        return EXPERIMENTS[text](inputs)
    if not Path(text).is_file():
        raise InputError(f"no experiment file {text}")
    make = runpy.run_path(text).get("experiment")
    found = make(inputs) if callable(make) else None
    if not isinstance(found, AnyExperiment):
        kinds = "an Experiment, AnswerExperiment or ExpertsExperiment"
        raise InputError(f"{text} must define experiment(inputs), which returns {kinds}")
    return found
