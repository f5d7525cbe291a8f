"""`foveate serve`, `link` and `device` as processes of their own."""

import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

import foveate
from foveate.codec import VideoReader, write_image
from foveate.network.messages import PROTOCOL_VERSION, Hello, Welcome, decode_from_server, encode
from foveate.network.transports import ZmqChannel, ZmqHub
from foveate.server import serve
from foveate.testing import FakeDetector, moving_squares, write_clip
from foveate.testing.streams import mjpeg_camera

FOVEATE = (sys.executable, "-c", "from foveate.cli.app import main; main()")
FRAMES = 20
SAMPLE_CLIP = str(Path(foveate.__file__).parent / "samples" / "street.mp4")
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
        words = ("device", "--camera", str(video), "--server", between, "--policy", policy, "--json", "-")
        done = subprocess.run([*FOVEATE, *words], capture_output=True, text=True, check=True, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["frame"] for line in lines] == sorted(line["frame"] for line in lines)
    assert len(lines) > FRAMES / 2
    assert lines[-1]["staleness_s"] is not None
    assert {"frame", "time_s", "source_frame", "staleness_s", "objects"} == lines[0].keys()
    (summary,) = done.stderr.splitlines()
    assert summary.startswith(f"{len(lines)} frames displayed")


@pytest.fixture
def served():
    """The address of a server in this process."""
    stop = threading.Event()
    with ZmqHub("127.0.0.1:0") as hub:
        thread = threading.Thread(target=serve, args=(FakeDetector(), hub), kwargs={"stop": stop.is_set})
        thread.start()
        yield f"127.0.0.1:{hub.port}"
        stop.set()
        thread.join(10)


def test_a_server_that_is_watched_says_where_and_ends_politely(tiny_weights):
    here, figures, page = (f"127.0.0.1:{free_port()}" for _ in range(3))
    words = ("serve", "--model", tiny_weights, "--address", here, "--metrics", figures, "--page-at", page)
    process = subprocess.Popen([*FOVEATE, *map(str, words)], stdout=subprocess.PIPE, text=True)
    try:
        lines = [process.stdout.readline() for _ in range(3)]
        assert [there in line for there, line in zip((here, figures, page), lines, strict=True)] == [True] * 3
        with urllib.request.urlopen(f"http://{page}/", timeout=20) as answer:
            assert b"foveate" in answer.read()
        with urllib.request.urlopen(f"http://{figures}/metrics", timeout=20) as answer:
            assert b'foveate_model_info{model="tiny-random"' in answer.read()
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.ray
@pytest.mark.long
def test_a_device_is_answered_by_replicas_on_a_cluster(tmp_path, tiny_weights):
    video = write_clip(tmp_path / "clip.mp4", frames=FRAMES, fps=10)
    there = f"127.0.0.1:{free_port()}"
    with running(
        "serve", "--model", tiny_weights, "--address", there, "--ray", "local", "--replicas", "1:2"
    ) as greeting:
        assert greeting.startswith(f"tiny-random at {there}")
        words = ("device", "--camera", str(video), "--server", there, "--json", "-")
        done = subprocess.run([*FOVEATE, *words], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout.splitlines()[-1])["staleness_s"] is not None
    assert done.stderr.rstrip().endswith(" 0 failed")


