"""Experiments on policies that answer single frames by a deadline: cells, tables, winners."""

from foveate.evaluation.lab.answering.compare import AnswerComparison, compare_answers
from foveate.evaluation.lab.answering.experiment import AnswerContender, AnswerExperiment, Pair
from foveate.evaluation.lab.answering.plan import plan_answers
from foveate.evaluation.lab.answering.report import report_answers

__all__ = [
    "AnswerComparison",
    "AnswerContender",
    "AnswerExperiment",
    "Pair",
    "compare_answers",
    "plan_answers",
    "report_answers",
]
