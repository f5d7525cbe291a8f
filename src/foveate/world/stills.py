"""A detection data set of rendered stills: many streets, a few widely different views of each."""

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from foveate.world.coco import VERSION, annotation, document
from foveate.world.errors import OrderError, RendererError
from foveate.world.files import appearing, write_text
from foveate.world.renderer import Renderer, Stage
from foveate.world.scenarios import build, builder
from foveate.world.segments import GREATEST_SIDE, LEAST_SIDE
from foveate.world.sensor import develop, meter
from foveate.world.shoot import Shoot
from foveate.world.splits import scene_seed
from foveate.world.textures import Picture
from foveate.world.truth import observe

Progress = Callable[[int, int], None]
"""Called with the number of images done and the number wanted."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What one set of stills shall be. Raises `OrderError` where a number makes no sense."""

    scenarios: tuple[str, ...]
    """Scenes take them in turn."""
    count: int
    sizes: tuple[tuple[int, int], ...]
    """`(height, width)`; scenes take them in turn."""
    seed: int
    frames_per_scene: int
    out: Path
    quality: int
    """JPEG quality, 1..100."""
    unseen: bool = False
    """Of the object families and textures that no training picture shows."""

    def __post_init__(self) -> None:
        if self.count < 1 or self.frames_per_scene < 1 or not 1 <= self.quality <= 100 or self.seed < 0:
            raise OrderError(
                f"stills need a count of 1 or more (got {self.count}), frames_per_scene of 1 or more (got "
                f"{self.frames_per_scene}), quality in 1..100 (got {self.quality}), a seed from 0 (got {self.seed})"
            )
        if not self.scenarios or not self.sizes:
            raise OrderError(f"stills need a scenario and a size, got {self.scenarios} and {self.sizes}")
        for height, width in self.sizes:
            if not all(LEAST_SIDE <= side <= GREATEST_SIDE for side in (height, width)):
                raise OrderError(
                    f"a still needs a height and width of {LEAST_SIDE} to {GREATEST_SIDE} pixels, got {height}x{width}"
                )

    def describe(self) -> dict[str, Any]:
        """What must be the same for parts to belong to one set; the count may grow."""
        unseen = {"unseen": True} if self.unseen else {}
        return {
            "world_version": VERSION,
            "scenario": self.scenarios[0] if len(self.scenarios) == 1 else list(self.scenarios),
            **unseen,
            "seed": self.seed,
            "frames_per_scene": self.frames_per_scene,
            "sizes": [list(size) for size in self.sizes],
            "quality": self.quality,
        }

    def frames(self, scene: int) -> range:
        """Numbers of the images of a scene."""
        first = scene * self.frames_per_scene
        return range(first, min(first + self.frames_per_scene, self.count))

    @property
    def scenes(self) -> int:
        """How many scenes the set needs."""
        return -(-self.count // self.frames_per_scene)

    def part(self, scene: int) -> Path:
        """Where the truth of one finished scene lies."""
        return self.out / "parts" / f"{scene:06d}.json"

    def scene(self, scene: int) -> tuple[str, int, tuple[int, int]]:
        """Scenario, seed and picture size of a scene."""
        # Scenarios and sizes in turn, so that each scenario comes in each size whatever their numbers are.
        turn, place = divmod(scene, len(self.scenarios))
        size = self.sizes[(turn if len(self.scenarios) > 1 else scene) % len(self.sizes)]
        return self.scenarios[place], scene_seed(self.seed, scene), size


def render_stills(
    scenario: str | Sequence[str],
    *,
    count: int,
    size: tuple[int, int] | list[tuple[int, int]],
    seed: int,
    frames_per_scene: int = 6,
    out: Path,
    quality: int = 92,
    progress: Progress | None = None,
    processes: int = 2,
    unseen: bool = False,
) -> Path:
    """Renders `count` stills to `out/images` with COCO truth in `out/annotations.json`, and returns that file.

    `scenario` may be several that scenes take in turn; `size` is `(height, width)`, or several of them. A scene whose
    part lies in `out/parts` is not rendered again, so a run that was cut short goes on where it stopped. `unseen`: of
    object families and textures that no training picture shows. Raises `OrderError` on bad numbers, on an unknown
    scenario and when `out` holds another set, rendered or not, `RendererError` without a renderer, `WorldError`
    when the disk is full.
    """
    sizes = (size,) if isinstance(size, tuple) else tuple(size)
    order = Order(
        scenarios=(scenario,) if isinstance(scenario, str) else tuple(scenario),
        count=count,
        sizes=sizes,
        seed=seed,
        frames_per_scene=frames_per_scene,
        out=Path(out),
        quality=quality,
        unseen=unseen,
    )
    _claim(order)
    pending = [scene for scene in range(order.scenes) if not _is_done(order, scene)]
    done = count - sum(len(order.frames(scene)) for scene in pending)
    for scene in _run(order, pending, processes):
        done += len(order.frames(scene))
        if progress is not None:
            progress(done, count)
    return _gather(order)


def _claim(order: Order) -> None:
    for scenario in order.scenarios:
        builder(scenario)
    mark = order.out / "order.json"
    if not mark.exists() and (foreign := order.out / "annotations.json").exists():
        raise OrderError(f"{foreign} is no truth of rendered stills, and would be replaced by one: name another place")
    wanted = json.dumps(order.describe(), sort_keys=True) + "\n"
    found = mark.read_text(encoding="utf-8") if mark.exists() else wanted
    if found != wanted:
        raise OrderError(f"{order.out} holds another set of stills: {found.strip()}; wanted {wanted.strip()}")
    write_text(mark, wanted)


def _is_done(order: Order, scene: int) -> bool:
    part = order.part(scene)
    return part.exists() and len(json.loads(part.read_text(encoding="utf-8"))["images"]) == len(order.frames(scene))


def _run(order: Order, pending: list[int], processes: int) -> Iterator[int]:
    workers = min(processes, len(pending))
    if workers <= 1:
        yield from _Studio(order).shoot_all(pending)
        return
    with _hired(order, workers) as pool:
        try:
            for done in as_completed([pool.submit(_shoot, scene) for scene in pending]):
                yield done.result()
        except BrokenProcessPool as error:
            raise RendererError(
                "a rendering process ended early (out of memory?); the same command goes on where it stopped"
            ) from error


@contextmanager
def _hired(order: Order, workers: int) -> Iterator[Executor]:
    """Processes that render scenes; what is waiting is dropped when the block ends early."""
    # A forked child cannot use its parent's graphics context: start afresh.
    context = multiprocessing.get_context("spawn")
    for name in ("LP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        # One thread in each process: the scenes are the parallel work. Libraries read these when they are loaded.
        os.environ.setdefault(name, "1")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_open_studio, initargs=(order,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


_studios: list["_Studio"] = []


def _open_studio(order: Order) -> None:
    # Ctrl-C is the parent's: it lets the scenes in hand come to their end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _studios.append(_Studio(order))


def _end_with_parent() -> None:
    """A parent that was killed cannot tell: nobody is left to render for."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _shoot(scene: int) -> int:
    return _studios[0].shoot(scene)


class _Studio:
    """Renders scenes one after another on stages that stay open."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._stages: dict[tuple[int, int], Stage] = {}

    def shoot_all(self, scenes: Sequence[int]) -> Iterator[int]:
        for scene in scenes:
            yield self.shoot(scene)

    def shoot(self, scene: int) -> int:
        """Renders one scene's stills and leaves its part; returns the scene's number."""
        order = self._order
        scenario, seed, size = order.scene(scene)
        if size not in self._stages:
            # Smoothing edges costs as much as all the rest; here the sensor's blur must do.
            self._stages[size] = Stage(size=size, samples=0)
        stage = self._stages[size]
        shoot = build(scenario, seed=seed, unseen=order.unseen)
        renderer = Renderer(shoot.scene, stage)
        images, annotations = [], []
        for number in order.frames(scene):
            picture, found = _still(shoot, renderer, size=size, seed=seed, number=number)
            name = f"{number:06d}.jpg"
            _write_jpeg(order.out / "images" / name, picture, order.quality)
            images.append(
                {
                    "id": number + 1,
                    "file_name": name,
                    "height": size[0],
                    "width": size[1],
                    "group": f"scene {seed}",
                    "scenario": scenario,
                }
            )
            annotations += found
        write_text(order.part(scene), json.dumps({"images": images, "annotations": annotations}))
        return scene


def _still(
    shoot: Shoot, renderer: Renderer, *, size: tuple[int, int], seed: int, number: int
) -> tuple[Picture, list[dict[str, Any]]]:
    rng = np.random.default_rng([seed, 8, number])
    time = float(rng.uniform(0, 600))
    moment = renderer.moment(shoot.still(rng, size, time), time)
    frame = renderer.frame(moment)
    sensor = shoot.draw_sensor(rng)
    seen = observe(moment, frame, lambda groups: renderer.alone(moment, groups))
    picture = develop(frame.picture, sensor, rng, exposure=meter(frame.picture, sensor))
    names = shoot.scene.categories
    return picture, [annotation(s, image_id=number + 1, category=names[s.track_id]) for s in seen]


def _write_jpeg(path: Path, picture: Picture, quality: int) -> None:
    _, encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    with appearing(path) as draft:
        draft.write_bytes(encoded.tobytes())


def _gather(order: Order) -> Path:
    parts = [json.loads(order.part(scene).read_text(encoding="utf-8")) for scene in range(order.scenes)]
    path = order.out / "annotations.json"
    text = document(
        info=order.describe(),
        images=[image for part in parts for image in part["images"]],
        annotations=[entry for part in parts for entry in part["annotations"]],
    )
    write_text(path, text)
    return path
