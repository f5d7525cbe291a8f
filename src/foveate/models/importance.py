"""Patch importance: the attention that each patch receives (Hyperion, equation 2), without an N x N matrix."""

from dataclasses import dataclass
from typing import Literal

from foveate.core import Detections, DeviceGlance, ImportanceMap, Mask, MixedFrame, Pixels
from foveate.models.detector import Detector


@dataclass(frozen=True, kw_only=True)
class ImportanceOptions:
    """Which attention is averaged. Raises `InputError` on a step below 1 or subsets that cannot be."""

    queries: Literal["lattice", "sample", "all"] = "lattice"
    """`all`: every query token, the exact mean. `lattice`: every `step`-th row and column of tokens. `sample`: as many
    tokens, drawn with `seed`."""
    step: int = 4
    """Of the lattice, tokens; one query in `step * step` is read."""
    seed: int = 0
    subsets: tuple[int, ...] | None = None
    """Subsets (1..N) whose global block counts as an output feature layer; None = the last, which the simple feature
    pyramid reads."""


def detect_with_importance(
    detector: Detector,
    frame: Pixels | MixedFrame,
    options: ImportanceOptions | None = None,
    *,
    downsampling_mask: Mask | None = None,
    restoration_point: int | None = None,
    score_threshold: float | None = None,
) -> tuple[Detections, ImportanceMap]:
    """Objects of a frame, and the importance `(rows, columns)` of its patches, from one pass; they sum to 1."""
    raise NotImplementedError


class GlancingDetector:
    """The device's model as a callable: frame -> `DeviceGlance`, at a stated reduced size.

    Boxes and importance are carried to the full frame. The callable is what the command line injects into a device, which
    itself has no torch.
    """

    def __init__(
        self,
        detector: Detector,
        *,
        seen_size: tuple[int, int] | None = (1080, 1920),
        options: ImportanceOptions | None = None,
        score_threshold: float | None = None,
    ) -> None:
        """`seen_size`: height and width at which frames are seen (area averages); None = as they are."""

    def __call__(self, pixels: Pixels) -> DeviceGlance:
        """Objects and importance of a frame uint8 `(H, W, 3)`."""
        raise NotImplementedError
