"""Model cards: every figure that a card shows, measured part by part, kept, and written as a page."""

from foveate.evaluation.cards.card import CardJob, Outcome, make_card, parts_for
from foveate.evaluation.cards.parts import GROUPS, Part, find_parts
from foveate.evaluation.cards.sets import CardSets, find_sets
from foveate.evaluation.cards.store import Store

__all__ = [
    "GROUPS",
    "CardJob",
    "CardSets",
    "Outcome",
    "Part",
    "Store",
    "find_parts",
    "find_sets",
    "make_card",
    "parts_for",
]
