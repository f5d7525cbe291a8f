"""Records that several processes share."""

import subprocess
import sys

import msgspec
import pytest

from foveate.evaluation.record_file import RecordFile


class Entry(msgspec.Struct, frozen=True, array_like=True):
    key: bytes
    value: int


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "records.msgpack"


def made(value, key=b"k"):
    return lambda: Entry(key=key, value=value)


def refuse():
    raise AssertionError("it was there")


def test_a_record_is_made_once_and_found_again(path):
    file = RecordFile(path, Entry)
    assert file.get(b"k") is None
    assert file.get_or_make(b"k", made(1)).value == 1
    assert file.get_or_make(b"k", refuse).value == 1
    file.close()
    assert RecordFile(path, Entry).get(b"k").value == 1


def test_looking_makes_no_file(path):
    assert RecordFile(path, Entry).get(b"k") is None
    assert not path.exists()


def test_two_open_files_see_each_other(path):
    first, second = RecordFile(path, Entry), RecordFile(path, Entry)
    first.get_or_make(b"a", made(1, b"a"))
    assert second.get_or_make(b"a", refuse).value == 1
    second.get_or_make(b"b", made(2, b"b"))
    assert first.get(b"b").value == 2


@pytest.mark.parametrize("cut", [1, 3, 6])
def test_a_torn_end_is_overwritten_and_what_stands_before_it_stays(path, cut):
    file = RecordFile(path, Entry)
    for key in (b"a", b"b"):
        file.get_or_make(key, made(1, key))
    file.close()
    path.write_bytes(path.read_bytes()[:-cut])
    torn = RecordFile(path, Entry)
    assert (torn.get(b"a").value, torn.get(b"b")) == (1, None)
    torn.get_or_make(b"b", made(2, b"b"))
    torn.close()
    whole = RecordFile(path, Entry)
    assert (whole.get(b"a").value, whole.get(b"b").value) == (1, 2)


def test_a_failed_computation_leaves_no_record_and_no_lock(path):
    file = RecordFile(path, Entry)
    with pytest.raises(AssertionError, match="it was there"):
        file.get_or_make(b"k", refuse)
    assert file.get_or_make(b"k", made(3)).value == 3


CHILD = """
import sys
from pathlib import Path
import msgspec
from foveate.evaluation.record_file import RecordFile

class Entry(msgspec.Struct, frozen=True, array_like=True):
    key: bytes
    value: int

def make(n):
    with path.with_suffix(".calls").open("a") as calls:
        calls.write(f"{n} ")
    return Entry(key=bytes([n]), value=n)

path = Path(sys.argv[1])
file = RecordFile(path, Entry)
for n in range(40):
    assert file.get_or_make(bytes([n]), lambda: make(n)).value == n
"""


def test_processes_that_want_the_same_records_compute_each_once(path):
    runs = [subprocess.Popen([sys.executable, "-c", CHILD, str(path)]) for _ in range(3)]
    assert [run.wait() for run in runs] == [0, 0, 0]
    assert sorted(map(int, path.with_suffix(".calls").read_text().split())) == list(range(40))
    file = RecordFile(path, Entry)
    assert [file.get(bytes([n])).value for n in range(40)] == list(range(40))
