import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from foveate.core import Detections, InputError, MediaError
from foveate.metrics import read_coco
from foveate.training import ImageSet, Mixture, evaluate, load_folder
from foveate.world.coco import CATEGORIES
from foveate.world.files import appearing

from .conftest import CLASSES, write_set

LYING_ON_ITS_SIDE = bytes.fromhex("ffe10022 457869660000 4d4d002a00000008 0001 0112 0003 00000001 00060000 00000000")
"""EXIF of a JPEG that has to be turned clockwise: orientation 6."""


def one_picture(folder: Path, change: Callable[[dict], object]) -> ImageSet:
    """A set of one picture of 120 x 160 whose annotation file is changed."""
    return load_folder(write_set(folder, pictures=1, change=lambda content: change(content) and None), CLASSES)


class Finding:
    """Finds the same objects in every picture."""

    def __init__(self, boxes: np.ndarray, labels: np.ndarray) -> None:
        self.boxes, self.labels = boxes, labels

    def detect(self, pixels: np.ndarray, *, score_threshold: float) -> Detections:
        scores = np.ones(len(self.boxes), np.float32)
        return Detections(boxes=self.boxes, scores=scores, class_id=self.labels.astype(np.int32), class_names=CLASSES)


def test_categories_are_mapped_by_name(street_set: ImageSet) -> None:
    for image in street_set.images:
        pixels = image.read().pixels
        for (x1, y1, x2, y2), label in zip(image.boxes.astype(int), image.labels, strict=True):
            reddish = pixels[(y1 + y2) // 2, (x1 + x2) // 2, 0] > 200
            assert reddish == (label == 0)


def test_missing_classes_and_files_are_reported(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", pictures=3)
    (folder / "images" / "1.jpg").unlink()
    images = load_folder(folder, (*CLASSES, "bus"))
    assert (len(images), images.missing_files, images.missing_classes) == (2, 1, ("bus",))


def test_crowds_and_hidden_objects_are_ignore_regions(tmp_path: Path) -> None:
    def change(content: dict) -> None:
        content["annotations"][0]["iscrowd"] = 1
        content["annotations"][1]["visible"] = 0.1

    image = load_folder(write_set(tmp_path / "set", pictures=1, change=change), CLASSES).images[0]
    assert image.ignored.tolist() == [True, True, False]
    assert image.hidden.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("mark", "ap"), [({"iscrowd": 1}, 0.67), ({"visible": 0.1}, 1), ({"iscrowd": 1, "visible": 0}, 1)]
)
def test_a_crowd_hides_false_alarms_of_its_class_and_a_hidden_object_those_of_every_class(
    tmp_path: Path, mark: dict, ap: float
) -> None:
    def change(content: dict) -> None:
        for annotation, category in zip(content["annotations"], (3, 7, 7), strict=True):
            annotation["category_id"] = category
        content["annotations"][0] |= mark

    images = one_picture(tmp_path / "set", change)
    found = Finding(images.images[0].boxes, np.array([1, 1, 1]))
    figures = evaluate(found, images)  # type: ignore[arg-type]
    assert figures["ap"] == figures["human"]["ap"] == pytest.approx(ap, abs=0.01)


def test_a_file_without_a_shared_category_is_refused(street: Path) -> None:
    with pytest.raises(InputError, match="no category is one of zebra; got car, person, tree"):
        load_folder(street, ("zebra",))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_folder(tmp_path / "nowhere", CLASSES)


def test_a_truncated_annotation_file_is_refused(street: Path) -> None:
    path = street / "annotations.json"
    path.write_text(path.read_text()[:-10])
    with pytest.raises(MediaError, match="is not a COCO annotation file"):
        load_folder(street, CLASSES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["annotations"][1].pop("bbox"), r"field `bbox` - at `\$.annotations\[1\]`"),
        (lambda c: c["annotations"][1].update(bbox=None), r"got `null` - at `\$.annotations\[1\].bbox`"),
        (lambda c: c["annotations"][1].update(bbox=[1, 2]), r"length 4 - at `\$.annotations\[1\].bbox`"),
        (lambda c: c["annotations"][1].update(bbox=["x", 2, 3, 4]), "Expected `float`, got `str`"),
        (lambda c: c["annotations"][1].update(bbox=[0, 0, 1e300, 4]), "annotation 1 must lie within 16777216 pixels"),
        (lambda c: c["annotations"][1].update(bbox=[float("nan")] * 4), "malformed"),
        (lambda c: c["annotations"][1].pop("category_id"), "missing required field `category_id`"),
        (lambda c: c["annotations"][1].update(category_id=99), "annotation 1 is of category 99, which is not listed"),
        (lambda c: c["annotations"][1].update(category_id="x"), "annotation 1 is of category 'x', which is not"),
        (lambda c: c["annotations"][1].update(image_id=99), "annotation 1 is of image 99, which is not listed"),
        (lambda c: c["annotations"].append(3), "Expected `object`, got `int`"),
        (lambda c: c["images"][0].pop("file_name"), "missing required field `file_name`"),
        (lambda c: c["images"].append(c["images"][0]), "ids of images must differ"),
        (lambda c: c["categories"].append(c["categories"][0]), "ids of categories must differ"),
        (lambda c: c["categories"][0].pop("name"), "missing required field `name`"),
        (lambda c: c.pop("categories"), "missing required field `categories`"),
    ],
)
def test_what_is_wrong_in_an_annotation_file_is_named(
    tmp_path: Path, change: Callable[[dict], object], message: str
) -> None:
    with pytest.raises(MediaError, match=message) as caught:
        one_picture(tmp_path / "set", change)
    assert str(tmp_path / "set" / "annotations.json") in str(caught.value)


