import json
import sys

import cv2
import numpy as np
import pytest

from foveate.codec.image_sets import read_images
from foveate.core import FoveateError, MediaError

CLASSES = [
    {"label": 1, "wnid": "n2", "name": "lion", "superclass": "wild"},
    {"label": 0, "wnid": "n1", "name": "tabby", "superclass": "pets"},
]


def written(folder, pictures, labels, classes=CLASSES):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    (folder / "classes.json").write_text(json.dumps(classes))
    coded = [cv2.imencode(".png", cv2.cvtColor(p, cv2.COLOR_RGB2BGR))[1].tobytes() for p in pictures]
    table = pa.table({"image": coded, "label": pa.array(labels, pa.int16())})
    for part in ("train", "val"):
        parquet.write_table(table, folder / f"{part}.parquet")
    return folder


@pytest.mark.parquet
def test_pictures_labels_and_superclasses_are_read(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    images = read_images(written(tmp_path, pictures, [1, 0, 1]), "train")
    assert np.array_equal(images.pixels, pictures)
    assert images.labels.tolist() == [1, 0, 1]
    assert images.class_names == ("tabby", "lion")
    assert [images.superclass_names[i] for i in images.superclass_of] == ["pets", "wild"]
    assert images.name == "tiny-imagenet-100/train"


@pytest.mark.parquet
def test_the_test_part_is_the_labelled_val(tmp_path):
    pictures = np.zeros((1, 64, 64, 3), np.uint8)
    assert read_images(written(tmp_path, pictures, [0]), "test").name == "tiny-imagenet-100/val"


@pytest.mark.parquet
def test_pictures_of_several_sizes_are_refused(tmp_path):
    pictures = [np.zeros((64, 64, 3), np.uint8), np.zeros((32, 32, 3), np.uint8)]
    with pytest.raises(MediaError, match="picture 1"):
        read_images(written(tmp_path, pictures, [0, 1]), "train")


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "classes.json").write_text(json.dumps(CLASSES))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FoveateError, match=r"foveate\[parquet\]"):
        read_images(tmp_path, "train")


def test_classes_of_another_form_are_refused(tmp_path):
    (tmp_path / "classes.json").write_text('{"a": 1}')
    with pytest.raises(MediaError, match="list of classes"):
        read_images(tmp_path, "train")


@pytest.mark.parametrize("labels", [(), (0, 0), (0, 5), (1, 2)])
def test_classes_that_are_not_numbered_from_0_are_refused(tmp_path, labels):
    (tmp_path / "classes.json").write_text(json.dumps([CLASSES[0] | {"label": label} for label in labels]))
    with pytest.raises(MediaError, match="must number its classes from 0 without a gap"):
        read_images(tmp_path, "train")


@pytest.mark.parquet
@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ([None], [0], "picture 0 cannot be decoded"),
        ([b""], [0], "picture 0 cannot be decoded"),
        (["text"], [0], "picture 0 cannot be decoded"),
        ([{"bytes": b"", "path": "x.png"}], [0], "picture 0 cannot be decoded"),
        ([b"", b""], [0, None], "every label must be a whole number, got int64 with 1 missing"),
        ([b""], [0.5], "every label must be a whole number, got double"),
    ],
)
def test_rows_that_are_no_labelled_pictures_are_refused(tmp_path, images, labels, message):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    (tmp_path / "classes.json").write_text(json.dumps(CLASSES))
    parquet.write_table(pa.table({"image": pa.array(images), "label": pa.array(labels)}), tmp_path / "train.parquet")
    with pytest.raises(MediaError, match=message):
        read_images(tmp_path, "train")
