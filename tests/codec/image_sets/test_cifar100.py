import io
import pickle
import tarfile
from contextlib import suppress

import numpy as np
import pytest

from foveate.codec.image_sets import read_cifar100, read_images
from foveate.core import InputError, MediaError

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), np.uint8)
FINE, COARSE = [0, 2, 1, 2], [0, 1, 0, 1]
FINE_NAMES, COARSE_NAMES = ["apple", "bear", "cup"], ["fruit", "other"]


def binary_files():
    records = [
        bytes([coarse, fine]) + image.tobytes() for fine, coarse, image in zip(FINE, COARSE, PIXELS, strict=True)
    ]
    return {
        "train.bin": b"".join(records),
        "fine_label_names.txt": "\n".join(FINE_NAMES).encode() + b"\n",
        "coarse_label_names.txt": "\n".join(COARSE_NAMES).encode() + b"\n",
    }


def python_files():
    """As Python 2 wrote them: protocol 2, text as bytes."""
    content = {"data": PIXELS.reshape(4, -1), "fine_labels": FINE, "coarse_labels": COARSE, "batch_label": "training"}
    meta = {"fine_label_names": FINE_NAMES, "coarse_label_names": COARSE_NAMES}
    return {"train": pickle.dumps(content, protocol=2), "meta": pickle.dumps(meta, protocol=2)}


def folder(path, files):
    path.mkdir()
    for name, data in files.items():
        (path / name).write_bytes(data)
    return path


def archive(path, inside, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{inside}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture(params=["binary folder", "binary archive", "python folder", "python archive"])
def path(request, tmp_path):
    version, kind = request.param.split()
    files = binary_files() if version == "binary" else python_files()
    if kind == "folder":
        return folder(tmp_path / "cifar", files)
    return archive(tmp_path / f"cifar-100-{version}.tar.gz", f"cifar-100-{version}", files)


def test_both_versions_packed_and_unpacked_hold_the_same(path):
    images = read_cifar100(path, "train", check=False)
    assert np.array_equal(images.pixels, PIXELS.transpose(0, 2, 3, 1))
    assert images.labels.tolist() == FINE
    assert images.class_names == tuple(FINE_NAMES)
    assert images.superclass_names == tuple(COARSE_NAMES)
    assert images.superclass_of == (0, 0, 1)


def test_a_file_with_another_checksum_is_refused_with_a_way_to_get_it(path):
    with pytest.raises(MediaError, match=r"is damaged: MD5 .* is required.*cs.toronto.edu"):
        read_images(path, "train")


def test_data_that_are_not_there_come_with_a_way_to_get_them(tmp_path):
    with pytest.raises(MediaError, match=r"does not exist.*cifar-100-binary.tar.gz or cifar-100-python.tar.gz"):
        read_images(tmp_path / "cifar-100-python.tar.gz", "train")


def test_a_pickle_that_calls_anything_else_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("called",))

    files = python_files() | {"train": pickle.dumps({"data": Evil()}, protocol=2)}
    with pytest.raises(MediaError, match="does not belong there"):
        read_cifar100(folder(tmp_path / "cifar", files), "train", check=False)


def test_a_pickle_of_something_else_is_refused(tmp_path):
    files = python_files() | {"train": pickle.dumps([1, 2])}
    with pytest.raises(MediaError, match="dictionary is required, got list"):
        read_cifar100(folder(tmp_path / "cifar", files), "train", check=False)


@pytest.mark.parametrize("length", [0, 3073])
def test_a_binary_file_of_broken_records_is_refused(tmp_path, length):
    files = binary_files() | {"train.bin": b"\0" * length}
    with pytest.raises(MediaError, match="records of 3074 bytes"):
        read_cifar100(folder(tmp_path / "cifar", files), "train", check=False)


def test_an_archive_without_the_part_says_so(tmp_path):
    path = archive(tmp_path / "cifar-100-binary.tar.gz", "cifar-100-binary", {})
    with pytest.raises(MediaError, match=r"train\.bin cannot be read"):
        read_cifar100(path, "train", check=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fine_labels": FINE[:3]}, "got 4 pictures, 3 classes and 4 superclasses"),
        ({"coarse_labels": [0, 1, 0, 7]}, "one of 2 superclasses, got .* up to 7"),
        ({"fine_labels": [0, 2, 1, 300]}, "not those of CIFAR-100"),
    ],
)
def test_labels_that_do_not_fit_their_pictures_are_refused(tmp_path, changes, message):
    content = pickle.loads(python_files()["train"]) | changes
    files = python_files() | {"train": pickle.dumps(content, protocol=2)}
    with pytest.raises(MediaError, match=message):
        read_cifar100(folder(tmp_path / "cifar", files), "train", check=False)


@pytest.mark.parametrize("version", ["binary", "python"])
def test_a_damaged_archive_is_refused_whatever_its_checksum(tmp_path, version):
    files = binary_files() if version == "binary" else python_files()
    path = archive(tmp_path / f"cifar-100-{version}.tar.gz", f"cifar-100-{version}", files)
    content, rng = path.read_bytes(), np.random.default_rng(0)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(MediaError, match=r"cannot be read from it"):
        read_cifar100(path, "train", check=False)
    for _ in range(40):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[rng.integers(len(content), size=5)] ^= 0x5A
        path.write_bytes(damaged.tobytes())
        with suppress(InputError):
            read_cifar100(path, "train", check=False)


def test_names_that_are_no_text_are_refused(tmp_path):
    files = binary_files() | {"fine_label_names.txt": b"\xff\xfe"}
    with pytest.raises(MediaError, match="names of classes are no text"):
        read_cifar100(folder(tmp_path / "cifar", files), "train", check=False)
