"""Labelled pictures, or the labelled frames of a clip, one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from foveate.codec import VideoReader, is_video, read_image
from foveate.core import Detections, InputError, MediaError, Pixels, class_places
from foveate.evaluation.clip_frames import frames_of
from foveate.metrics import EVERY_CLASS, AnnotatedImage, Truth, read_coco, with_ignore_rules


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A COCO file with its pictures. Raises `InputError` if none of them is there."""

    images: tuple[AnnotatedImage, ...]
    """Those that are there, truth by the rules of what is ignored."""
    place: Path
    """Folder of the pictures, or the clip."""
    missing_images: int = 0
    """Pictures that the file lists and that are not there; with a clip, those that are no frames of it."""

    def __post_init__(self) -> None:
        if not self.images:
            raise InputError(f"{self.place}: none of the {self.missing_images} annotated pictures is there")

    @property
    def class_names(self) -> tuple[str, ...]:
        """Categories of the annotation file."""
        return self.images[0].truth.detections.class_names

    def pixels(self) -> Iterator[Pixels]:
        """The pictures, in the order of `images`, as their boxes lie on them.

        Raises `MediaError` for one that cannot be read or has another size than its boxes are for.
        """
        if is_video(self.place):
            yield from self._frames()
        else:
            yield from (read_image(self.place / image.file_name, _told(image.size)) for image in self.images)

    def _frames(self) -> Iterator[Pixels]:
        wanted = iter([image.frame for image in self.images])
        due = next(wanted)
        with VideoReader(self.place) as video:
            for position, pixels in enumerate(video):
                while position == due:  # a frame may be listed twice
                    yield pixels
                    due = next(wanted, None)
                if due is None:
                    return
        raise MediaError(f"{self.place} ends before frame {due}, which is annotated")


def open_labelled(annotations: Path, place: Path, *, every: int = 1) -> Labelled:
    """Every `every`-th picture of a COCO file; `place` is the folder of its pictures, or the clip that it describes.

    Where the file says how much of objects is visible, hardly visible and very low ones are ignored (see
    `with_ignore_rules`). Raises `MediaError` for a file that cannot be read and for boxes on frames of another size
    than the clip's or of other clips alone, `InputError` if no picture is there.
    """
    if every < 1:
        raise InputError(f"every must be at least 1, got {every}")
    images = read_coco(annotations)
    if is_video(place):
        there = _in_clip(images, annotations, place)
    else:
        there = [image for image in images if (place / image.file_name).is_file()]
    chosen = there[::every]
    if any(image.truth.visible is not None for image in images):
        chosen = [replace(image, truth=with_ignore_rules(image.truth, frame_height=image.size[0])) for image in chosen]
    return Labelled(images=tuple(chosen), place=place, missing_images=len(images) - len(there))


def _in_clip(images: list[AnnotatedImage], annotations: Path, clip: Path) -> list[AnnotatedImage]:
    """Those with a position in the clip, by position."""
    with VideoReader(clip) as video:
        return [image for _, image in frames_of(images, annotations=annotations, clip=clip, size=video.size)]


def _told(size: tuple[int, int]) -> tuple[int, int] | None:
    """None where a side of 0 stands for a size that nobody told."""
    return size if all(size) else None


def only_classes(truth: Truth, class_names: tuple[str, ...]) -> Truth:
    """Objects and ignored boxes of some classes, numbered as in `class_names`; those of others are left out."""
    objects = truth.detections
    kept = truth.select(objects.class_id_in(class_names) >= 0)
    named = Detections(
        boxes=kept.detections.boxes,
        scores=kept.detections.scores,
        class_id=kept.detections.class_id_in(class_names),
        class_names=class_names,
    )
    places = class_places(objects.class_names, class_names)
    ignore_class = np.append(places, EVERY_CLASS)[truth.ignore_class]
    known = (ignore_class >= 0) | (truth.ignore_class == EVERY_CLASS)
    return replace(kept, detections=named, ignore=truth.ignore[known], ignore_class=ignore_class[known])