def test_ctrl_c_ends_a_camera_without_end_and_keeps_what_was_written(tmp_path, served):
    with mjpeg_camera(fps=20) as url:
        words = ("device", "--camera", url, "--server", served, "--fps", "20", "--json", "-")
        words = (*words, "--sink", str(tmp_path / "seen.mp4"))
        process = subprocess.Popen([*FOVEATE, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines = [json.loads(process.stdout.readline()) for _ in range(15)]  # each is there at once
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    lines += map(json.loads, rest.splitlines())
    assert errors.startswith(f"{len(lines)} frames displayed")
    assert len(errors.splitlines()) == 1
    with VideoReader(tmp_path / "seen.mp4") as reader:
        assert reader.size == (128, 192)
        assert 0 < len(list(reader)) <= len(lines)


def test_ctrl_c_while_the_server_is_looked_for_is_no_failure(tmp_path):
    video = write_clip(tmp_path / "clip.mp4", frames=5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        words = ("device", "--camera", str(video), "--server", f"127.0.0.1:{silent.getsockname()[1]}")
        process = subprocess.Popen([*FOVEATE, *words], stderr=subprocess.PIPE, text=True)
        silent.accept()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "foveate: interrupted\n")


def test_a_server_at_any_free_port_says_which(tiny_weights):
    with running("serve", "--model", tiny_weights, "--address", "127.0.0.1:0") as greeting:
        address = greeting.removeprefix("tiny-random at ").partition(",")[0]
        with ZmqChannel(address) as channel:
            channel.send(encode(Hello()))
            assert isinstance(decode_from_server(channel.poll(20)), Welcome)


def test_a_folder_of_pictures_is_a_camera_and_lines_go_to_a_file(tmp_path, served):
    for index, pixels in enumerate(moving_squares(12)):
        write_image(tmp_path / f"{index:03d}.png", pixels)
    out = tmp_path / "seen.jsonl"
    words = ("device", "--camera", str(tmp_path), "--fps", "20", "--server", served, "--json", str(out))
    done = subprocess.run([*FOVEATE, *words], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == ""
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert 0 < len(lines) <= 12
    assert [line["time_s"] for line in lines] == pytest.approx(
        [(line["frame"] - lines[0]["frame"]) / 20 for line in lines]
    )


def test_a_reader_who_leaves_ends_the_run_without_a_word(tmp_path, served):
    with mjpeg_camera(fps=20) as url:
        words = ("device", "--camera", url, "--server", served, "--fps", "20", "--json", "-")
        process = subprocess.Popen([*FOVEATE, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert len(errors.splitlines()) == 1


def test_a_model_that_the_server_lacks_is_named_in_one_line(tmp_path, served):
    video = write_clip(tmp_path / "clip.mp4", frames=5)
    words = ("device", "--camera", str(video), "--server", served, "--model", "large")
    done = subprocess.run([*FOVEATE, *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "the model 'large' does not run here; known: fake" in line


def test_a_server_of_another_version_is_told_in_one_line_with_both_versions(tmp_path):
    stop, video = threading.Event(), write_clip(tmp_path / "clip.mp4", frames=5)

    def answer(hub):
        while not stop.is_set():
            item = hub.poll(0.1)
            if item is not None:
                hub.send(
                    item[0], b"fv" + bytes([PROTOCOL_VERSION + 1]) + b"what it says to a device of its own version"
                )

    with ZmqHub("127.0.0.1:0") as hub:
        thread = threading.Thread(target=answer, args=(hub,))
        thread.start()
        command = (*FOVEATE, "device", "--camera", str(video), "--server", f"127.0.0.1:{hub.port}")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        stop.set()
        thread.join(10)
    assert done.returncode == 1
    versions = f"protocol version {PROTOCOL_VERSION + 1}, this device {PROTOCOL_VERSION}"
    assert done.stderr == f"foveate: the server speaks {versions}: both ends need the same\n"


WITHOUT_AV = (sys.executable, "-c", "import sys; sys.modules['av'] = None; from foveate.cli.app import main; main()")


@pytest.mark.parametrize(
    ("program", "words", "problem"),
    [(WITHOUT_AV, ("--sink", "seen.mp4"), "pip install 'foveate[server]'"), (FOVEATE, ("--show",), "a window needs")],
)
def test_what_is_not_installed_is_named_in_one_line(tmp_path, monkeypatch, program, words, problem):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    video = write_clip(tmp_path / "clip.mp4", frames=5)
    command = (*program, "device", "--camera", str(video), "--server", "127.0.0.1:1", *words)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert done.returncode == 1
    assert problem in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("serve", "--address", "0.0.0.0:5555"), "no key pair in"),
        (("serve", "--address", "127.0.0.1:5555", "--keys", "none"), "foveate keys new --out none"),
        (("serve", "--insecure", "--keys", "none"), "--insecure encrypts nothing"),
        (("serve", "--address", "somewhere"), "an address is HOST:PORT"),
        (("serve", "--metrics", "9100"), "an address is HOST:PORT"),
        (("serve", "--page-at", "here"), "an address is HOST:PORT"),
        (("serve", "--ray", "local", "--replicas", "many"), "replicas are LEAST:MOST"),
        (("serve", "--replicas", "1:4"), "name it with --ray"),
        (("serve", "--ray", "local", "--decoders", "2"), "on a Ray cluster replicas decode"),
        (("serve", "--address", "127.0.0.1:99999"), "an address is HOST:PORT"),
        (("link", "--trace", SAMPLE, "--server", "here"), "an address is HOST:PORT"),
        (("device", "--camera", SAMPLE_CLIP, "--server", "here"), "an address is HOST:PORT"),
        (("device", "--camera", SAMPLE_CLIP, "--server", "127.0.0.1:1", "--sink", "/"), "a file is needed"),
        (
            ("device", "--camera", SAMPLE_CLIP, "--server", "127.0.0.1:1", "--policy", "vitmalis"),
            "a profile (--profile)",
        ),
        (("serve", "--log", "xml"), "a log is text or json"),
        (("link", "--trace", "none.csv", "--server", "127.0.0.1:1"), "none.csv"),
        (("link", "--trace", SAMPLE, "--server", "127.0.0.1:1", "--transport", "udp"), "known: ideal, tcp"),
        (("link", "--trace", SAMPLE, "--server", "127.0.0.1:1", "--outage", "5"), "START:SECONDS"),
        (("link", "--trace", SAMPLE, "--server", "127.0.0.1:1", "--rtt-ms", "5"), "only a mahimahi file"),
        (("device", "--camera", "none.mp4", "--server", "127.0.0.1:1"), "none.mp4"),
        (("device", "--camera", "none.mp4", "--server", "127.0.0.1:1", "--policy", "x"), "unknown policy 'x'"),
        (("device", "--camera", "none.mp4", "--server", "192.0.2.1:1"), "name its public key with --server-key"),
        (("device", "--camera", "none.mp4", "--server", "192.0.2.1:1", "--server-key", "x"), "no key pair in"),
        (("device", "--camera", "none.mp4", "--server", "127.0.0.1:1", "--keys", "x"), "--keys needs --server-key"),
        (("device", "--camera", "/", "--server", "127.0.0.1:1"), "needs a frame rate"),
        (("device", "--camera", "a ! b", "--server", "127.0.0.1:1"), "pipeline"),
        (("device", "--camera", SAMPLE_CLIP, "--server", "127.0.0.1:1", "--traces", "here"), "named by its URL"),
        (("device", "--camera", "99", "--server", "127.0.0.1:1"), "cannot open camera 99"),
        (("device", "--camera", "0", "--fps", "-1", "--server", "127.0.0.1:1"), "a frame rate must be above 0"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(words, problem):
    done = subprocess.run([*FOVEATE, *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert problem in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
