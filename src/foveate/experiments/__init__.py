"""Experiments by name: functions that return an `Experiment`. `configs/NAME.py` are thin files over them."""

from foveate.experiments.ablation import ablation
from foveate.experiments.controls import controls
from foveate.experiments.estimators import estimators
from foveate.experiments.experts import experts_overall
from foveate.experiments.hyperion import hyperion_first_look, hyperion_overall, hyperion_small_device, hyperion_sweep
from foveate.experiments.inputs import Inputs, part_of
from foveate.experiments.overall import codec, delays, overhead, vitmalis_overall
from foveate.experiments.quick import quick
from foveate.experiments.registry import EXPERIMENTS, experiment_by_name
from foveate.experiments.restoration import restoration

__all__ = [
    "EXPERIMENTS",
    "Inputs",
    "ablation",
    "codec",
    "controls",
    "delays",
    "estimators",
    "experiment_by_name",
    "experts_overall",
    "hyperion_first_look",
    "hyperion_overall",
    "hyperion_small_device",
    "hyperion_sweep",
    "overhead",
    "part_of",
    "quick",
    "restoration",
    "vitmalis_overall",
]
