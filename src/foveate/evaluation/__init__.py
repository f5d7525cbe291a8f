"""Runs, scores and reports. Nothing here is needed to serve or to capture."""

from foveate.device import draw
from foveate.evaluation.run import run_job
from foveate.evaluation.settings import RunSettings

__all__ = ["RunSettings", "draw", "run_job"]
