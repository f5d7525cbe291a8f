import os
import threading
import time
from pathlib import Path

import pytest

from foveate.device import LinePipe
from foveate.device.outputs import line_pipe
from foveate.device.outputs.line_pipe import MOST_WAITING

LONG = "x" * 1023 + "\n"


@pytest.fixture
def ends():
    """Both ends of a pipe, whose kernel holds some tens of lines."""
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:
            continue


def read_all(reading):
    pieces = []
    while piece := os.read(reading, 65536):
        pieces.append(piece)
    return b"".join(pieces)


def test_a_line_is_there_at_once(ends):
    reading, writing = ends
    with LinePipe(writing) as pipe:
        pipe.write("one\n")
        pipe.flush()
        assert os.read(reading, 100) == b"one\n"


def test_a_reader_that_stalls_holds_nobody_up_and_what_it_missed_is_told(ends, monkeypatch, caplog):
    monkeypatch.setattr(line_pipe, "PATIENCE_S", 0.1)
    started_at = time.monotonic()
    with LinePipe(ends[1]) as pipe:
        for _ in range(3 * MOST_WAITING):
            pipe.write(LONG)
        assert pipe.left_out > MOST_WAITING
    assert time.monotonic() - started_at < 10
    assert [record.message for record in caplog.records] == [
        f"{pipe.left_out} lines were left out: their reader is too slow"
    ]


def test_at_the_end_a_slow_reader_still_gets_every_line(ends, monkeypatch, caplog):
    monkeypatch.setattr(line_pipe, "PATIENCE_S", 1.0)
    reading, writing = ends
    got = []
    reader = threading.Thread(target=lambda: (time.sleep(0.3), got.append(read_all(reading))))
    reader.start()
    with LinePipe(writing) as pipe:
        for _ in range(MOST_WAITING):
            pipe.write(LONG)
    os.close(writing)
    reader.join()
    assert got == [LONG.encode() * MOST_WAITING]
    assert (pipe.left_out, caplog.records) == (0, [])


def test_a_reader_who_leaves_is_told_with_the_next_lines(ends, caplog):
    reading, writing = ends
    with LinePipe(writing) as pipe:
        os.close(reading)
        with pytest.raises(BrokenPipeError):  # noqa: PT012  # not the very next line, but soon
            while True:
                pipe.write(LONG)
                time.sleep(0.001)
    assert caplog.records == []


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="needs Linux's disk that is always full")
def test_a_disk_that_refuses_ends_the_block_with_its_error():
    with (
        FULL.open("wb") as full,
        pytest.raises(OSError, match="No space left"),
        LinePipe(full.fileno()) as pipe,
    ):
        pipe.write("one\n")
