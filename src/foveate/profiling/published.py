"""The machines of the ViTMAlis paper, from what it publishes about them and never from its results.

Section I: ViTDet-L on an RTX 5090 takes 39 ms for a 360p frame and 281 ms for a 1080p frame; figure 10:
30 ms for encoding and decoding a full frame; figure 11: 10, 9 and 2 ms for motion, estimates and choice.
"""

import numpy as np

from foveate.core import CodecProfile, DeviceProfile, InferenceModel, Profile, Provenance, RegionGrid, ServerProfile
from foveate.models import BackboneConfig, backbone_flops
from foveate.profiling.masks import mask_with, steps
from foveate.profiling.server import fit_latency, lines_beside

VITDET_L = BackboneConfig(dim=1024, depth=24, heads=16)
"""Shape of the paper's model."""
SECONDS_360P, SECONDS_1080P = 0.039, 0.281
"""Inference of whole frames."""
QUALITIES = (70, 75, 80, 85, 90, 95, 100)
FULL_HD = RegionGrid(height=1080, width=1920)


def paper_profile(*, full_s: float = SECONDS_1080P, name: str = "paper-jetson-rtx5090") -> Profile:
    """Device Jetson Orin Nano, server RTX 5090. `full_s` scales inference to another figure for 1080p."""
    return Profile(
        name=name,
        provenance=Provenance(
            origin="published",
            machine="NVIDIA Jetson Orin Nano and GeForce RTX 5090, as the ViTMAlis paper describes them",
            date="2026-11-21",
            model="ViTDet-L",
            sources=(
                "inference of whole frames, 39 ms at 360p and 281 ms at 1080p: section I",
                "codec 30 ms in sum for a full frame: section VI-C, figure 10",
                "motion 10 ms, estimates 9 ms, choice 2 ms: section VI-C, figure 11",
            ),
            assumed=(
                "inference between and below these sizes follows the floating-point operations of ViTDet-L",
                "two thirds of the codec time are encoding; both follow the number of pixels; cutting takes 4 ms",
                "encoding takes 20 % less at quality 70 and 10 % more at 100 than at 95",
                "tracking 4 ms a frame and 0.1 ms an object",
                "6 processor cores, of which 4 are free for the device's work",
            ),
        ),
        codec=_codec(),
        server=_server(full_s),
        device=DeviceProfile(cores=4, motion_s=0.010, tracker_frame_s=0.004, tracker_object_s=0.0001, decide_s=0.011),
    )


def _inference_s(grid: RegionGrid, downsampled: int = 0, beta: int = 0) -> float:
    """A constant and a time per operation through the two published points."""
    small = backbone_flops(VITDET_L, RegionGrid(height=360, width=640))
    large = backbone_flops(VITDET_L, FULL_HD)
    per_operation = (SECONDS_1080P - SECONDS_360P) / (large - small)
    constant = SECONDS_360P - per_operation * small
    masks = [mask_with(grid, downsampled, seed=seed) for seed in range(5 if downsampled else 1)]
    operations = np.mean([backbone_flops(VITDET_L, grid, mask, beta) for mask in masks])
    return float(constant + per_operation * operations)


def _server(full_s: float) -> ServerProfile:
    scale = full_s / SECONDS_1080P
    counts = np.array([n for n in steps(len(FULL_HD), 8) if n > 0], float)
    seconds = {
        beta: scale * np.array([_inference_s(FULL_HD, int(n), beta) for n in counts])
        for beta in range(VITDET_L.subsets + 2)
    }
    late = fit_latency(counts, seconds.pop(VITDET_L.subsets + 1))
    inference: dict[int, InferenceModel] = {beta: fit_latency(counts, times) for beta, times in seconds.items()}
    return ServerProfile(
        frame_size=(FULL_HD.height, FULL_HD.width),
        regions=len(FULL_HD),
        full_s=scale * _inference_s(FULL_HD),
        half_s=scale * _inference_s(RegionGrid(height=540, width=960)),
        inference=inference,
        lines=lines_beside(inference, counts, seconds),
        late=late,
    )


def _codec() -> CodecProfile:
    downsampled = steps(len(FULL_HD), 8)
    share = [1 - 0.75 * n / len(FULL_HD) for n in downsampled]
    by_quality = np.interp(QUALITIES, (70, 95, 100), (0.8, 1.0, 1.1))
    cutting = [0.004 if n else 0.0 for n in downsampled]
    return CodecProfile(
        frame_size=(FULL_HD.height, FULL_HD.width),
        regions=len(FULL_HD),
        qualities=QUALITIES,
        downsampled=downsampled,
        encode_s=tuple(
            tuple(float(0.020 * factor * part + extra) for part, extra in zip(share, cutting, strict=True))
            for factor in by_quality
        ),
        decode_s=tuple(0.010 * part for part in share),
    )
