"""`foveate serve`, `link` and `device` as processes of their own."""

import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import foveate
from foveate.testing import write_clip

FOVEATE = (sys.executable, "-c", "from foveate.cli.app import main; main()")
FRAMES = 20
SAMPLE = str(Path(foveate.__file__).parent / "samples" / "uplink.csv")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(*words):
    """A command that stays; it has said its first line when this returns."""
    process = subprocess.Popen([*FOVEATE, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


@pytest.mark.parametrize("policy", ["back2back", "track-b2b"])
def test_a_device_talks_to_a_server_over_a_shaped_link(tmp_path, tiny_weights, policy):
    video = write_clip(tmp_path / "clip.mp4", frames=FRAMES, fps=10)
    trace = tmp_path / "link.csv"
    trace.write_text("t_s,uplink_mbps,rtt_ms\n" + "".join(f"{i / 10:.1f},20.0,10.0\n" for i in range(50)))
    there, between = (f"127.0.0.1:{free_port()}" for _ in range(2))
    with (
        running("serve", "--model", tiny_weights, "--address", there) as greeting,
        running(
            *("link", "--trace", trace, "--server", there, "--listen", between, "--transport", "tcp"),
            *("--outage", "0.5:0.3", "--outage", "1.5:0.2"),
        ) as shaping,
    ):
        assert there in greeting
        assert between in shaping
        words = ("device", "--camera", str(video), "--server", between, "--policy", policy)
        done = subprocess.run([*FOVEATE, *words], capture_output=True, text=True, check=True, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["frame"] for line in lines] == sorted(line["frame"] for line in lines)
    assert len(lines) > FRAMES / 2
    assert lines[-1]["staleness_s"] is not None
    assert {"frame", "staleness_s", "objects"} == lines[0].keys()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("serve", "--address", "0.0.0.0:5555"), "traffic is not encrypted"),
        (("serve", "--address", "somewhere"), "an address is HOST:PORT"),
        (("link", "--trace", "none.csv", "--server", "127.0.0.1:1"), "none.csv"),
        (("link", "--trace", SAMPLE, "--server", "127.0.0.1:1", "--transport", "udp"), "known: ideal, tcp"),
        (("link", "--trace", SAMPLE, "--server", "127.0.0.1:1", "--outage", "5"), "START:SECONDS"),
        (("link", "--trace", SAMPLE, "--server", "127.0.0.1:1", "--rtt-ms", "5"), "only a mahimahi file"),
        (("device", "--camera", "none.mp4", "--server", "127.0.0.1:1"), "none.mp4"),
        (("device", "--camera", "none.mp4", "--server", "127.0.0.1:1", "--policy", "x"), "unknown policy 'x'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(words, problem):
    done = subprocess.run([*FOVEATE, *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert problem in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
