"""The lab: experiments as lists of cells, each a simulated run; spread over processes, scored and compared."""

from foveate.evaluation.lab.choose_workers import choose_workers
from foveate.evaluation.lab.compare import Comparison, compare_job
from foveate.evaluation.lab.experiment import BestOf, Contender, Experiment, Figure, Machine, Uplink, Variation, Video
from foveate.evaluation.lab.models import load_model
from foveate.evaluation.lab.plan import Plan, plan_of
from foveate.evaluation.lab.report_job import report_job

__all__ = [
    "BestOf",
    "Comparison",
    "Contender",
    "Experiment",
    "Figure",
    "Machine",
    "Plan",
    "Uplink",
    "Variation",
    "Video",
    "choose_workers",
    "compare_job",
    "load_model",
    "plan_of",
    "report_job",
]
