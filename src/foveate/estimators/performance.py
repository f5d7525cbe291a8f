"""Expected size, accuracy and end-to-end latency of configurations (ViTMAlis, section IV-D, equations 1 to 3)."""

import numpy as np
from numpy.typing import NDArray

from foveate.core import (
    Candidates,
    CodecProfile,
    Estimate,
    Estimates,
    FrameContent,
    InputError,
    LinkState,
    Profile,
    RegionGrid,
    ServerProfile,
)
from foveate.estimators.regression import Regressor

Numbers = NDArray[np.float64]
LEAST_BPS = 1e3
"""A throughput below this is taken as this: the sizes are still compared when the link is gone."""


class PerformanceEstimator:
    """Reads a profile. Raises `InputError` if it says nothing about content."""

    def __init__(self, profile: Profile) -> None:
        if profile.content is None:
            raise InputError(f"profile {profile.name} says nothing about content: see `foveate profile content`")
        self._profile = profile
        self._size, self._accuracy = Regressor(profile.content.size), Regressor(profile.content.accuracy)

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
        latency = upload + link.rtt_s + computing_s(self._profile, candidates, grid=grid)
        return Estimates(latency_s=latency, accuracy=np.clip(self._accuracy(columns), 0, 1), size_bytes=size)


def features(candidates: Candidates, *, grid: RegionGrid, content: FrameContent) -> dict[str, Numbers]:
    """The inputs of equations 1 and 3 by name, each `(n,)`. N_d as a share, so that frames of any size compare."""
    n = len(candidates)
    return {
        "downsampling_type": candidates.downsampling_type.astype(np.float64),
        "downsampled_share": candidates.downsampled_regions / len(grid),
        "downsampled_motion": candidates.downsampled_motion,
        "frame_motion": np.full(n, content.frame_motion),
        "jpeg_quality": candidates.jpeg_quality.astype(np.float64),
        "restoration_point": candidates.restoration_point.astype(np.float64),
        "relevance_mean": np.full(n, content.relevance_mean),
        "relevance_spread": np.full(n, content.relevance_spread),
    }


SIZE_FEATURES = ("downsampling_type", "downsampled_share", "downsampled_motion", "frame_motion", "jpeg_quality")
"""Of equation 1."""
ACCURACY_FEATURES = (*SIZE_FEATURES, "restoration_point", "relevance_mean", "relevance_spread")
"""Of equation 3."""


def computing_s(profile: Profile, candidates: Candidates, *, grid: RegionGrid) -> Numbers:
    """Encoding, mean decoding and inference of each candidate, scaled to the frame's number of regions."""
    codec, server = profile.codec, profile.server
    share = candidates.downsampled_regions / len(grid)
    encode = encode_seconds(codec, share * codec.regions, candidates.jpeg_quality) * len(grid) / codec.regions
    decode = float(np.mean(codec.decode_s)) * len(grid) / codec.regions
    return (
        encode
        + decode
        + inference_seconds(server, share * server.regions, candidates.restoration_point) * (len(grid) / server.regions)
    )


def encode_seconds(codec: CodecProfile, downsampled: Numbers, quality: NDArray[np.int64]) -> Numbers:
    """T_enc(N_d, lambda) of the measured frame size, linear between the points of the table."""
    table = np.array(codec.encode_s)
    rows = np.stack([np.interp(downsampled, codec.downsampled, row) for row in table])
    at = np.interp(quality, codec.qualities, np.arange(len(table)))
    below = np.minimum(at.astype(np.int64), max(len(table) - 2, 0))
    above = np.minimum(below + 1, len(table) - 1)
    column = np.arange(len(quality))
    return np.asarray(rows[below, column] + (at - below) * (rows[above, column] - rows[below, column]))


def inference_seconds(server: ServerProfile, downsampled: Numbers, restoration_point: NDArray[np.int64]) -> Numbers:
    """LM_beta(N_d) of the measured frame size; a frame with nothing downsampled takes `full_s`."""
    seconds = np.full(len(downsampled), server.full_s)
    for beta, model in server.inference.items():
        here = (restoration_point == beta) & (downsampled > 0)
        powers = [c * downsampled[here] ** k for k, c in enumerate(model.coefficients)]
        seconds[here] = np.sum(powers, axis=0)
    return seconds
