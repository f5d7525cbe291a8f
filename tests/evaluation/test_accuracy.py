import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveate.codec import encode_jpeg, read_image, write_image
from foveate.core import InputError, MediaError, Slicing
from foveate.evaluation.accuracy import AccuracySettings, measure_accuracy
from foveate.evaluation.labelled import Labelled, open_labelled
from foveate.testing import FakeDetector, moving_squares, write_clip

pytest.importorskip("faster_coco_eval")

FRAMES = 6
LYING_ON_ITS_SIDE = bytes.fromhex("ffe10022 457869660000 4d4d002a00000008 0001 0112 0003 00000001 00060000 00000000")
"""EXIF of a JPEG that has to be turned clockwise: orientation 6."""


def annotate(path: Path, *, clip: bool, categories: tuple[str, ...] = ("car", "person"), **extra: Any) -> Path:
    """A COCO file of `moving_squares`, of single pictures or of a clip."""
    detector, images, annotations = FakeDetector(), [], []
    for number, pixels in enumerate(moving_squares(FRAMES)):
        height, width = pixels.shape[:2]
        entry: dict[str, Any] = {"id": number, "file_name": f"{number}.png", "height": height, "width": width}
        images.append(entry | ({"frame": number} if clip else {}))
        found = detector.detect_batch([pixels])[0]
        for (x1, y1, x2, y2), k in zip(found.boxes.tolist(), found.class_id.tolist(), strict=True):
            category = categories.index(found.class_names[k]) + 1
            box = {"image_id": number, "category_id": category, "bbox": [x1, y1, x2 - x1, y2 - y1]}
            annotations.append(box | extra)
    listed = [{"id": i, "name": name} for i, name in enumerate(categories, 1)]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": listed}))
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, pixels in enumerate(moving_squares(FRAMES)):
        write_image(folder / f"{number}.png", pixels)
    return folder


def measured(labelled: Labelled, settings: AccuracySettings | None = None) -> dict[str, Any]:
    settings = settings or AccuracySettings()
    done: list[int] = []
    report = measure_accuracy(FakeDetector(), labelled, settings, done.append)  # type: ignore[arg-type]
    assert done == list(range(1, len(labelled.images) + 1))
    return report


def test_a_perfect_detector_scores_one_on_pictures(tmp_path: Path, pictures: Path) -> None:
    report = measured(open_labelled(annotate(tmp_path / "a.json", clip=False), pictures))
    assert (report["ap"], report["ap50"], report["f1"]) == pytest.approx((1, 1, 1))
    assert {name: entry["n"] for name, entry in report["classes"].items()} == {"person": FRAMES, "car": FRAMES}
    assert (report["images"], report["threshold"], report["model"]) == (FRAMES, 0.5, "fake")
    assert list(report["sizes"]) == ["small"]


def test_a_frame_that_is_listed_twice_is_shown_twice(tmp_path: Path) -> None:
    """As in files that were put together from those of several people."""
    clip = write_clip(tmp_path / "clip.mp4", frames=FRAMES)
    content = json.loads(annotate(tmp_path / "a.json", clip=True).read_text())
    content["images"].append(content["images"][2] | {"id": 100})
    (tmp_path / "a.json").write_text(json.dumps(content))
    labelled = open_labelled(tmp_path / "a.json", clip)
    assert len(list(labelled.pixels())) == len(labelled.images) == FRAMES + 1


def test_categories_of_one_name_do_not_confuse_the_report(tmp_path: Path, pictures: Path) -> None:
    content = json.loads(annotate(tmp_path / "a.json", clip=False).read_text())
    content["categories"].append({"id": 0, "name": "car"})
    (tmp_path / "a.json").write_text(json.dumps(content))
    report = measured(open_labelled(tmp_path / "a.json", pictures))
    assert (report["ap50"], report["f1"]) == pytest.approx((1, 1))


