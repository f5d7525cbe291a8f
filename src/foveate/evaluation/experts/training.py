"""A training as cells know it, described by values alone, and the key under which its study is kept."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from foveate.codec import PictureCoding
from foveate.core import InputError, LabelledImages
from foveate.evaluation.experts.models import complete_names, model_files
from foveate.models.weights import digest

VERSION = 1
"""Of studies; raised whenever another choice, figure or inference comes out of the same content."""
ReadPictures = Callable[[Path], tuple[LabelledImages, LabelledImages]]
"""Training folder -> pictures to choose on, pictures of the table."""


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """Models, and the pictures that they are asked about. What comes out depends on nothing else."""

    name: str
    """What tables call it."""
    path: str
    weights: dict[str, str]
    """Name of each model that takes part -> digest of its file."""
    held_out: str
    """Digest of the pictures to choose on."""
    pictures: str
    """Digest of the pictures of the table."""
    coding: str
    """How pictures are sent."""

    @property
    def key(self) -> str:
        """Of the content alone: where the training lies and what it is called does not matter."""
        content = [VERSION, self.weights, self.held_out, self.pictures, self.coding]
        return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:24]

    def check_weights(self) -> None:
        """Raises `InputError` if the models are no longer those that the training was described with."""
        if weights_of(Path(self.path)) != self.weights:
            raise InputError(f"{self.path} no longer holds the models that the cells were planned with")


def describe_training(
    folder: Path, held_out: LabelledImages, pictures: LabelledImages, coding: PictureCoding
) -> Training:
    """Of a folder and what was read for it."""
    return Training(
        name=folder.name,
        path=str(folder),
        weights=weights_of(folder),
        held_out=images_digest(held_out),
        pictures=images_digest(pictures),
        coding=str(coding),
    )


def weights_of(folder: Path) -> dict[str, str]:
    """Digests of the models that take part, by name."""
    complete = complete_names(folder)
    return {name: digest(path) for name, path in model_files(folder).items() if name in complete}


def images_digest(images: LabelledImages) -> str:
    """Of pixels, labels and names of classes."""
    found = hashlib.sha256(msgspec.json.encode([images.pixels.shape, images.class_names]))
    found.update(images.pixels.tobytes())
    found.update(images.labels.tobytes())
    return found.hexdigest()[:24]


def is_usable(folder: Path) -> bool:
    """Whether a training has what the table needs at least, every expert of both kinds included."""
    return {"generalist", "base", "static-0", "progressive-0"} <= complete_names(folder)


def missing_of(folder: Path) -> list[str]:
    """What a training that is used could have beside, in words."""
    found, complete = set(model_files(folder)), complete_names(folder)
    missing = []
    if "large" not in complete:
        missing.append(f"{folder}: no all-class model of the experts' total size (`large`)")
    if logged := sorted({log.parent.name for log in folder.glob("*/log.jsonl")} - found):
        missing.append(f"{folder}: all but the logs of {', '.join(logged)}")
    if left_out := sorted(found - complete):
        missing.append(f"{folder}: the other experts beside {', '.join(left_out)}, so these are left out")
    return missing
