import json
import zipfile
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from typer.testing import CliRunner

from foveate.cli.train import app
from foveate.cli.training_sets import mixture_of, sources_of
from foveate.core import InputError, MediaError
from foveate.training import ImageSet, PackSet, load_folder, unpack, write_pack
from foveate.training import pack as pack_module

from .conftest import CLASSES, write_set

MIB = 2**20


def packed(images: ImageSet, path: Path, most_bytes: int = MIB) -> ImageSet:
    """What is read back from a pack of one set."""
    write_pack(path, [PackSet(images=images)], most_bytes=most_bytes)
    [(name, folder, weight)] = unpack(path, path.parent / "packs")
    assert weight == 1
    return load_folder(folder, images.class_names, name=name)


def of_two_sizes(images: ImageSet) -> ImageSet:
    """The same set with one picture that is cut, and its boxes with it."""
    first, *others = images.images
    pixels = first.read().pixels[:100].copy()
    first.path.write_bytes(simplejpeg.encode_jpeg(pixels, 95, "RGB", "444"))
    return replace(images, images=(first.within((pixels.shape[0], pixels.shape[1])), *others))


@pytest.mark.parametrize("video", [True, False], ids=["video", "pictures"])
def test_a_set_comes_out_of_a_pack_as_it_went_in(street_set: ImageSet, tmp_path: Path, video: bool) -> None:
    before = street_set if video else of_two_sizes(street_set)
    marked = {"ignored": np.array([True, True, False]), "hidden": np.array([False, True, False])}
    before = replace(before, images=tuple(replace(image, **marked) for image in before.images))
    after = packed(before, tmp_path / "x.pack")
    assert len(after) == len(before)
    for one, other in zip(before.images, after.images, strict=True):
        np.testing.assert_allclose(other.boxes, one.boxes, atol=0.11)
        assert other.labels.tolist() == one.labels.tolist()
        assert other.ignored.tolist() == one.ignored.tolist()
        assert other.hidden.tolist() == one.hidden.tolist()
        assert other.group == one.group
        difference = other.read().pixels.astype(int) - one.read().pixels
        assert np.abs(difference).mean() < 6
    with zipfile.ZipFile(tmp_path / "x.pack") as file:
        assert (f"{before.name}/frames.mp4" in file.namelist()) == video


def test_boxes_of_people_stay_so(street_set: ImageSet, tmp_path: Path) -> None:
    assert all(image.by_people[~image.ignored].all() for image in packed(street_set, tmp_path / "x.pack").images)


@pytest.mark.parametrize("video", [True, False], ids=["video", "pictures"])
def test_a_pack_is_no_larger_than_wanted_and_says_what_it_left_out(tmp_path: Path, video: bool) -> None:
    images = load_folder(write_set(tmp_path / "set", pictures=12), CLASSES)
    images = images if video else of_two_sizes(images)
    [whole] = write_pack(tmp_path / "whole.pack", [PackSet(images=images)], most_bytes=MIB)
    assert (whole.pictures, whole.dropped) == (12, 0)
    [small] = write_pack(tmp_path / "small.pack", [PackSet(images=images)], most_bytes=4000)
    assert small.size_bytes <= 4000
    assert 0 < small.pictures < 12
    assert small.pictures + small.dropped == 12


