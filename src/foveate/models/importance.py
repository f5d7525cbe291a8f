"""Patch importance: the attention that each patch receives (Hyperion, equation 2), without an N x N matrix.

Read from queries and keys while the detector's own pass has them at hand; the attention itself stays as fast as it is.
"""

from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.core import (
    PATCH,
    Detections,
    DeviceGlance,
    ImportanceMap,
    ImportanceSource,
    InputError,
    Mask,
    MixedFrame,
    Pixels,
    box_importance,
    carry_importance,
    check_pixels,
)
from foveate.models.attention import SCORES_AT_ONCE
from foveate.models.config_checks import check_counts
from foveate.models.layout import FrameGroup, FrameLayout
from foveate.models.mixed_detector import MixedDetector
from foveate.models.threads import in_threads

FAINT = 0.05
"""Score from which a suspected box counts for importance: the lowest that a device shows of its boxes."""
ACCELERATOR_CHUNK = 64
"""How many times `SCORES_AT_ONCE` are computed at once off the CPU."""


@dataclass(frozen=True, kw_only=True)
class ImportanceOptions:
    """Which attention is averaged. Raises `InputError` on a step below 1, a seed below 0, or subsets that cannot be."""

    queries: Literal["lattice", "sample", "all"] = "lattice"
    """`all`: every query token in float32, the exact mean. `lattice`: every `step`-th row and column of patches.
    `sample`: one in step x step tokens, drawn with `seed`."""
    step: int = 4
    """Of the lattice, patches."""
    seed: int = 0
    subsets: tuple[int, ...] | None = None
    """Subsets (1..N) whose global block counts as an output feature layer; None = the last, which the simple feature
    pyramid reads."""

    def __post_init__(self) -> None:
        if self.queries not in ("lattice", "sample", "all"):
            raise InputError(f"queries must be lattice, sample or all, got {self.queries!r}")
        check_counts(self, {"step": 1, "seed": 0})
        if self.subsets is not None and (not self.subsets or len(set(self.subsets)) != len(self.subsets)):
            raise InputError(f"name at least one subset, each once, got {self.subsets}")
        if not all(type(subset) is int for subset in self.subsets or ()):
            raise InputError(f"subsets are whole numbers, got {self.subsets}")


class ImportanceReader:
    """Collects the importance of the patches of one batch; `of` gives it to a detector's `readers`."""

    def __init__(self, options: ImportanceOptions, subsets: int) -> None:
        if subsets < 1:
            raise InputError("this model has no attention to read importance from; take it from boxes")
        self._options = options
        self._subsets = options.subsets or (subsets,)
        if not all(1 <= subset <= subsets for subset in self._subsets):
            raise InputError(f"this model has global blocks in subsets 1..{subsets}, got {self._subsets}")
        self._maps: dict[int, list[ImportanceMap]] = {subset: [] for subset in self._subsets}

    def readers(self) -> dict[int, "_SubsetReader"]:
        """For `Detector.detect_batch` and `Backbone.forward_tiles`."""
        return {subset: _SubsetReader(self._options, maps) for subset, maps in self._maps.items()}

    def importance(self) -> list[ImportanceMap]:
        """Mean over the output feature layers, one map `(rows, columns)` for each frame; the values of one sum to 1."""
        return [np.mean(layers, axis=0, dtype=np.float32) for layers in zip(*self._maps.values(), strict=True)]


class _SubsetReader:
    """Reads one global block."""

    def __init__(self, options: ImportanceOptions, maps: list[ImportanceMap]) -> None:
        self._options, self._maps = options, maps

    def __call__(self, query: Tensor, key: Tensor, group: FrameGroup) -> None:
        for frame, layout in enumerate(group.layouts):
            asking, keys = query[frame], key[frame]
            if self._options.queries == "all":
                asking, keys = asking.float(), keys.float()
            else:
                asking = asking[:, chosen_queries(layout, self._options).to(query.device)]
            self._maps.append(_on_patches(attention_received(asking, keys).cpu().numpy(), layout))


