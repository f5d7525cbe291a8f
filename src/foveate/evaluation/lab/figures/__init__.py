"""Figures of a report: each function draws one, or says by None that there is nothing to draw."""

from foveate.evaluation.lab.figures.drawing import DRAWERS, draw_all
from foveate.evaluation.lab.figures.style import Drawn

__all__ = ["DRAWERS", "Drawn", "draw_all"]
