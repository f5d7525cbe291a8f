import os

import pytest

from foveate.cli.outputs import file_for, folder_for
from foveate.core import InputError

as_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def test_a_place_that_is_missing_is_fine_and_nothing_is_made(tmp_path):
    assert folder_for(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert file_for(tmp_path / "a" / "b.json") == tmp_path / "a" / "b.json"
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_may_be_written_again(tmp_path):
    (tmp_path / "old.json").write_text("{}")
    assert folder_for(tmp_path) == tmp_path
    assert file_for(tmp_path / "old.json") == tmp_path / "old.json"


def test_a_relative_place_is_looked_for_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    for path in ("file", "file/x"):
        with pytest.raises(InputError, match="is a file"):
            folder_for(type(tmp_path)(path))


@pytest.mark.parametrize("words", [("file",), ("file", "x"), ("file", "x", "y")])
def test_a_file_in_the_way_of_a_folder_is_named(tmp_path, words):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=f"{tmp_path}/file is a file"):
        folder_for(tmp_path.joinpath(*words))
    with pytest.raises(InputError, match="is a file"):
        file_for(tmp_path.joinpath("file", "out.json"))


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    with pytest.raises(InputError, match=f"a file is needed, and {tmp_path} is a folder"):
        file_for(tmp_path)


@as_root
def test_a_place_that_must_not_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="must not be written"):
        folder_for(tmp_path / "out")


@pytest.mark.parametrize("link", [None, "symlink_to", "hardlink_to"])
def test_a_file_that_is_read_is_no_place_for_another_under_whatever_name(tmp_path, link):
    source = tmp_path / "read.json"
    source.write_text("{}")
    place = source if link is None else tmp_path / "other.json"
    if link is not None:
        getattr(place, link)(source)
    with pytest.raises(InputError, match=f"{place} would take the place of {source}, which is read"):
        file_for(place, reads=[None, "vitdet-tiny-world", source])


def test_what_is_no_file_takes_no_place(tmp_path):
    reads = [0 * "x", "rtsp://camera/" + 300 * "x", "a\0b", tmp_path / "missing.json"]
    assert file_for(tmp_path / "missing.json", reads=reads) == tmp_path / "missing.json"
