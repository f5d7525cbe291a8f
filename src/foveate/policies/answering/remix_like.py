"""remix-like: on the device alone, more pixels where objects are expected (Jiang et al. 2021, Remix)."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError, LookPlan, OffloadPlan, View
from foveate.policies.answering._base import CostModel, FrameState, Fusion
from foveate.policies.knapsack import best_choice

SCALES = (0.0, 0.25, 0.5, 1.0)
"""Of a block; 0: it is not looked at, its last answer stays. Remix chooses among EfficientDets of rising size and cost;
here one detector at rising scales is the family of models."""
_UNITS = 512
"""Of the knapsack, in all pixels of the frame."""


@dataclass(frozen=True, kw_only=True)
class RemixLike:
    """The frame in blocks, each at the scale that finds most objects for the pixels that the deadline allows.

    Expected finds come from the last answers: an object of height h is found at scale s with a probability that rises
    linearly with s h, from 0 at `blind` pixels to 1 at `sharp`. Each block is also worth `unknown` objects of a height
    of `sharp` pixels, so that empty ones are looked at when time is left. Remix plans offline with measured accuracies;
    this plans each frame anew, in about a millisecond.
    """

    name: ClassVar[str] = "remix-like"
    offloads: ClassVar[bool] = False
    schedules: ClassVar[bool] = False
    looks_first: ClassVar[bool] = True
    cost_model: ClassVar[CostModel] = "line"
    confidence: ClassVar[float | None] = None
    fusion: ClassVar[Fusion | None] = None

    rows: int = 3
    """Blocks from top to bottom."""
    columns: int = 4
    """Blocks from left to right."""
    margin: int = 48
    """What a block's view shows of its neighbours, pixels."""
    reserve: float = 0.1
    """Share of the deadline that is kept free, 0..1."""
    blind: float = 8.0
    """Apparent height of an object that is never found, pixels."""
    sharp: float = 48.0
    """Apparent height of an object that is always found, pixels."""
    kept: float = 0.4
    """Probability that an object is still where the last answer had it, 0..1."""
    refresh: int = 4
    """In every so many-th frame, block by block in turn, a block's last answer counts for nothing."""
    unknown: float = 0.3
    """Objects in a block that no answer has shown, 0 or more."""

    def __post_init__(self) -> None:
        sizes = min(self.rows, self.columns, self.refresh)
        if sizes < 1 or self.margin < 0 or not 0 <= self.reserve < 1:
            raise InputError(f"remix-like needs blocks, a margin of 0 or more and a reserve in [0, 1), got {self}")
        if not 0 <= self.blind < self.sharp < math.inf:
            raise InputError(f"sharp must lie above blind, and blind at 0 or more, got {self.sharp} and {self.blind}")
        if not (0 <= self.kept <= 1 and 0 <= self.unknown < math.inf):
            raise InputError(f"kept lies in 0..1 and unknown is 0 or more, got {self.kept} and {self.unknown}")

    def look(self, state: FrameState) -> LookPlan:
        """The whole frame at first; then what the knapsack says."""
        if not state.answers:
            return LookPlan(views=(state.whole_look,))
        blocks = self.blocks(state.size)
        pixels = np.array([[self._view(b, s, state.size).pixels if s else 0 for s in SCALES] for b in blocks])
        budget = state.whole_look.pixels * state.deadline_s * (1 - self.reserve) / max(state.look_s, 1e-3)
        unit = max(1, state.size[0] * state.size[1] // _UNITS)
        columns = best_choice(self._finds(state, blocks), -(-pixels // unit), int(budget // unit))
        assert columns is not None  # not looking costs nothing
        if not any(columns):
            return LookPlan(views=(state.whole_look,))
        chosen = [(block, SCALES[column]) for block, column in zip(blocks, columns, strict=True)]
        return LookPlan(
            views=tuple(self._view(block, scale, state.size) for block, scale in chosen if scale),
            kept=tuple(block for block, scale in chosen if not scale),
        )

    def decide(self, state: FrameState) -> OffloadPlan | None:  # noqa: ARG002  # the same for every state
        """Never anything."""
        return None

    def blocks(self, size: tuple[int, int]) -> list[View]:
        """The blocks of a frame, row by row."""
        bottoms = np.linspace(0, size[0], self.rows + 1).astype(int).tolist()
        rights = np.linspace(0, size[1], self.columns + 1).astype(int).tolist()
        return [
            View(top=top, left=left, bottom=bottom, right=right)
            for top, bottom in pairwise(bottoms)
            for left, right in pairwise(rights)
        ]

    def _view(self, block: View, scale: float, size: tuple[int, int]) -> View:
        return View(
            top=max(0, block.top - self.margin),
            left=max(0, block.left - self.margin),
            bottom=min(size[0], block.bottom + self.margin),
            right=min(size[1], block.right + self.margin),
            scale=scale,
        )

    def _finds(self, state: FrameState, blocks: list[View]) -> NDArray[np.float64]:
        """Objects that are expected to be found `(blocks, scales)`, each counted with its score."""
        _, last = state.answers[-1]
        centres = (last.boxes[:, :2] + last.boxes[:, 2:]) / 2
        heights = np.append(last.boxes[:, 3] - last.boxes[:, 1], self.sharp)
        apparent = heights[:, None] * np.array(SCALES)[None]
        found = ((apparent - self.blind) / (self.sharp - self.blind)).clip(0, 1)
        found[:-1, 0] = self.kept
        weights = np.stack(
            [
                np.append(
                    last.scores
                    * (centres[:, 0] >= block.left)
                    * (centres[:, 0] < block.right)
                    * (centres[:, 1] >= block.top)
                    * (centres[:, 1] < block.bottom),
                    self.unknown,
                )
                for block in blocks
            ]
        )
        finds = np.asarray(weights @ found, np.float64)
        due = (np.arange(len(blocks)) + state.taken) % self.refresh == 0
        finds[due, 0] = 0.0
        return finds
