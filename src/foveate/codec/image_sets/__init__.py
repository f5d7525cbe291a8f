"""Labelled pictures in the files that they are published in."""

from pathlib import Path

from foveate.codec.image_sets.cifar100 import HOW_TO_GET, read_cifar100
from foveate.codec.image_sets.tiny_imagenet import CLASSES, read_tiny_imagenet
from foveate.core import LabelledImages

__all__ = ["HOW_TO_GET", "read_cifar100", "read_images", "read_tiny_imagenet"]


def read_images(path: Path, part: str) -> LabelledImages:
    """`part` ("train" or "test") of the set that `path` holds: a folder of Tiny-ImageNet-100, or CIFAR-100.

    The test part of Tiny-ImageNet-100 is its labelled `val`. Raises `MediaError`.
    """
    if (path / CLASSES).is_file():
        return read_tiny_imagenet(path, "val" if part == "test" else part)
    return read_cifar100(path, part)
