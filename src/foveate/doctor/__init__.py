"""Checks whether a machine can do its work, and says what to do where it cannot. Never imports torch."""

from foveate.doctor.examination import Examination, examine
from foveate.doctor.finding import ROLES, Finding, Level, Role

__all__ = ["ROLES", "Examination", "Finding", "Level", "Role", "examine"]
