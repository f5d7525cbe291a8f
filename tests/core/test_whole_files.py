"""A file is there whole, or as it was before."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from foveate.core import FoveateError, MediaError
from foveate.core.whole_files import whole_file


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write(path):
    with whole_file(path) as draft:
        draft.write_text("after")


def break_off(draft, error):
    draft.write_text("half")
    raise error


def test_a_draft_takes_the_place_of_the_file_before(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("before")
    with whole_file(path) as draft:
        draft.write_text("after")
        assert path.read_text() == "before"
        assert draft.parent == tmp_path
    assert path.read_text() == "after"
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("error", [KeyError("x"), MediaError("x"), KeyboardInterrupt(), SystemExit(1)], ids=repr)
def test_whatever_ends_the_block_leaves_the_file_before_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.json"
    path.write_text("before")
    with pytest.raises(type(error)) as caught, whole_file(path) as draft:
        break_off(draft, error)
    assert caught.value is error
    assert path.read_text() == "before"
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_disk_that_refuses_is_one_line_in_the_words_of_the_caller(tmp_path, number):
    path = tmp_path / "a.json"
    with pytest.raises(MediaError) as caught, whole_file(path, MediaError, "cannot write boxes") as draft:
        break_off(draft, OSError(number, os.strerror(number)))
    assert str(caught.value) == f"cannot write boxes {path}: {os.strerror(number)}"
    assert names(tmp_path) == []


def test_a_refusal_in_the_folder_of_caches_names_what_moves_it(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    path = tmp_path / "no" / "a.json"
    with pytest.raises(FoveateError) as caught:
        write(path)
    assert str(caught.value) == f"cannot write {path}: No such file or directory; FOVEATE_HOME names another folder"


def test_a_missing_folder_is_one_line_and_is_not_made(tmp_path):
    path = tmp_path / "no" / "a.json"
    with pytest.raises(FoveateError) as caught:
        write(path)
    assert str(caught.value) == f"cannot write {path}: No such file or directory"
    assert names(tmp_path) == []


def test_a_folder_of_that_name_is_one_line_and_stays(tmp_path):
    path = tmp_path / "a.json"
    path.mkdir()
    with pytest.raises(FoveateError) as caught:
        write(path)
    assert str(caught.value) == f"cannot write {path}: Is a directory"
    assert names(tmp_path) == ["a.json"]


def test_who_looks_for_finished_files_finds_no_draft(tmp_path):
    with whole_file(tmp_path / "a.json") as draft:
        draft.write_text("half")
        assert not [*tmp_path.glob("*.json"), *tmp_path.glob("a*")]


def test_drafts_of_one_file_do_not_meet_even_where_processes_have_one_number(tmp_path):
    """As those of two containers over one folder have."""
    with whole_file(tmp_path / "a.json") as one, whole_file(tmp_path / "a.json") as other:
        one.write_text("one")
        other.write_text("other")
        assert one.read_text() == "one"
    assert names(tmp_path) == ["a.json"]


def test_threads_may_write_one_file_at_once(tmp_path):
    both = Barrier(2, timeout=20)

    def at_once(text):
        with whole_file(tmp_path / "a.json") as draft:
            draft.write_text(text)
            both.wait()
            assert draft.read_text() == text

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(at_once, ["one", "two"]))
    assert (tmp_path / "a.json").read_text() in ("one", "two")
    assert names(tmp_path) == ["a.json"]
