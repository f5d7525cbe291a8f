"""Draws the segments of a clip, one after another, on one stage."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from foveate.world.coco import annotation
from foveate.world.exposure import Exposure
from foveate.world.files import appearing
from foveate.world.renderer import Frame, Moment, Renderer, Stage
from foveate.world.scenarios import build
from foveate.world.segments import ClipOrder, Folder
from foveate.world.sensor import develop, meter
from foveate.world.textures import Picture
from foveate.world.truth import observe
from foveate.world.video import write_h264


class Reel:
    """The renderer of one clip. What a frame shows depends on its number alone."""

    def __init__(self, order: ClipOrder, folder: Folder) -> None:
        self._order, self._folder = order, folder
        self._shot = build(order.scenario, seed=order.seed, unseen=order.unseen)
        self._stage = Stage(size=order.size)
        self._renderer = Renderer(self._shot.scene, self._stage)
        self._exposure = Exposure(self._metered, fps=order.fps)

    def close(self) -> None:
        """Frees the stage."""
        self._stage.close()

    def shoot(self, segment: int, numbers: range, drawn: Callable[[], None]) -> None:
        """Leaves one segment, of the frames `numbers`, in the folder; calls `drawn` after each frame."""
        order, truth = self._order, list[list[dict[str, Any]]]()
        with appearing(self._folder.video(segment)) as draft:
            pictures = self._pictures(numbers, truth, drawn)
            write_h264(draft, pictures, size=order.size, fps=order.fps, crf=order.crf)
        self._folder.finish(segment, truth)

    def _pictures(
        self, numbers: range, truth: list[list[dict[str, Any]]], drawn: Callable[[], None]
    ) -> Iterator[Picture]:
        sensor, names = self._shot.sensor, self._shot.scene.categories
        for number in numbers:
            moment, frame = self._draw(number)
            seen = observe(moment, frame, partial(self._renderer.alone, moment))
            truth.append([annotation(s, image_id=number + 1, category=names[s.track_id]) for s in seen])
            if self._exposure.is_key(number):
                self._exposure.note(number, meter(frame.picture, sensor))
            rng = np.random.default_rng([self._order.seed, 9, number])
            yield develop(frame.picture, sensor, rng, exposure=self._exposure.at(number))
            drawn()

    def _draw(self, number: int) -> tuple[Moment, Frame]:
        time = number / self._order.fps
        moment = self._renderer.moment(self._shot.path.at(time, size=self._order.size), time)
        return moment, self._renderer.frame(moment)

    def _metered(self, number: int) -> float:
        return meter(self._draw(number)[1].picture, self._shot.sensor)
