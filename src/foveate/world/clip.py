"""A rendered clip: a video seen by a walking camera, and beside it the truth of every frame."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from foveate.world.coco import annotation, document
from foveate.world.errors import WorldError
from foveate.world.files import appearing, write_text
from foveate.world.renderer import Renderer, Stage
from foveate.world.scenarios import build
from foveate.world.sensor import develop, meter
from foveate.world.shoot import Shoot
from foveate.world.stills import STILLS_SEED
from foveate.world.textures import Picture
from foveate.world.truth import Seen, observe
from foveate.world.video import write_h264

Progress = Callable[[int, int], None]
"""Called with the number of frames done and the number wanted."""
_ADAPTATION = 0.04
"""Share of the way to the metered exposure that a frame makes: automatic exposure is slow."""


@dataclass(frozen=True, kw_only=True)
class ClipOrder:
    """What a clip shall be. Raises `WorldError` where a number makes no sense."""

    seconds: float
    size: tuple[int, int]
    """`(height, width)`, both even."""
    seed: int
    fps: int
    crf: int
    """Constant rate factor of x264: 0 lossless, 18 visually lossless, 51 worst."""

    def __post_init__(self) -> None:
        height, width = self.size
        if height < 32 or width < 32 or height % 2 or width % 2:
            raise WorldError(f"a clip needs an even height and width of 32 or more, got {height}x{width}")
        if not (math.isfinite(self.seconds) and self.seconds > 0 and 1 <= self.fps <= 240 and 0 <= self.crf <= 51):
            raise WorldError(
                f"a clip needs seconds > 0, fps in 1..240 and crf in 0..51, got {self.seconds}, {self.fps}, {self.crf}"
            )
        if not 0 <= self.seed < STILLS_SEED:
            raise WorldError(
                f"the seed of a clip must be in 0..{STILLS_SEED - 1} (above lie the stills), got {self.seed}"
            )

    @property
    def frames(self) -> int:
        """How many frames that makes, at least one."""
        return max(1, round(self.seconds * self.fps))


@dataclass(kw_only=True)
class _Reel:
    """Frames in order, and what was seen in each."""

    shoot: Shoot
    order: ClipOrder
    seen: list[list[Seen]] = field(default_factory=list)

    def pictures(self, progress: Progress | None) -> Iterator[Picture]:
        stage = Stage(size=self.order.size)
        try:
            renderer, exposure = Renderer(self.shoot.scene, stage), 0.0
            for number in range(self.order.frames):
                picture, exposure = self._shoot(renderer, number, exposure)
                yield picture
                if progress is not None:
                    progress(number + 1, self.order.frames)
        finally:
            stage.close()

    def _shoot(self, renderer: Renderer, number: int, exposure: float) -> tuple[Picture, float]:
        time, sensor = number / self.order.fps, self.shoot.sensor
        moment = renderer.moment(self.shoot.path.at(time, size=self.order.size), time)
        frame = renderer.frame(moment)
        self.seen.append(observe(moment, frame, lambda groups: renderer.alone(moment, groups)))
        metered = meter(frame.picture, sensor)
        exposure = metered if exposure == 0 else exposure + _ADAPTATION * (metered - exposure)
        rng = np.random.default_rng([self.order.seed, 9, number])
        return develop(frame.picture, sensor, rng, exposure=exposure), exposure


def render_clip(
    scenario: str,
    *,
    seconds: float,
    size: tuple[int, int],
    seed: int,
    fps: int = 30,
    out: Path,
    crf: int = 18,
    progress: Progress | None = None,
) -> Path:
    """Renders `seconds` of `scenario` to the MP4 file `out` and its truth to `out` with `.json`; returns the latter.

    `size` is `(height, width)`. The truth is COCO JSON with one image for each frame (`frame`) and `track_id` and
    `visible` on each annotation; the same seed gives the same bytes. Raises `WorldError` on bad numbers, an unknown
    scenario, a path that is not an `.mp4`, or a full disk, and `RendererError` where nothing can be rendered.
    """
    order, out = ClipOrder(seconds=seconds, size=size, seed=seed, fps=fps, crf=crf), Path(out)
    if out.suffix != ".mp4":
        raise WorldError(f"a clip is an .mp4 file, got {out.name!r}")
    reel = _Reel(shoot=build(scenario, seed=seed), order=order)
    with appearing(out) as draft:
        write_h264(draft, reel.pictures(progress), size=size, fps=fps, crf=crf)
        # The truth first: a video that has its name always has its truth.
        write_text(out.with_suffix(".json"), _truth(scenario, reel, out.name))
    return out.with_suffix(".json")


def _truth(scenario: str, reel: _Reel, name: str) -> str:
    order, categories = reel.order, reel.shoot.scene.categories
    images: list[dict[str, Any]] = [
        {"id": k + 1, "file_name": name, "frame": k, "height": order.size[0], "width": order.size[1]}
        for k in range(len(reel.seen))
    ]
    annotations = [
        annotation(seen, image_id=k + 1, category=categories[seen.track_id])
        for k, frame in enumerate(reel.seen)
        for seen in frame
    ]
    info = {"scenario": scenario, "seed": order.seed, "fps": order.fps, "frames": order.frames}
    return document(info=info, images=images, annotations=annotations)