def test_files_of_other_tools_are_read(tmp_path: Path) -> None:
    def change(content: dict) -> None:
        content["images"][0] |= {"id": "a", "group": None, "date_captured": ""}
        for annotation in content["annotations"]:
            annotation |= {"image_id": "a", "iscrowd": False, "visible": None, "segmentation": {"counts": "x"}}

    folder = write_set(tmp_path / "set", pictures=1, change=change)
    path = folder / "annotations.json"
    path.write_text("\ufeff" + path.read_text(), encoding="utf-8")
    [image] = load_folder(folder, CLASSES).images
    assert (image.group, image.ignored.tolist()) == ("0.jpg", [False, False, False])


@pytest.mark.parametrize(
    ("images", "annotations", "categories"),
    [
        ({"id": 0.0}, {"image_id": 0, "category_id": 1.0}, {}),
        ({"id": "7"}, {"image_id": 7, "category_id": "1", "bbox": ["10", 10.0, 30, 30]}, {"id": "1"}),
        ({"height": 120.0, "width": "160"}, {"iscrowd": "0", "visible": "1.0"}, {}),
        ({"height": None, "width": None}, {"iscrowd": None, "visible": True, "source": 3}, {"id": 1.0}),
        ({"height": 0, "width": 0}, {"iscrowd": False, "category_id": "name"}, {"id": "name"}),
    ],
    ids=["numbers with a point", "numbers as text", "fields as text", "nulls", "no size"],
)
def test_training_reads_the_dialects_that_scoring_reads(
    tmp_path: Path, images: dict, annotations: dict, categories: dict
) -> None:
    def change(content: dict) -> None:
        content["annotations"] = [{"image_id": 0, "category_id": 1, "bbox": [10, 10, 30, 30]} | annotations]
        content["categories"] = [{"id": 1, "name": "car"} | categories]
        content["images"][0] |= images

    [image] = one_picture(tmp_path / "set", change).images
    [scored] = read_coco(tmp_path / "set" / "annotations.json")
    assert image.boxes.tolist() == scored.truth.detections.boxes.tolist() == [[10, 10, 40, 40]]
    assert image.ignored.tolist() == [False]
    assert (image.size or (0, 0)) == scored.size
    assert image.read().labels.tolist() == [CLASSES.index("car")]


