"""Observations as a table: one row per frame and configuration, features beside what is to be estimated."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveate.core import Candidates, InputError
from foveate.estimators import features
from foveate.policies import configurations, region_types
from foveate.profiling.observations import Observation

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ContentRows:
    """Columns `(n,)`."""

    columns: dict[str, Numbers]
    """Features of `foveate.estimators.features`, and of the frame: `clip`, `frame`, `pixels`."""
    bytes_per_pixel: Numbers
    accuracy: Numbers
    """F1 of the frame against the model's own result at full resolution; 1 where both saw nothing."""

    def __len__(self) -> int:
        return len(self.accuracy)

    def select(self, keep: NDArray[np.bool_]) -> "ContentRows":
        """The rows that `keep` `(n,)` marks."""
        return ContentRows(
            columns={name: values[keep] for name, values in self.columns.items()},
            bytes_per_pixel=self.bytes_per_pixel[keep],
            accuracy=self.accuracy[keep],
        )


def rows_of(observations: Sequence[Observation], *, clip: int = 0) -> ContentRows:
    """All trials of a clip's observations. Raises `InputError` if there is none."""
    parts = [_rows(observation, clip) for observation in observations if observation.trials]
    if not parts:
        raise InputError("no configuration was measured on any frame of the clip")
    return joined(parts)


def joined(parts: Sequence[ContentRows]) -> ContentRows:
    """Rows of several clips."""
    return ContentRows(
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns},
        bytes_per_pixel=np.concatenate([part.bytes_per_pixel for part in parts]),
        accuracy=np.concatenate([part.accuracy for part in parts]),
    )


def all_candidates(observation: Observation, restoration_points: range) -> Candidates:
    """What could be tried on the frame of an observation."""
    content = observation.content
    return configurations(region_types(content), content, restoration_points=restoration_points)


def tried(observation: Observation) -> Candidates:
    """The configurations of an observation's trials, in their order."""
    trials = observation.trials
    every = all_candidates(observation, range(1 + max(trial.restoration_point for trial in trials)))
    keys = zip(
        every.downsampling_type.tolist(), every.jpeg_quality.tolist(), every.restoration_point.tolist(), strict=True
    )
    place = {key: index for index, key in enumerate(keys)}
    return picked(every, [place[t.downsampling_type, t.jpeg_quality, t.restoration_point] for t in trials])


def picked(candidates: Candidates, index: Sequence[int]) -> Candidates:
    """Some of the candidates."""
    return Candidates(
        masks=candidates.masks,
        downsampling_type=candidates.downsampling_type[index],
        downsampled_regions=candidates.downsampled_regions[index],
        downsampled_motion=candidates.downsampled_motion[index],
        jpeg_quality=candidates.jpeg_quality[index],
        restoration_point=candidates.restoration_point[index],
        frame_scale=candidates.frame_scale[index],
    )


def _rows(observation: Observation, clip: int) -> ContentRows:
    grid, trials = observation.grid, observation.trials
    pixels = float(grid.height * grid.width)
    columns = features(tried(observation), grid=grid, content=observation.content)
    constant = {"clip": float(clip), "frame": float(observation.frame), "pixels": pixels}
    return ContentRows(
        columns=columns | {name: np.full(len(trials), value) for name, value in constant.items()},
        bytes_per_pixel=np.array([trial.size_bytes / pixels for trial in trials]),
        accuracy=np.array([trial.f1 for trial in trials]),
    )
