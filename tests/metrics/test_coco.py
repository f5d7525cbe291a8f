"""Annotation files and what is ignored in them."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from foveate.core import Detections, InputError, MediaError
from foveate.metrics import (
    EVERY_CLASS,
    AnnotatedImage,
    Truth,
    only_by_people,
    read_coco,
    with_ignore_rules,
    write_coco,
)
from foveate.metrics.truth import least_height

CLIPS = Path("/work/shared/data/videos")


def objects(boxes, classes, names=("person", "car"), scores=None):
    scores = np.linspace(0.1, 0.9, len(boxes)) if scores is None else scores
    return Detections(boxes=np.array(boxes), scores=scores, class_id=np.array(classes), class_names=names)


def test_a_box_that_was_dragged_to_the_left_or_upwards_is_the_same_box(tmp_path):
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 60, "width": 80}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [40, 30, -30, -20]}],
        "categories": [{"id": 1, "name": "person"}],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    (image,) = read_coco(tmp_path / "a.json")
    assert image.truth.detections.boxes.tolist() == [[10, 10, 40, 30]]


def test_what_is_written_is_read_back(tmp_path):
    images = [
        AnnotatedImage(
            file_name="clip.mp4",
            size=(1080, 1920),
            frame=7,
            truth=Truth(
                detections=objects([[0.1, 2.3, 44.7, 91.3], [5, 5, 9, 9]], [1, 0]),
                ignore=np.array([[1, 1, 30, 30], [2, 2, 9, 9]]),
                ignore_class=np.array([EVERY_CLASS, 1]),
                track_ids=np.array([4, 9]),
                visible=np.array([1, 0.2]),
            ),
        ),
        AnnotatedImage(file_name="b.jpg", size=(4, 6), truth=Truth(detections=objects([[0, 0, 1, 1]], [0]))),
        AnnotatedImage(file_name="c.jpg", size=(4, 6), truth=Truth(detections=objects([], []))),
    ]
    write_coco(tmp_path / "a.json", images)
    for back, image in zip(read_coco(tmp_path / "a.json"), images, strict=True):
        assert (back.file_name, back.size, back.frame) == (image.file_name, image.size, image.frame)
        assert back.truth.detections == image.truth.detections
        for name in ("ignore", "ignore_class", "track_ids", "visible"):
            assert np.array_equal(getattr(back.truth, name), getattr(image.truth, name))


def test_written_files_have_categories_from_one_and_scores(tmp_path):
    truth = Truth(detections=objects([[1, 2, 4, 8]], [1], scores=np.array([0.25])))
    write_coco(tmp_path / "a.json", [AnnotatedImage(file_name="x.png", size=(9, 9), truth=truth)])
    content = json.loads((tmp_path / "a.json").read_text())
    assert content["categories"] == [{"id": 1, "name": "person"}, {"id": 2, "name": "car"}]
    assert content["annotations"] == [
        {"id": 1, "image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 6], "area": 18, "iscrowd": 0, "score": 0.25}
    ]


def test_categories_are_sorted_by_id_and_crowds_are_ignored(tmp_path):
    content = {
        "info": {},
        "images": [{"id": 5, "height": 10, "width": 20, "file_name": "x"}],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 9, "bbox": [1, 2, 3, 4], "segmentation": []},
            {"id": 2, "image_id": 5, "category_id": 3, "bbox": [0, 0, 5, 5], "iscrowd": 1},
        ],
        "categories": [{"id": 9, "name": "car"}, {"id": 3, "name": "person"}],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    (image,) = read_coco(tmp_path / "a.json")
    assert image.truth.detections == objects([[1, 2, 4, 6]], [1], scores=[1])
    assert image.truth.ignore.tolist() == [[0, 0, 5, 5]]
    assert image.truth.ignore_class.tolist() == [0]
    assert image.truth.track_ids is image.truth.visible is None


def test_crowds_that_tell_what_is_visible_are_hidden_objects_and_ignored_for_every_class(tmp_path):
    content = {
        "images": [IMAGE],
        "annotations": [annotation(iscrowd=1, visible=0.1), annotation(iscrowd=1)],
        "categories": [PERSON],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    assert read_coco(tmp_path / "a.json")[0].truth.ignore_class.tolist() == [EVERY_CLASS, 0]


def test_an_object_without_visible_beside_others_is_wholly_visible(tmp_path):
    content = {
        "images": [IMAGE],
        "annotations": [annotation(visible=0.1), annotation()],
        "categories": [PERSON],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    assert read_coco(tmp_path / "a.json")[0].truth.visible.tolist() == [np.float32(0.1), 1]


IMAGE = {"id": 1, "height": 10, "width": 20}
PERSON = {"id": 1, "name": "person"}


def annotation(**changes):
    return {"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]} | changes


DIALECTS = {
    "numbers with a point": {
        "images": [{"id": 1.0, "height": 10.0, "width": 20.0}],
        "annotations": [annotation(image_id=1.0, category_id=1.0)],
        "categories": [{"id": 1.0, "name": "person"}],
    },
    "numbers as text": {"images": [{"id": "1", "height": 10, "width": 20}], "annotations": [annotation(image_id="1")]},
    "names as ids": {
        "images": [IMAGE | {"id": "a"}],
        "annotations": [annotation(image_id="a", category_id="p")],
        "categories": [{"id": "p", "name": "person"}],
    },
    "truth values": {"annotations": [annotation(iscrowd=False, visible=True), annotation(iscrowd=True)]},
    "nulls": {"annotations": [annotation(iscrowd=None, score=None, track_id=None, visible=None)]},
    "a source of its own": {"annotations": [annotation(source=3, attributes={"occluded": False}, segmentation=[])]},
}


@pytest.mark.parametrize("name", DIALECTS)
def test_files_of_other_tools_are_understood(tmp_path, name):
    content = {"images": [IMAGE], "annotations": [], "categories": [PERSON]} | DIALECTS[name]
    (tmp_path / "a.json").write_text(json.dumps(content))
    (image,) = read_coco(tmp_path / "a.json")
    assert image.size == (10, 20)
    assert image.truth.detections == objects([[0, 0, 1, 1]], [0], names=("person",), scores=[1])
    assert len(image.truth.ignore) == (name == "truth values")


@pytest.mark.parametrize("size", [{}, {"height": None, "width": None}, {"height": 0, "width": 0}])
def test_a_size_that_nobody_told_is_0(tmp_path, size):
    content = {"images": [{"id": 1} | size], "annotations": [annotation()], "categories": [PERSON]}
    (tmp_path / "a.json").write_text(json.dumps(content))
    (image,) = read_coco(tmp_path / "a.json")
    assert image.size == (0, 0)
    assert len(image.truth.detections) == 1


def test_a_byte_order_mark_is_skipped(tmp_path):
    content = json.dumps({"images": [IMAGE], "annotations": [annotation()], "categories": [PERSON]})
    (tmp_path / "a.json").write_text(content, encoding="utf-8-sig")
    assert len(read_coco(tmp_path / "a.json")[0].truth.detections) == 1


def test_categories_of_one_name_are_one_class(tmp_path):
    """Roboflow lists a parent category 0, often under the name of the only class."""
    content = {
        "images": [IMAGE],
        "annotations": [annotation(category_id=1), annotation(category_id=2), annotation(category_id=0)],
        "categories": [{"id": 0, "name": "car"}, {"id": 1, "name": "car"}, PERSON | {"id": 2}],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    found = read_coco(tmp_path / "a.json")[0].truth.detections
    assert found.class_names == ("car", "person")
    assert found.class_id.tolist() == [0, 1, 0]


BAD = {
    "no json": "{",
    "list": "[]",
    "no images": json.dumps({"annotations": [], "categories": []}),
    "three numbers": {"annotations": [annotation(bbox=[1, 2, 3])]},
    "unknown image": {"annotations": [annotation(image_id=2)]},
    "unknown category": {"annotations": [annotation(category_id=2)]},
    "twice": {"images": [IMAGE, IMAGE]},
    "no number": {"annotations": [annotation(image_id="x")]},
    "no track": {"annotations": [annotation(track_id=2**63)]},
    "endless box": {"annotations": [annotation(bbox=[0, 0, 1e300, 1])]},
    "distant box": {"annotations": [annotation(bbox=[-2e7, 0, 1, 1], iscrowd=1)]},
    "box of no number": {"annotations": [annotation(bbox=["nan", 0, 1, 1])]},
    "deep": '{"x": ' + "[" * 20_000,
}


@pytest.mark.parametrize("name", BAD)
def test_malformed_files_are_media_errors_in_one_line(tmp_path, name):
    content = BAD[name]
    if isinstance(content, dict):
        content = json.dumps({"images": [IMAGE], "annotations": [], "categories": [PERSON]} | content)
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(MediaError, match=r"a.json is not a COCO annotation file: .") as caught:
        read_coco(tmp_path / "a.json")
    assert "\n" not in str(caught.value)


def test_text_that_is_no_utf8_is_a_media_error(tmp_path):
    content = json.dumps({"images": [IMAGE], "annotations": [], "categories": [PERSON]}).encode()
    (tmp_path / "a.json").write_bytes(content.replace(b"person", b"per\xffson"))
    with pytest.raises(MediaError, match=r"a.json is not a COCO annotation file"):
        read_coco(tmp_path / "a.json")


def test_missing_files_and_folders_are_media_errors(tmp_path):
    with pytest.raises(MediaError, match="No such file"):
        read_coco(tmp_path / "a.json")
    with pytest.raises(MediaError, match="No such file"):
        write_coco(tmp_path / "none" / "a.json", [])


def test_images_of_one_file_share_their_classes(tmp_path):
    images = [
        AnnotatedImage(file_name="x", size=(1, 1), truth=Truth(detections=Detections.empty(names)))
        for names in (("a",), ("b",))
    ]
    with pytest.raises(InputError, match="share their class names"):
        write_coco(tmp_path / "a.json", images)


def test_hardly_visible_and_small_objects_are_ignored():
    truth = Truth(
        detections=objects([[0, 0, 9, 16], [0, 0, 9, 15], [0, 0, 9, 90], [0, 0, 9, 90]], [0, 0, 1, 1]),
        ignore=np.array([[7, 7, 8, 8]]),
        ignore_class=np.array([1]),
        track_ids=np.arange(4),
        visible=np.array([1, 1, 0.24, 0.25]),
    )
    kept = with_ignore_rules(truth, frame_height=1080)
    assert kept.track_ids.tolist() == [0, 3]
    assert np.array_equal(kept.visible, np.array([1, 0.25], np.float32))
    assert kept.ignore.tolist() == [[7, 7, 8, 8], [0, 0, 9, 15], [0, 0, 9, 90]]
    assert kept.ignore_class.tolist() == [1, EVERY_CLASS, EVERY_CLASS]


def test_the_least_height_follows_the_frame():
    assert [least_height(height) for height in (540, 1080, 2160)] == [8, 16, 24]


def test_truth_names_lengths_that_disagree():
    with pytest.raises(InputError, match="track_ids of 1 objects"):
        Truth(detections=objects([[0, 0, 1, 1]], [0]), track_ids=np.arange(2))


def test_no_objects_may_be_selected_by_an_empty_list():
    known = {"track_ids": np.arange(1), "visible": np.ones(1), "by_people": np.ones(1, np.bool_)}
    selected = Truth(detections=objects([[0, 0, 1, 1]], [0]), **known).select([])
    assert len(selected.detections) == len(selected.track_ids) == len(selected.visible) == len(selected.by_people) == 0


@pytest.mark.parametrize("classes", [[0], [0, 2], [0, -2]])
def test_truth_names_classes_of_ignored_boxes_that_cannot_be(classes):
    with pytest.raises(InputError, match="ignore_class must be 2 numbers from -1 to 1"):
        Truth(detections=objects([], []), ignore=np.zeros((2, 4)), ignore_class=np.array(classes))


@pytest.mark.skipif(not CLIPS.is_dir(), reason="real clips are not part of the repository")
def test_pseudo_boxes_of_a_real_clip_are_read():
    images = read_coco(CLIPS / "market-1080p.pseudo.json")
    assert [image.frame for image in images] == list(range(45))
    assert images[0].truth.detections.boxes[0].tolist() == [555, 432, 699, 726]


def test_boxes_that_no_person_made_can_be_ignored(tmp_path):
    annotations = [
        {"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "source": "human"},
        {"image_id": 1, "category_id": 1, "bbox": [20, 0, 9, 9], "source": "pseudo"},
    ]
    content = {
        "images": [{"id": 1, "height": 50, "width": 50}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    truth = read_coco(tmp_path / "a.json")[0].truth
    assert truth.by_people.tolist() == [True, False]
    kept = only_by_people(truth)
    assert kept.detections.boxes.tolist() == [[0, 0, 9, 9]]
    assert kept.ignore.tolist() == [[20, 0, 29, 9]]
    assert only_by_people(kept).detections == kept.detections


def test_a_disk_that_refuses_leaves_the_file_before_and_nothing_else(tmp_path, monkeypatch):
    image = AnnotatedImage(
        file_name="a.jpg", size=(10, 10), truth=Truth(detections=Detections.empty(("person",))), frame=None
    )
    write_coco(tmp_path / "boxes.json", [image])
    before = (tmp_path / "boxes.json").read_bytes()

    def full(path, data):
        with path.open("wb") as file:
            file.write(data[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(MediaError, match=r"cannot write annotations .*boxes\.json: No space left on device"):
        write_coco(tmp_path / "boxes.json", [image, image])
    assert [path.name for path in tmp_path.iterdir()] == ["boxes.json"]
    assert (tmp_path / "boxes.json").read_bytes() == before
