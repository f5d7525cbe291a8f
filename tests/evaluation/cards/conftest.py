import json
from pathlib import Path
from typing import Any

import pytest

from foveate.codec import write_image
from foveate.testing import FakeDetector, moving_squares, write_clip


def annotate(path: Path, frames: int, **of_image: list[Any]) -> Path:
    """A COCO file of `moving_squares`, its boxes those of `FakeDetector`; `of_image`: a field's value by picture."""
    detector, images, annotations = FakeDetector(), [], []
    for number, pixels in enumerate(moving_squares(frames)):
        height, width = pixels.shape[:2]
        more = {name: values[number] for name, values in of_image.items()}
        images.append({"id": number, "file_name": f"{number}.png", "height": height, "width": width} | more)
        found = detector.detect_batch([pixels])[0]
        annotations += [
            {"image_id": number, "category_id": int(k) + 1, "bbox": [x1, y1, x2 - x1, y2 - y1], "source": "human"}
            for (x1, y1, x2, y2), k in zip(found.boxes.tolist(), found.class_id.tolist(), strict=True)
        ]
    names = [{"id": i, "name": name} for i, name in enumerate(detector.class_names, 1)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": names}))
    return path


def pictures(folder: Path, frames: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(moving_squares(frames)):
        write_image(folder / f"{number}.png", pixels)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like that of the real data, with four pictures, and an empty home."""
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    annotate(tmp_path / "data" / "detection" / "val.json", 4)
    pictures(tmp_path / "data" / "detection" / "images", 4)
    return tmp_path / "data"


@pytest.fixture
def stills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The set `val-mixed` of a home, of two scenarios."""
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / "world" / "val-mixed"
    annotate(folder / "annotations.json", 6, scenario=["walk-sunny", "drive-night"] * 3)
    pictures(folder / "images", 6)
    return folder


@pytest.fixture
def rainy(data: Path) -> Path:
    """The clip `walk-rain-eval` of six frames, in the home of `data`."""
    clip = data.parent / "home" / "world" / "walk-rain-eval" / "walk-rain-eval-4s.mp4"
    clip.parent.mkdir(parents=True)
    write_clip(clip, frames=6)
    annotate(clip.with_suffix(".json"), 6, frame=list(range(6)))
    return clip
