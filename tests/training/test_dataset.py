from pathlib import Path

import numpy as np
import pytest

from foveate.core import InputError, MediaError
from foveate.training import ImageSet, Mixture, load_folder

from .conftest import CLASSES, write_set


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


def test_a_file_without_a_shared_category_is_refused(street: Path) -> None:
    with pytest.raises(InputError, match="no category is one of zebra; got car, person, tree"):
        load_folder(street, ("zebra",))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_folder(tmp_path / "nowhere", CLASSES)


def test_a_truncated_annotation_file_is_refused(street: Path) -> None:
    path = street / "annotations.json"
    path.write_text(path.read_text()[:-10])
    with pytest.raises(MediaError, match="not a readable annotation file"):
        load_folder(street, CLASSES)


def test_a_truncated_picture_is_refused(street: Path, street_set: ImageSet) -> None:
    path = street_set.images[0].path
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(MediaError, match="not a whole JPEG"):
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


def test_a_mixture_needs_one_positive_weight_per_set(street_set: ImageSet) -> None:
    with pytest.raises(InputError, match="one positive weight per set"):
        Mixture(sets=(street_set,), weights=(0.0,))