def test_crowds_as_text_are_ignore_regions(tmp_path: Path) -> None:
    image = one_picture(tmp_path / "set", lambda content: content["annotations"][1].update(iscrowd="1")).images[0]
    assert image.ignored.tolist() == [False, True, False]


def test_boxes_without_an_area_are_dropped(tmp_path: Path) -> None:
    def change(content: dict) -> None:
        content["annotations"][0]["bbox"] = [5, 5, 0, 10]
        content["annotations"][1]["bbox"] = [50, 50, 20, 0]

    assert len(one_picture(tmp_path / "set", change).images[0].boxes) == 1


def test_boxes_with_negative_sides_are_those_that_were_drawn(tmp_path: Path) -> None:
    def change(content: dict) -> None:
        content["annotations"][1]["bbox"] = [50, 60, -20, -30]

    assert one_picture(tmp_path / "set", change).images[0].boxes[1].tolist() == [30, 30, 50, 60]


@pytest.mark.parametrize("text", [b'{"categories": "b\xe4um"}', b"[" * 100_000], ids=["latin-1", "nested"])
def test_what_is_no_annotation_file_is_one_clear_line(street: Path, text: bytes) -> None:
    (street / "annotations.json").write_bytes(text)
    with pytest.raises(MediaError, match="is not a COCO annotation file"):
        load_folder(street, CLASSES)


@pytest.mark.parametrize("told", [True, False], ids=["size told", "size not told"])
def test_boxes_beyond_the_picture_are_clipped_and_those_outside_dropped(tmp_path: Path, told: bool) -> None:
    def change(content: dict) -> None:
        content["images"][0] |= {"height": 120, "width": 160} if told else {}
        boxes = [[-500, 50, 100, 20], [-30, 50, 100, 100], [160, 0, 9, 9]]
        for annotation, box in zip(content["annotations"], boxes, strict=True):
            annotation["bbox"] = box

    images = one_picture(tmp_path / "set", change)
    sample = images.images[0].read()
    assert sample.boxes.tolist() == [[0, 50, 70, 120]]
    assert len(sample.labels) == len(sample.ignored) == 1
    assert len(images.images[0].boxes) == (1 if told else 3)
    figures = evaluate(Finding(sample.boxes, sample.labels), images)  # type: ignore[arg-type]
    assert figures["ap"] == figures["human"]["ap"] == pytest.approx(1)


def test_a_set_without_a_box_is_read_and_drawn(tmp_path: Path) -> None:
    images = one_picture(tmp_path / "set", lambda content: content["annotations"].clear())
    assert images.images[0].boxes.shape == (0, 4)
    assert Mixture(sets=(images,), weights=(1.0,)).draw(np.random.default_rng(0)) is images.images[0]


def test_boxes_for_another_size_of_the_picture_are_refused(tmp_path: Path) -> None:
    images = one_picture(tmp_path / "set", lambda content: content["images"][0].update(height=240, width=320))
    with pytest.raises(MediaError, match=r"0.jpg: its boxes are for a picture of 240 x 320, got one of 120 x 160"):
        images.images[0].read()


@pytest.mark.parametrize("turned", [True, False], ids=["boxes on the upright picture", "boxes on the stored picture"])
def test_a_picture_is_turned_upright_unless_its_boxes_are_for_what_is_stored(tmp_path: Path, turned: bool) -> None:
    size = (160, 120) if turned else (120, 160)
    images = one_picture(tmp_path / "set", lambda c: c["images"][0].update(height=size[0], width=size[1]))
    path = images.images[0].path
    stored = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    path.write_bytes(path.read_bytes()[:2] + LYING_ON_ITS_SIDE + path.read_bytes()[2:])
    wanted: Any = np.rot90(stored, -1) if turned else stored
    assert np.array_equal(images.images[0].read().pixels, wanted)


