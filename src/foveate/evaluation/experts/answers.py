"""What a model says about sets of pictures, kept in its place: a training elsewhere hands over answers, not weights.

A table needs logits alone, and those of 11,000 pictures are a sixth of an expert's weights. They are kept as distances
to the highest one in 64 steps that are finest near it, so that no ranking at the top changes.
"""

import bz2
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.core import WeightsError
from foveate.core.whole_files import whole_file

SUFFIX = ".answers"
STEPS = 63
FARTHEST = 16.0
"""Distances from here on are one."""
SAMPLED = 4096
"""Pixel values by which a set of pictures is known."""
ALIKE = 1.0
"""Mean difference of these values up to which a set is the same: decoders round differently."""


@dataclass(frozen=True, kw_only=True, eq=False)
class KeptAnswers:
    """The contents of such a file."""

    facts: dict[str, Any]
    """`subset`, `parameters`, `operations`, and whatever else is known of the model."""
    known_by: tuple[NDArray[np.uint8], ...]
    """For each set of pictures some of its pixels."""
    steps: tuple[NDArray[np.uint8], ...]
    """For each set the distances, `(n, classes)`."""

    def logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the model said about these pictures, highest score 0. Raises `WeightsError` for other pictures."""
        sample = sample_of(pixels)
        found = [
            (float(np.abs(sample.astype(float) - known).mean()), number)
            for number, (known, steps) in enumerate(zip(self.known_by, self.steps, strict=True))
            if len(steps) == len(pixels) and known.shape == sample.shape
        ]
        nearest, number = min(found, default=(np.inf, 0))
        if nearest > ALIKE:
            raise WeightsError(
                "only a model's answers are here, about other pictures than these; its weights are required"
            )
        return restored(self.steps[number])


def sample_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Evenly spread pixel values."""
    flat = pixels.reshape(-1)
    return np.array(flat[:: max(1, len(flat) // SAMPLED)], np.uint8)


def stepped(logits: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Logits `(n, classes)` as steps below each picture's highest."""
    below = logits.max(axis=1, keepdims=True) - logits
    steps: NDArray[np.uint8] = np.rint(STEPS * np.sqrt(np.clip(below / FARTHEST, 0, 1))).astype(np.uint8)
    return steps


def restored(steps: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The inverse of `stepped` but for rounding, and for a constant for each picture."""
    return (-FARTHEST * np.square(steps / STEPS)).astype(np.float32)


def write_answers(
    path: Path, facts: dict[str, Any], said: Sequence[tuple[NDArray[np.uint8], NDArray[np.float32]]]
) -> None:
    """Keep `said`, pairs of pictures and logits; at once or not at all.

    Raises `FoveateError` where the disk refuses.
    """
    arrays = {"facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)}
    for number, (pixels, logits) in enumerate(said):
        arrays |= {f"known_{number}": sample_of(pixels), f"steps_{number}": stepped(logits)}
    memory = io.BytesIO()
    np.savez(memory, **arrays)  # type: ignore[arg-type]  # the stub takes further names for allow_pickle
    with whole_file(path) as draft:
        draft.write_bytes(bz2.compress(memory.getvalue()))


def read_answers(path: Path) -> KeptAnswers:
    """The contents of a file. Raises `WeightsError` where it is damaged."""
    try:
        with np.load(io.BytesIO(bz2.decompress(path.read_bytes())), allow_pickle=False) as file:
            count = sum(name.startswith("steps_") for name in file.files)
            return KeptAnswers(
                facts=json.loads(file["facts"].tobytes()),
                known_by=tuple(file[f"known_{number}"] for number in range(count)),
                steps=tuple(file[f"steps_{number}"] for number in range(count)),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path}: no whole file of answers ({error})") from error
