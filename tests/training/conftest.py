import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
import torch

from foveate.models import BackboneConfig, Detector, DetectorConfig
from foveate.training import ImageSet, Sample, load_folder

CLASSES = ("person", "car")
COLOURS = ((250, 40, 40), (40, 60, 250))


def draw(rng: np.random.Generator, height: int = 120, width: int = 160, objects: int = 3) -> Sample:
    """A grey picture with filled rectangles, apart from each other, whose colours tell the classes."""
    pixels = np.full((height, width, 3), 128, np.uint8)
    step = width // objects
    boxes, labels = [], []
    for i in range(objects):
        w, h = (int(v) for v in rng.integers(20, min(step - 8, 80), 2))
        x, y = i * step + int(rng.integers(2, step - w - 2)), int(rng.integers(2, height - h - 2))
        label = int(rng.integers(2))
        cv2.rectangle(pixels, (x, y), (x + w - 1, y + h - 1), COLOURS[label], -1)
        boxes.append((x, y, x + w, y + h))
        labels.append(label)
    return Sample(
        pixels=pixels,
        boxes=np.array(boxes, np.float32),
        labels=np.array(labels, np.int64),
        ignored=np.zeros(objects, np.bool_),
    )


def tiny_detector(seed: int = 0) -> Detector:
    """The real architecture at the smallest size: a region is 96 pixels."""
    torch.manual_seed(seed)
    backbone = BackboneConfig(
        dim=32, depth=4, heads=1, window_size=3, stem="convolutional", positions="tiled", subsets=4
    )
    return Detector(DetectorConfig(backbone=backbone, class_names=CLASSES, pyramid_channels=16, head_convolutions=1))


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """A folder with four drawn pictures and their COCO file; category ids are not class numbers."""
    return write_set(tmp_path / "street", pictures=4)


def write_set(folder: Path, *, pictures: int, change: Callable[[dict], None] | None = None) -> Path:
    rng = np.random.default_rng(5)
    (folder / "images").mkdir(parents=True)
    content: dict = {
        "categories": [{"id": 7, "name": "car"}, {"id": 3, "name": "person"}, {"id": 9, "name": "tree"}],
        "images": [],
        "annotations": [],
    }
    for number in range(pictures):
        sample = draw(rng)
        file = f"{number}.jpg"
        (folder / "images" / file).write_bytes(simplejpeg.encode_jpeg(sample.pixels, 95, "RGB", "444"))
        content["images"].append({"id": number, "file_name": file, "group": f"clip{number}"})
        for (x1, y1, x2, y2), label in zip(sample.boxes.tolist(), sample.labels.tolist(), strict=True):
            entry = {"image_id": number, "category_id": (3, 7)[label], "bbox": [x1, y1, x2 - x1, y2 - y1]}
            content["annotations"].append(entry | {"iscrowd": 0, "source": "human"})
    if change:
        change(content)
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def street_set(street: Path) -> ImageSet:
    return load_folder(street, CLASSES)