@pytest.mark.parametrize("kind", ["colour", "grey", "transparent", "deep"])
def test_pictures_of_other_kinds_become_rgb(tmp_path: Path, kind: str) -> None:
    grey = np.full((120, 160), 128, np.uint8)
    colour = np.dstack([grey, grey, grey + 1])
    ways = {"colour": colour, "grey": grey, "transparent": np.dstack([colour, grey]), "deep": colour * np.uint16(257)}
    path = tmp_path / "set" / "images" / "0.png"
    folder = write_set(tmp_path / "set", pictures=1, change=lambda c: c["images"][0].update(file_name=path.name))
    cv2.imwrite(str(path), ways[kind])
    image = load_folder(folder, CLASSES).images[0]
    assert image.read().pixels[0, 0].tolist() == ([128] * 3 if kind == "grey" else [129, 128, 128])
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(MediaError, match=r"0.png is not a readable image"):
        image.read()


def test_a_truncated_picture_is_refused(street: Path, street_set: ImageSet) -> None:
    path = street_set.images[0].path
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(MediaError, match="not a whole JPEG"):
        street_set.images[0].read()
    path.unlink()
    with pytest.raises(MediaError, match="No such file"):
        street_set.images[0].read()


def test_the_split_keeps_groups_whole_and_is_fixed(street_set: ImageSet) -> None:
    train, held = street_set.split(0.25)
    assert (len(train), len(held)) == (3, 1)
    assert not {i.group for i in train.images} & {i.group for i in held.images}
    assert [i.path for i in street_set.split(0.25)[1].images] == [i.path for i in held.images]


def test_a_mixture_draws_sets_by_weight(street_set: ImageSet, tmp_path: Path) -> None:
    other = load_folder(write_set(tmp_path / "other", pictures=1), CLASSES)
    mixture = Mixture(sets=(street_set, other), weights=(1.0, 3.0))
    rng = np.random.default_rng(0)
    drawn = [mixture.draw(rng).path for _ in range(800)]
    assert np.mean([path == other.images[0].path for path in drawn]) == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("weights", [(0.0,), (float("nan"),), (float("inf"),), (1.0, 1.0), ()])
def test_a_mixture_needs_one_positive_weight_per_set(street_set: ImageSet, weights: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="one positive weight per set"):
        Mixture(sets=(street_set,), weights=weights)


def test_a_part_with_a_category_that_is_not_rendered_is_refused(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", pictures=1)
    content = json.loads((folder / "annotations.json").read_text())
    (folder / "annotations.json").unlink()
    (folder / "parts").mkdir()
    (folder / "parts" / "0.json").write_text(
        json.dumps(
            {"images": content["images"], "annotations": [{"image_id": 0, "category_id": 99, "bbox": [0, 0, 9, 9]}]}
        )
    )
    with pytest.raises(MediaError, match=r"0\.json .* annotation 0 is of category 99, which is not listed"):
        load_folder(folder, CLASSES)


def test_a_part_in_the_writing_is_not_read(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", pictures=2)
    content = json.loads((folder / "annotations.json").read_text())
    (folder / "annotations.json").unlink()
    car = next(category["id"] for category in content["categories"] if category["name"] == "car")
    boxes = [box | {"category_id": CATEGORIES["car"]} for box in content["annotations"] if box["category_id"] == car]
    text = json.dumps({"images": content["images"], "annotations": boxes})
    (folder / "parts").mkdir()
    (folder / "parts" / "000000.json").write_text(text)
    with appearing(folder / "parts" / "000001.json") as draft:
        draft.write_text(text[:-9])
        assert len(load_folder(folder, CLASSES)) == 2
        draft.write_text(text.replace(".jpg", ".png"))