def test_a_pack_that_holds_nothing_is_refused(street_set: ImageSet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not one picture of street fits into 500 bytes"):
        write_pack(tmp_path / "x.pack", [PackSet(images=street_set)], most_bytes=500)
    assert not (tmp_path / "x.pack").exists()


def test_weights_share_the_bytes_and_return_with_the_sets(street_set: ImageSet, tmp_path: Path) -> None:
    sets = [PackSet(images=replace(street_set, name=name), weight=weight) for name, weight in (("a", 1), ("b", 3))]
    write_pack(tmp_path / "x.pack", sets, most_bytes=MIB)
    assert [(name, weight) for name, _, weight in unpack(tmp_path / "x.pack", tmp_path)] == [("a", 1), ("b", 3)]


def test_unpacking_happens_once(street_set: ImageSet, tmp_path: Path) -> None:
    picture = packed(street_set, tmp_path / "x.pack").images[0].path
    picture.write_bytes(b"mark")
    [(_, folder, _)] = unpack(tmp_path / "x.pack", tmp_path / "packs")
    assert picture.read_bytes() == b"mark"
    assert folder.parent.name == sha256((tmp_path / "x.pack").read_bytes()).hexdigest()[:16]


def test_damaged_and_foreign_files_are_refused(street_set: ImageSet, tmp_path: Path) -> None:
    write_pack(tmp_path / "x.pack", [PackSet(images=street_set)], most_bytes=MIB)
    content = (tmp_path / "x.pack").read_bytes()
    (tmp_path / "cut.pack").write_bytes(content[: len(content) // 2])
    with pytest.raises(MediaError, match="not a whole training pack"):
        unpack(tmp_path / "cut.pack", tmp_path)
    with zipfile.ZipFile(tmp_path / "other.pack", "w") as file:
        file.writestr("index.json", json.dumps({"format": "other", "sets": []}))
    with pytest.raises(MediaError, match="required, got 'other'"):
        unpack(tmp_path / "other.pack", tmp_path)


def written(path: Path, index: object, **members: bytes) -> Path:
    """A file that begins like a pack."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("index.json", index if isinstance(index, str) else json.dumps(index))
        for name, content in members.items():
            file.writestr(f"s/{name.replace('_', '.')}", content)
    return path


@pytest.mark.parametrize("name", ["../evil", "..", ".", "", "a/b", "/a"])
def test_names_of_sets_cannot_leave_the_folder(street_set: ImageSet, tmp_path: Path, name: str) -> None:
    index = {"format": "foveate-pack-1", "sets": [{"name": name, "weight": 1}]}
    with pytest.raises(MediaError, match="names of sets must be plain"):
        unpack(written(tmp_path / "x.pack", index), tmp_path / "packs")
    with pytest.raises(InputError, match="a name without slashes"):
        PackSet(images=replace(street_set, name=name))


@pytest.mark.parametrize(
    "index",
    [
        "{",
        [1],
        {"format": "foveate-pack-1"},
        {"format": "foveate-pack-1", "sets": {}},
        {"format": "foveate-pack-1", "sets": []},
        {"format": "foveate-pack-1", "sets": [{"name": "s"}]},
        {"format": "foveate-pack-1", "sets": [{"name": "s", "weight": "x"}]},
        {"format": "foveate-pack-1", "sets": [{"name": "s", "weight": -1}]},
        {"format": "foveate-pack-1", "sets": [{"name": 5, "weight": 1}]},
    ],
)
def test_a_wrong_index_is_refused(tmp_path: Path, index: object) -> None:
    with pytest.raises(MediaError, match=r"x.pack(: a pack of format| is not a whole training pack)"):
        unpack(written(tmp_path / "x.pack", index), tmp_path / "packs")


def test_a_missing_pack_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"x.pack cannot be unpacked \(.*No such file"):
        unpack(tmp_path / "x.pack", tmp_path / "packs")


def test_a_pack_with_a_damaged_video_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    index = {"format": "foveate-pack-1", "sets": [{"name": "s", "weight": 1}]}
    path = written(tmp_path / "x.pack", index, annotations_json=b'{"images": [{}]}', frames_mp4=b"no video")
    with pytest.raises(MediaError, match="is not a whole training pack"):
        unpack(path, tmp_path / "packs")
    assert not any((tmp_path / "packs").iterdir())


def test_flipped_bytes_are_refused_in_one_line(street_set: ImageSet, tmp_path: Path) -> None:
    write_pack(tmp_path / "x.pack", [PackSet(images=street_set)], most_bytes=MIB)
    content = (tmp_path / "x.pack").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[rng.integers(len(content), size=20)] ^= rng.integers(1, 256, 20, dtype=np.uint8)
        (tmp_path / "x.pack").write_bytes(damaged.tobytes())
        with suppress(MediaError):
            unpack(tmp_path / "x.pack", tmp_path / "packs")


def test_two_processes_may_unpack_one_pack(
    street_set: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pack(tmp_path / "x.pack", [PackSet(images=street_set)], most_bytes=MIB)
    real = pack_module._extract_set

    def overtaken(*arguments: object) -> None:
        monkeypatch.setattr(pack_module, "_extract_set", real)
        monkeypatch.setattr(pack_module.os, "getpid", lambda: 1)
        unpack(tmp_path / "x.pack", tmp_path / "packs")
        real(*arguments)

    monkeypatch.setattr(pack_module, "_extract_set", overtaken)
    [(_, folder, _)] = unpack(tmp_path / "x.pack", tmp_path / "packs")
    assert len(load_folder(folder, CLASSES)) == 4
    assert [found.suffix for found in (tmp_path / "packs").iterdir()] == [""]


def test_sets_of_one_name_or_of_other_classes_make_no_pack(street_set: ImageSet, tmp_path: Path) -> None:
    others = replace(street_set, name="others", class_names=("person", "bus"))
    for sets in ([PackSet(images=street_set)] * 2, [PackSet(images=street_set), PackSet(images=others)], []):
        with pytest.raises(InputError, match="different names and of the same classes"):
            write_pack(tmp_path / "x.pack", sets, most_bytes=MIB)


def test_an_endless_pack_is_refused(street: Path, tmp_path: Path) -> None:
    words = ["pack", "--data", f"street={street}", "--out", str(tmp_path / "a.pack"), "--mib", "inf"]
    ran = CliRunner().invoke(app, words)
    assert isinstance(ran.exception, InputError)
    assert "--mib must be a finite size, got inf" in str(ran.exception)


def test_the_commands_make_a_pack_and_train_on_it(
    street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    out = tmp_path / "street.pack"
    ran = CliRunner().invoke(app, ["pack", "--data", f"street={street}", "--out", str(out), "--mib", "1"])
    assert ran.exit_code == 0, ran.output
    assert "4 pictures" in ran.output
    mixture, held = mixture_of(sources_of([f"pack={out},2", f"more={street}"]), ("person", "car"))
    assert [images.name for images in mixture.sets] == ["street", "more"]
    assert mixture.weights == (2.0, 1.0)
    assert len(held) == 2


@pytest.mark.parametrize("read", ["annotations", "picture"])
def test_a_pack_never_takes_the_place_of_what_it_is_made_of(street: Path, read: str) -> None:
    out = next(street.glob("*.json") if read == "annotations" else (street / "images").iterdir())
    before = out.read_bytes()
    ran = CliRunner().invoke(app, ["pack", "--data", f"street={street}", "--out", str(out)])
    assert isinstance(ran.exception, InputError)
    assert "would take the place of" in str(ran.exception)
    assert out.read_bytes() == before
