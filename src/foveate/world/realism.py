"""How like a real video a rendered one is: weight as JPEG, heights of the boxes, motion between frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from foveate.world.errors import WorldError
from foveate.world.mesh import Floats
from foveate.world.renderer import Renderer, Stage
from foveate.world.scenarios import build
from foveate.world.sensor import develop, meter
from foveate.world.textures import Picture
from foveate.world.truth import Seen, observe

JPEG_KIB = (250.0, 900.0)
"""Between which sizes a 1080p frame of a real street lies at JPEG quality 95, KiB."""
HEIGHT_EDGES = (0, 8, 16, 32, 64, 128, 256, 4096)
"""Edges of the classes of box heights, pixels."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One rendered frame and what is truly in it."""

    picture: Picture
    seen: tuple[Seen, ...]
    categories: tuple[str, ...]
    """COCO name of each of `seen`."""


def shots(
    scenario: str, *, seed: int, times: Sequence[float], size: tuple[int, int], unseen: bool = False
) -> list[Shot]:
    """The frames of a clip at `times` seconds; raises what `scenarios.build` raises, and `RendererError`."""
    shoot, stage = build(scenario, seed=seed, unseen=unseen), Stage(size=size)
    try:
        renderer, taken = Renderer(shoot.scene, stage), []
        for time in times:
            moment = renderer.moment(shoot.path.at(time, size=size), time)
            frame = renderer.frame(moment)
            seen = tuple(observe(moment, frame, partial(renderer.alone, moment)))
            rng = np.random.default_rng([seed, 9, round(30 * time)])
            picture = develop(frame.picture, shoot.sensor, rng, exposure=meter(frame.picture, shoot.sensor))
            names = tuple(shoot.scene.categories[s.track_id] for s in seen)
            taken.append(Shot(picture=picture, seen=seen, categories=names))
        return taken
    finally:
        stage.close()


def jpeg_kib(picture: Picture, quality: int = 95) -> float:
    """Size of `picture`, `(H, W, 3)` RGB, as JPEG, in KiB."""
    _, encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return len(encoded) / 1024


def heights(taken: Sequence[Shot]) -> Floats:
    """Heights in pixels of all boxes that are not to be ignored."""
    return np.array([s.box[3] - s.box[1] for shot in taken for s in shot.seen if not s.ignore], np.float32)


def histogram(tall: Floats) -> Floats:
    """Share of the box heights `tall` (pixels) in each class of `HEIGHT_EDGES`; zeros where there is no box."""
    counts, _ = np.histogram(tall, np.asarray(HEIGHT_EDGES, np.float64))
    return np.asarray(counts / max(len(tall), 1), np.float64)


def median_flow(before: Picture, after: Picture) -> float:
    """Median length of the optical flow between two frames, pixels; measured by DIS on half-size grey pictures.

    Raises `WorldError` for frames of different sizes.
    """
    if before.shape != after.shape:
        raise WorldError(f"optical flow needs frames of one size, got {before.shape} and {after.shape}")
    small = [cv2.cvtColor(cv2.resize(p, None, fx=0.5, fy=0.5), cv2.COLOR_RGB2GRAY) for p in (before, after)]
    start = np.zeros((*small[0].shape, 2), np.float32)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST).calc(small[0], small[1], start)
    return float(2 * np.median(np.linalg.norm(flow, axis=-1)))
