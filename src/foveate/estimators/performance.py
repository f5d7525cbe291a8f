"""Expected size, accuracy and end-to-end latency of configurations (ViTMAlis, section IV-D, equations 1 to 3)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.core import (
    Candidates,
    CodecProfile,
    Estimate,
    EstimateOptions,
    Estimates,
    FrameContent,
    InputError,
    LinkState,
    Profile,
    RegionGrid,
    ServerProfile,
)
from foveate.estimators.content_models import content_models
from foveate.estimators.features import features

Numbers = NDArray[np.float64]
LEAST_BPS = 1e3
"""A throughput below this is taken as this: the sizes are still compared when the link is gone."""


class PerformanceEstimator:
    """Reads a profile. Raises `InputError` if it says nothing about content, or not what `options` ask for."""

    def __init__(self, profile: Profile, options: EstimateOptions | None = None) -> None:
        if profile.content is None:
            raise InputError(f"profile {profile.name} says nothing about content: see `foveate profile content`")
        self._profile = profile
        self._options = options or EstimateOptions()
        self._size, self._accuracy = content_models(profile.content, self._options.content)

    def with_options(self, options: EstimateOptions) -> "PerformanceEstimator":
        """The same profile read otherwise."""
        return self if options == self._options else PerformanceEstimator(self._profile, options)

    def bind(self, *, grid: RegionGrid, content: FrameContent, link: LinkState) -> Estimate:
        """The estimator of one frame on the link at hand."""
        return lambda candidates: self.estimate(candidates, grid=grid, content=content, link=link)

    def estimate(
        self, candidates: Candidates, *, grid: RegionGrid, content: FrameContent, link: LinkState
    ) -> Estimates:
        """All candidates at once."""
        columns = features(candidates, grid=grid, content=content)
        size = np.maximum(self._size(columns), 0) * grid.height * grid.width
        upload = 8 * size / max(link.throughput_bps, LEAST_BPS)
        line = self._options.latency == "line"
        latency = upload + link.rtt_s + computing_s(self._profile, candidates, grid=grid, line=line)
        return Estimates(latency_s=latency, accuracy=np.clip(self._accuracy(columns), 0, 1), size_bytes=size)


def computing_s(profile: Profile, candidates: Candidates, *, grid: RegionGrid, line: bool = False) -> Numbers:
    """Encoding, mean decoding and inference of each candidate; a frame of another scale is a whole one of that size."""
    downsampled = np.where(candidates.frame_scale < 1, 0.0, candidates.downsampled_regions)
    area = candidates.frame_scale**2
    encode = encode_seconds(profile.codec, grid, downsampled, candidates.jpeg_quality)
    decode = np.mean(profile.codec.decode_s) * _pixel_ratio(profile.codec, grid)
    inference = inference_seconds(profile.server, grid, downsampled, candidates.restoration_point, line=line)
    return np.asarray((encode + decode) * area + inference * area ** _growth(profile.server))


def encode_seconds(codec: CodecProfile, grid: RegionGrid, downsampled: Numbers, quality: NDArray[np.int64]) -> Numbers:
    """T_enc(N_d, lambda), linear between the points of the table; frames of another size by their pixels."""
    table = np.array(codec.encode_s)
    row, below, row_share = _between(quality, codec.qualities)
    column, left, column_share = _between(downsampled * (codec.regions / len(grid)), codec.downsampled)
    first = table[below, left] + column_share * (table[below, column] - table[below, left])
    second = table[row, left] + column_share * (table[row, column] - table[row, left])
    return np.asarray((first + row_share * (second - first)) * _pixel_ratio(codec, grid))


def _between(values: NDArray[Any], points: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64], Numbers]:
    """For each value the points above and below it, as indices, and how far it lies from the lower to the upper."""
    at = np.interp(values, points, np.arange(len(points)))
    below = at.astype(np.int64)
    return np.minimum(below + 1, len(points) - 1), below, at - below


def decode_seconds(codec: CodecProfile, grid: RegionGrid, downsampled: float) -> float:
    """T_dec(N_d), linear between the points of the table; frames of another size by their pixels."""
    measured = np.interp(downsampled / len(grid) * codec.regions, codec.downsampled, codec.decode_s)
    return float(measured) * _pixel_ratio(codec, grid)


def inference_seconds(
    server: ServerProfile,
    grid: RegionGrid,
    downsampled: Numbers,
    restoration_point: NDArray[np.int64],
    *,
    line: bool = False,
) -> Numbers:
    """LM_beta(N_d); a frame with nothing downsampled takes `whole_frame_seconds`.

    `line`: by straight lines alone, where the profile has something better. Frames of another size than the measured
    one in the proportion of the times for whole frames. Raises `InputError` for a point that the profile lacks, as is
    restoration after the last block on machines where nobody measured it.
    """
    whole = whole_frame_seconds(server, grid)
    models = server.inference | server.lines if line else server.inference
    if server.late is not None:
        models = models | {len(models): server.late}
    if int(restoration_point.max()) >= len(models):
        raise InputError(f"the profile knows restoration points 0..{len(models) - 1}, got {restoration_point.max()}")
    powers = np.zeros((len(models), max(len(model.coefficients) for model in models.values())))
    for beta, model in models.items():
        powers[beta, : len(model.coefficients)] = model.coefficients
    measured = downsampled / len(grid) * server.regions
    seconds = (powers[restoration_point] * measured[:, None] ** np.arange(powers.shape[1])).sum(axis=1)
    return np.where(downsampled > 0, seconds * (whole / server.full_s), whole)


def whole_frame_seconds(server: ServerProfile, grid: RegionGrid) -> float:
    """Inference on a frame of any size with nothing downsampled.

    A power of the number of pixels through the two measured sizes: the full one and a quarter of its pixels.
    """
    pixels = server.frame_size[0] * server.frame_size[1]
    return float(server.full_s * (grid.height * grid.width / pixels) ** _growth(server))


def _growth(server: ServerProfile) -> float:
    """Power of the number of pixels with which whole frames take longer."""
    return float(np.log(server.full_s / server.half_s) / np.log(4))


def _pixel_ratio(codec: CodecProfile, grid: RegionGrid) -> float:
    return grid.height * grid.width / (codec.frame_size[0] * codec.frame_size[1])
