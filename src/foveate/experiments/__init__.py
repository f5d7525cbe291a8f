"""Experiments by name: functions that return an `Experiment`. `configs/NAME.py` are thin files over them."""

from foveate.experiments.inputs import Inputs
from foveate.experiments.quick import quick
from foveate.experiments.registry import EXPERIMENTS, experiment_by_name

__all__ = ["EXPERIMENTS", "Inputs", "experiment_by_name", "quick"]
