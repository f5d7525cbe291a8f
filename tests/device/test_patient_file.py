import os
import resource
import subprocess
import sys
from errno import ENOSPC
from pathlib import Path

import pytest

from foveate.core import FoveateError
from foveate.device import PatientFile, patient_file

LINES = [f"line {number}\n" for number in range(40)]


class Disk:
    """Takes at most `room` bytes, also in the middle of a line."""

    def __init__(self, room):
        self.room, self.write = room, os.write

    def __call__(self, handle, data):
        if not self.room:
            raise OSError(ENOSPC, os.strerror(ENOSPC))
        taken = self.write(handle, bytes(data[: self.room]))
        self.room -= taken
        return taken


@pytest.fixture
def disk(monkeypatch):
    disk = Disk(10**9)
    monkeypatch.setattr(patient_file.os, "write", disk)
    return disk


@pytest.mark.parametrize("room", range(20, 60))
def test_what_a_full_disk_refused_is_written_when_there_is_room_whole_and_in_order(tmp_path, disk, caplog, room):
    disk.room = room
    with PatientFile(tmp_path / "out") as file:
        for line in LINES[:20]:
            file.write(line)
        assert file.waiting_bytes == len("".join(LINES[:20])) - room
        disk.room = 10**9
        for line in LINES[20:]:
            file.write(line)
        assert file.waiting_bytes == 0
    assert (tmp_path / "out").read_text() == "".join(LINES)
    assert [message.partition(": ")[0] for message in caplog.messages] == [
        f"cannot write {tmp_path / 'out'}",
        f"{tmp_path / 'out'} is written again, with all that waited",
    ]


def test_a_disk_that_stays_full_is_told_at_the_end_in_one_line(tmp_path, disk):
    def write_all():
        with PatientFile(tmp_path / "out") as file:
            file.write(LINES[0])
            disk.room = 0
            file.write(LINES[1])

    with pytest.raises(FoveateError, match=r"cannot write .*out: No space left on device"):
        write_all()
    assert (tmp_path / "out").read_text() == LINES[0]


def test_memory_is_bounded_and_lines_that_found_no_room_are_counted(tmp_path, disk, monkeypatch):
    monkeypatch.setattr(patient_file, "MOST_WAITING_BYTES", 40)

    def write_all():
        with PatientFile(tmp_path / "out") as file:
            disk.room = 0
            for line in LINES:
                file.write(line)
                assert file.waiting_bytes <= 40
            disk.room = 10**9

    with pytest.raises(FoveateError, match="lacks 35 lines"):
        write_all()
    assert (tmp_path / "out").read_text() == "".join(LINES[:5])


def test_a_file_that_cannot_be_opened_is_one_clear_line(tmp_path):
    with pytest.raises(FoveateError, match="No such file"):
        PatientFile(tmp_path / "missing" / "out")


def test_an_error_of_the_block_is_not_hidden_by_the_disk(tmp_path, disk):
    def fail():
        with PatientFile(tmp_path / "out") as file:
            disk.room = 0
            file.write(LINES[0])
            raise KeyError("first")

    with pytest.raises(KeyError):
        fail()


REAL = """
import resource, sys
from pathlib import Path
from foveate.device import PatientFile
lines = [f"line {number}\\n" for number in range(40)]
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
with PatientFile(Path(sys.argv[1])) as file:
    for line in lines[:30]:
        file.write(line)
    print(Path(sys.argv[1]).stat().st_size, file.waiting_bytes)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for line in lines[30:]:
        file.write(line)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on the size of files")
def test_a_limit_of_the_kernel_is_outlasted_like_a_full_disk(tmp_path):
    done = subprocess.run([sys.executable, "-c", REAL, tmp_path / "out"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["100", str(len("".join(LINES[:30])) - 100)]
    assert (tmp_path / "out").read_text() == "".join(LINES)
    assert "File too large; what follows waits in memory" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full of Linux")
def test_a_start_on_a_full_disk_can_be_noticed():
    file = PatientFile(Path("/dev/full"))
    file.write("line\n")
    with pytest.raises(FoveateError, match="No space left"):
        file.check()


def test_what_a_file_held_is_gone_with_the_first_line_and_not_before(tmp_path):
    (tmp_path / "out").write_text("a line of before, longer than those to come\n")
    with PatientFile(tmp_path / "out"):
        pass
    assert (tmp_path / "out").read_text().startswith("a line of before")
    with PatientFile(tmp_path / "out") as file:
        file.write(LINES[0])
        file.write(LINES[1])
    assert (tmp_path / "out").read_text() == LINES[0] + LINES[1]


def test_a_pipe_is_written_as_a_file_is(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with PatientFile(tmp_path / "pipe") as file:
        file.write(LINES[0])
    assert os.read(reader, 100).decode() == LINES[0]
    os.close(reader)