def test_frames_of_a_clip_are_measured_one_in_n(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=FRAMES)
    labelled = open_labelled(annotate(tmp_path / "clip.json", clip=True), clip, every=2)
    assert [image.frame for image in labelled.images] == [0, 2, 4]
    assert measured(labelled)["ap50"] == pytest.approx(1)


def test_a_clip_that_ends_before_its_annotations_is_refused(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=3)
    labelled = open_labelled(annotate(tmp_path / "clip.json", clip=True), clip)
    with pytest.raises(MediaError, match="ends before frame 3"):
        measured(labelled)


def test_classes_without_objects_are_named_and_do_not_count(tmp_path: Path, pictures: Path) -> None:
    path = annotate(tmp_path / "a.json", clip=False, categories=("tree", "person", "car"))
    content = json.loads(path.read_text())
    content["annotations"] = [a for a in content["annotations"] if a["category_id"] != 3]
    content["annotations"].append({"image_id": 0, "category_id": 1, "bbox": [0, 0, 9, 9]})
    path.write_text(json.dumps(content))
    report = measured(open_labelled(path, pictures))
    assert report["missing_classes"] == ["car"]
    assert report["unknown_classes"] == {"tree": 1}
    assert list(report["classes"]) == ["person"]
    assert report["ap50"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("crowd", "f1", "ignored"), [("car", 1, FRAMES), ("person", 2 / 3, FRAMES), ("tree", 2 / 3, 0)]
)
def test_a_crowd_hides_false_alarms_of_its_own_class(
    tmp_path: Path, pictures: Path, crowd: str, f1: float, ignored: int
) -> None:
    categories = ("tree", "person", "car")
    path = annotate(tmp_path / "a.json", clip=False, categories=categories)
    content = json.loads(path.read_text())
    for car in (a for a in content["annotations"] if categories[a["category_id"] - 1] == "car"):
        car |= {"iscrowd": 1, "category_id": 1 + categories.index(crowd)}
    path.write_text(json.dumps(content))
    report = measured(open_labelled(path, pictures))
    assert (report["f1"], report["ignored_boxes"]) == (pytest.approx(f1), ignored)


def test_hardly_visible_objects_are_ignored_where_the_set_tells(tmp_path: Path, pictures: Path) -> None:
    hidden = measured(open_labelled(annotate(tmp_path / "a.json", clip=False, visible=0.1), pictures))
    assert (hidden["classes"], hidden["ignored_boxes"]) == ({}, 2 * FRAMES)
    shown = measured(open_labelled(annotate(tmp_path / "b.json", clip=False, visible=0.9), pictures))
    assert shown["ignored_boxes"] == 0


def test_boxes_that_people_made_have_figures_of_their_own(tmp_path: Path, pictures: Path) -> None:
    path = annotate(tmp_path / "a.json", clip=False, source="pseudo")
    content = json.loads(path.read_text())
    content["annotations"][0]["source"] = "human"
    path.write_text(json.dumps(content))
    human = measured(open_labelled(path, pictures))["human"]
    assert (human["images"], human["ignored_boxes"]) == (1, 1)
    assert sum(entry["n"] for entry in human["classes"].values()) == 1


def test_missing_pictures_are_counted_and_none_at_all_is_refused(tmp_path: Path, pictures: Path) -> None:
    path = annotate(tmp_path / "a.json", clip=False)
    (pictures / "0.png").unlink()
    report = measured(open_labelled(path, pictures))
    assert (report["images"], report["missing_images"]) == (FRAMES - 1, 1)
    with pytest.raises(InputError, match="none of the 6 annotated pictures is there"):
        open_labelled(path, tmp_path)


def test_slices_and_enlarged_pictures_find_the_same_objects(tmp_path: Path, pictures: Path) -> None:
    labelled = open_labelled(annotate(tmp_path / "a.json", clip=False), pictures, every=3)
    sliced = AccuracySettings(slicing=Slicing(side=88, overlap=0.5, merge_iou=0.5))
    for settings in (sliced, AccuracySettings(long_side=400)):
        assert measured(labelled, settings)["ap50"] == pytest.approx(1)