def attention_received(query: Tensor, key: Tensor) -> Tensor:
    """Mean over heads and queries of `softmax(q k^T)`, a few rows at a time: float32 `(n,)`, summing to 1.

    `query` `(heads, m, dim)` with the scale in it, `key` `(heads, n, dim)`.
    """
    heads, asking, n = *query.shape[:2], key.shape[1]
    at_once = SCORES_AT_ONCE * (1 if query.device.type == "cpu" else ACCELERATOR_CHUNK)
    chunk = max(1, at_once // n)
    jobs = list(product(range(heads), range(0, asking, chunk)))
    sums: dict[int, Tensor] = {}

    def work(index: int, count: int) -> None:
        total = torch.zeros(n, device=query.device)
        for head, start in jobs[index::count]:
            scores = torch.mm(query[head, start : start + chunk], key[head].t())
            total += torch.softmax(scores, dim=-1, dtype=torch.float32).sum(dim=0)
        sums[index] = total

    in_threads(work, on=query.device)
    return torch.stack([sums[index] for index in sorted(sums)]).sum(dim=0) / (heads * asking)


def chosen_queries(layout: FrameLayout, options: ImportanceOptions) -> Tensor:
    """Which of a frame's real tokens are asked, as indices into them; at least one."""
    if options.queries == "sample":
        real = int(layout.real.sum())
        count = max(1, real // options.step**2)
        drawn = np.random.default_rng(options.seed).choice(real, count, replace=False)
        return torch.from_numpy(np.sort(drawn))
    # A frame narrower than half a step still has a row and a column on the lattice.
    offsets = [min(options.step, length) // 2 for length in layout.grid.patches]
    on_lattice = [
        (start <= place) & (place < start + length)
        for start, length, place in (
            (*layout.spans(axis), _next_on_lattice(layout.spans(axis)[0], offset, options.step))
            for axis, offset in enumerate(offsets)
        )
    ]
    return torch.from_numpy(np.flatnonzero(on_lattice[0] & on_lattice[1]))


def _next_on_lattice(start: NDArray[np.int64], offset: int, step: int) -> NDArray[np.int64]:
    """The first place of the lattice at or after each start."""
    return start + (offset - start) % step


def _on_patches(received: NDArray[np.float32], layout: FrameLayout) -> ImportanceMap:
    """Attention of real tokens `(n,)` -> of patches `(rows, columns)`; patches under one token share it evenly."""
    (row, height), (column, width) = layout.spans(0), layout.spans(1)
    share = received / (height * width)
    importance = np.zeros(layout.grid.patches, np.float32)
    for down, right in product(range(int(height.max())), range(int(width.max()))):
        covered = (down < height) & (right < width)
        importance[row[covered] + down, column[covered] + right] = share[covered]
    return importance


def detect_with_importance(
    detector: MixedDetector,
    frame: Pixels | MixedFrame,
    options: ImportanceOptions | None = None,
    *,
    downsampling_mask: Mask | None = None,
    restoration_point: int | None = None,
    score_threshold: float | None = None,
) -> tuple[Detections, ImportanceMap]:
    """Objects of a frame, and the importance `(rows, columns)` of its patches, from one pass; it sums to 1.

    Mask, point and threshold as in `Detector.detect_batch`. Tokens beyond the frame are neither query nor key. Where a
    block still sees a token of low resolution, its patches share evenly what it receives, and it asks once.
    """
    reader = ImportanceReader(options or ImportanceOptions(), detector.restoration_points[-1])
    found = detector.detect_batch(
        [frame],
        [downsampling_mask],
        None if restoration_point is None else [restoration_point],
        score_threshold=score_threshold,
        readers=reader.readers(),
    )
    return found[0], reader.importance()[0]


class GlancingDetector:
    """The device's model as a callable, frame -> `DeviceGlance`, at a stated reduced size.

    Boxes and importance are carried to the full frame. The command line injects the callable into a device, which
    itself has no torch.
    """

    def __init__(
        self,
        detector: MixedDetector,
        *,
        seen_size: tuple[int, int] | None = (1080, 1920),
        options: ImportanceOptions | None = None,
        importance: ImportanceSource = "attention",
        score_threshold: float | None = None,
    ) -> None:
        """`seen_size`: height and width that frames are reduced to fit into (area averages); None = never reduced.

        `importance`: by attention (equation 2), or by the boxes that the model faintly suspects (`box_importance`).
        Raises `InputError` for anything else, for attention of a model whose patches are not those of a frame, and for
        a threshold or size that cannot be.
        """
        if importance not in (known := get_args(ImportanceSource)):
            raise InputError(f"importance must be one of {', '.join(known)}, got {importance!r}")
        patch = detector.region_grid(PATCH, PATCH).patch_size
        if importance == "attention" and patch != PATCH:
            raise InputError(f"importance by attention needs a model with patches of {PATCH} pixels, got {patch}")
        if seen_size is not None and (len(seen_size) != 2 or min(seen_size) < 1):
            raise InputError(f"seen_size must be a height and a width of at least 1 pixel, got {seen_size}")
        detector.least_score(score_threshold)
        self._importance = importance
        self._detector, self._seen_size = detector, seen_size
        self._options, self._score_threshold = options, score_threshold

    def __call__(self, pixels: Pixels) -> DeviceGlance:
        """Objects and importance of a frame uint8 `(H, W, 3)`."""
        height, width = check_pixels(pixels).shape[:2]
        seen = self._reduced(pixels)
        if self._importance == "boxes":
            return self._suspect(seen, (height, width))
        found, importance = detect_with_importance(
            self._detector, seen, self._options, score_threshold=self._score_threshold
        )
        rows, columns = seen.shape[:2]
        return DeviceGlance(
            detections=found.scaled(height / rows, width / columns),
            importance=carry_importance(importance, seen_size=(rows, columns), frame_size=(height, width)),
        )

    def _suspect(self, seen: Pixels, size: tuple[int, int]) -> DeviceGlance:
        """A glance whose importance comes from boxes, of a frame of that size."""
        suspected = self._detector.detect(seen, score_threshold=FAINT)
        suspected = suspected.scaled(size[0] / seen.shape[0], size[1] / seen.shape[1])
        shown = self._detector.score_threshold if self._score_threshold is None else self._score_threshold
        return DeviceGlance(detections=suspected.above(shown), importance=box_importance(suspected, frame_size=size))

    def _reduced(self, pixels: Pixels) -> Pixels:
        size = pixels.shape[:2]
        limits = self._seen_size or size
        factor = min(limit / side for limit, side in zip(limits, size, strict=True))
        if factor >= 1:
            return pixels
        height, width = (max(1, round(side * factor)) for side in size)
        return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
