"""F1 by what objects are like: how long they have been there, how fast they move, how large they are; and the new ones.

A hit and a miss belong to the bin of their object. A false alarm belongs to the bin of the object that it overlaps
most, for a box that lags behind is that object's fault; one over nothing has a size of its own, but neither age nor
speed. Age and speed need to know which object is which, so they exist for exact truth alone.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.evaluation.lab.frame_scores import Scored
from foveate.evaluation.lab.references import Reference, sides
from foveate.metrics import Counts, Truth, iou_matrix

Bins = tuple[tuple[str, float], ...]
"""Name and upper border of each."""
AGE: Bins = (("under 0.5 s", 0.5), ("0.5 to 1 s", 1.0), ("1 to 2 s", 2.0), ("over 2 s", float("inf")))
"""Seconds since the object was first there to be found."""
SPEED: Bins = (("under 1", 1.0), ("1 to 3", 3.0), ("3 to 8", 8.0), ("over 8", float("inf")))
"""Pixels of a 1080p frame per thirtieth of a second."""
SIZE: Bins = (("under 32", 32.0), ("32 to 96", 96.0), ("over 96", float("inf")))
"""Square root of the area, pixels of a 1080p frame (COCO's borders)."""
BINS: dict[str, Bins] = {"age": AGE, "speed": SPEED, "size": SIZE}

ByBin = dict[tuple[str, str], Counts]
"""Counts by property and bin."""


@dataclass(frozen=True, kw_only=True)
class NewObjects:
    """Objects that were not yet there in the frame that the displayed result comes from."""

    objects: int
    """All objects of all frames that show a result."""
    new: int
    """Those of them that entered since."""
    found: int
    """Those of the new that were shown all the same."""


class Objects:
    """Objects of a clip over the frames that are played, by one reference."""

    def __init__(self, reference: Reference, *, order: Sequence[int], fps: float, frame_height: int) -> None:
        self._order, self._fps, self._height = order, fps, frame_height
        self._truths, self._name = reference.truths, reference.name
        self._seen = _seen(self._truths, order)

    def by_bin(self, frames: Sequence[Scored]) -> ByBin:
        """Sums over displayed frames."""
        counts: defaultdict[tuple[str, str], Counts] = defaultdict(Counts)
        for frame in frames:
            if self._name in frame.matches:
                for what, name, more in self._frame(frame):
                    counts[what, name] += more
        return dict(counts)

    def new_objects(self, frames: Sequence[Scored], source_of: Callable[[int], int | None]) -> NewObjects | None:
        """Of displayed frames; `source_of` a frame is the frame that its result comes from. None without identities.

        Where either of the two has no truth, nobody knows what is new.
        """
        if not self._seen:
            return None
        objects = new = found = 0
        for frame in frames:
            source, truth = source_of(frame.index), self._truths.get(self._order[frame.index])
            if source is None or truth is None or truth.track_ids is None or self._name not in frame.matches:
                continue
            before = self._truths.get(self._order[source])
            if before is None:
                continue
            entered = _entered(truth.track_ids, before)
            objects += len(entered)
            new += int(entered.sum())
            found += int(entered[frame.matches[self._name].truth].sum())
        return NewObjects(objects=objects, new=new, found=found)

    def _frame(self, frame: Scored) -> list[tuple[str, str, Counts]]:
        truth, matches = self._truths[self._order[frame.index]], frame.matches[self._name]
        wrong = frame.predicted.select(matches.false_positives)
        overlap = iou_matrix(wrong.boxes, truth.detections.boxes)
        blamed = overlap.argmax(axis=1) if len(truth.detections) else np.zeros(len(wrong), np.int64)
        has_blame = overlap.max(axis=1, initial=0) > 0
        rows: list[tuple[str, str, Counts]] = []
        for what, values in self._properties(truth, frame.index).items():
            bins = BINS[what]
            rows += [(what, _bin(values[i], bins), Counts(tp=1)) for i in matches.truth]
            rows += [(what, _bin(values[i], bins), Counts(fn=1)) for i in matches.missed]
            rows += [(what, _bin(values[i], bins), Counts(fp=1)) for i in blamed[has_blame]]
        own = sides(Truth(detections=wrong.select(~has_blame)), self._height)
        return rows + [("size", _bin(side, SIZE), Counts(fp=1)) for side in own]

    def _properties(self, truth: Truth, index: int) -> dict[str, NDArray[np.float64]]:
        found = {"size": sides(truth, self._height)}
        if self._seen and truth.track_ids is not None:
            tracks = [self._seen[int(track)] for track in truth.track_ids]
            found["age"] = np.array([(index - track.first) / self._fps for track in tracks])
            scale = 1080 / self._height * self._fps / 30
            found["speed"] = np.array([track.speed(index) * scale for track in tracks])
        return found


class _Track:
    """Where one object was."""

    def __init__(self, first: int) -> None:
        self.first = first
        self._centres: dict[int, tuple[float, float]] = {}

    def add(self, index: int, box: NDArray[np.float32]) -> None:
        x1, y1, x2, y2 = (float(side) for side in box)
        self._centres[index] = (x1 + x2) / 2, (y1 + y2) / 2

    def speed(self, index: int) -> float:
        """Pixels per frame between the neighbours of a frame that know it, 0 where it is alone."""
        near = [i for i in (index - 1, index, index + 1) if i in self._centres]
        if len(near) < 2:
            return 0.0
        (x1, y1), (x2, y2) = self._centres[near[0]], self._centres[near[-1]]
        return float(np.hypot(x2 - x1, y2 - y1)) / (near[-1] - near[0])


def _entered(track_ids: NDArray[np.int64], before: Truth) -> NDArray[np.bool_]:
    """Which of the objects `(n,)` were not there before; a frame without objects has no tracks."""
    known = np.zeros(0, np.int64) if before.track_ids is None else before.track_ids
    return np.asarray(~np.isin(track_ids, known))


def _seen(truths: Mapping[int, Truth], order: Sequence[int]) -> dict[int, _Track]:
    tracks: dict[int, _Track] = {}
    for index, position in enumerate(order):
        truth = truths.get(position)
        if truth is None or truth.track_ids is None:
            continue
        for track_id, box in zip(truth.track_ids.tolist(), truth.detections.boxes, strict=True):
            tracks.setdefault(track_id, _Track(index)).add(index, box)
    return tracks


def _bin(value: float, bins: Bins) -> str:
    return next((name for name, border in bins if value < border), bins[-1][0])