def test_a_set_of_other_classes_is_refused(tmp_path: Path, pictures: Path) -> None:
    path = annotate(tmp_path / "a.json", clip=False)
    path.write_text(path.read_text().replace('"car"', '"tree"').replace('"person"', '"dog"'))
    with pytest.raises(InputError, match="one of the model's classes"):
        measured(open_labelled(path, pictures))


def test_boxes_lie_in_the_pixels_of_the_original_picture(tmp_path: Path, pictures: Path) -> None:
    seen: list[tuple[int, ...]] = []

    class Watching(FakeDetector):
        def detect_batch(self, frames: Any, *rest: Any, **options: Any) -> Any:
            seen.extend(np.asarray(frame).shape for frame in frames)
            return super().detect_batch(frames, *rest, **options)

    labelled = open_labelled(annotate(tmp_path / "a.json", clip=False), pictures, every=6)
    measure_accuracy(Watching(), labelled, AccuracySettings(long_side=384), lambda _: None)  # type: ignore[arg-type]
    assert seen == [(256, 384, 3)]


def resized(path: Path, height: int, width: int) -> Path:
    """The annotation file, with another size of its pictures."""
    content = json.loads(path.read_text())
    for image in content["images"]:
        image |= {"height": height, "width": width}
    path.write_text(json.dumps(content))
    return path


def test_boxes_for_pictures_of_another_size_are_refused(tmp_path: Path, pictures: Path) -> None:
    path = resized(annotate(tmp_path / "a.json", clip=False), 256, 384)
    with pytest.raises(MediaError, match=r"0\.png: its boxes are for a picture of 256 x 384, got one of 128 x 192"):
        measured(open_labelled(path, pictures))
    assert measured(open_labelled(resized(path, 0, 0), pictures))["ap50"] == pytest.approx(1)


def test_boxes_for_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=FRAMES)
    path = resized(annotate(tmp_path / "clip.json", clip=True), 256, 384)
    with pytest.raises(MediaError, match=r"clip\.json: its boxes are for frames of 256 x 384, those of .* 128 x 192"):
        open_labelled(path, clip)
    assert measured(open_labelled(resized(path, 0, 0), clip))["ap50"] == pytest.approx(1)


@pytest.mark.parametrize("upright", [True, False], ids=["boxes on the upright picture", "boxes on the stored picture"])
def test_a_picture_is_turned_upright_unless_its_boxes_are_for_what_is_stored(
    tmp_path: Path, pictures: Path, upright: bool
) -> None:
    """As cameras write it: lying on its side, with a tag that tells."""
    path = annotate(tmp_path / "a.json", clip=False)
    path.write_text(path.read_text().replace(".png", ".jpg"))
    for picture in pictures.glob("*.png"):
        pixels = read_image(picture)
        data = encode_jpeg(np.rot90(pixels).copy() if upright else pixels, quality=95)
        picture.with_suffix(".jpg").write_bytes(data[:2] + LYING_ON_ITS_SIDE + data[2:])
    assert measured(open_labelled(path, pictures))["ap50"] == pytest.approx(1)


def test_boxes_of_other_clips_in_the_same_file_count_as_missing(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=FRAMES)
    path = annotate(tmp_path / "all.json", clip=True)
    content = json.loads(path.read_text())
    for image in content["images"]:
        image["file_name"] = "clip.mp4" if image["id"] % 2 else "other.mp4"
    path.write_text(json.dumps(content))
    labelled = open_labelled(path, clip)
    assert ([image.frame for image in labelled.images], labelled.missing_images) == ([1, 3, 5], 3)
    assert measured(labelled)["ap50"] == pytest.approx(1)
    with pytest.raises(MediaError, match=r"for 2 clips, clip\.mp4 first; none is third\.mp4"):
        open_labelled(path, clip.rename(tmp_path / "third.mp4"))
