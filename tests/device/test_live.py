"""The live device against a live server in this process."""

import subprocess
import sys
import threading
from contextlib import contextmanager
from itertools import cycle

import pytest

from foveate.core import InputError, TransportError
from foveate.device import Capture, Clip, LiveDevice, Perception, live, run_live
from foveate.network.messages import MAX_PIXELS, MAX_SIDE
from foveate.network.transports import Channel, MemoryHub, ZmqHub
from foveate.policies import Back2Back, Fixed, TrackB2B, TrackRoI, TrackUD, VitMAlis
from foveate.server import serve
from foveate.testing import FakeDetector, moving_squares, write_clip
from foveate.testing.profiles import round_profile
from foveate.testing.sources import FakeCapture

FRAMES = 20


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("live") / "clip.mp4", frames=FRAMES, fps=30)


@contextmanager
def serving(hub, detectors=None, **options):
    stop = threading.Event()
    chosen = detectors or FakeDetector(**options)
    thread = threading.Thread(target=serve, args=(chosen, hub), kwargs={"stop": stop.is_set})
    thread.start()
    try:
        yield hub
    finally:
        stop.set()
        hub.wake()
        thread.join(5)
        hub.close()
        assert not thread.is_alive()


POLICIES = [Back2Back(), Fixed(beta=2, quality=90), TrackB2B(), TrackRoI(), TrackUD(threshold_s=0.001), VitMAlis()]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_a_clip_is_played_to_its_end(clip_path, policy):
    frames, offloads = [], []
    loop = 5 if isinstance(policy, VitMAlis) else 1  # what is estimated takes some offloads to be known
    with serving(MemoryHub()) as hub, Clip(clip_path, loop=loop) as clip:
        device = LiveDevice(
            source=clip,
            channel=hub.connect(),
            policy=policy,
            on_frame=frames.append,
            on_offload=offloads.append,
            profile=round_profile(),
        )
        with device:
            welcome = device.connect()
            device.play()
    assert welcome.model == "fake"
    assert len(frames) == device.frames == clip.frame_count - device.dropped_frames
    assert device.offloads == len(offloads)
    assert [event.frame.index for event in frames] == sorted(event.frame.index for event in frames)
    landed = [done for done in offloads if not done.record.failed]
    assert landed
    assert len(landed[0].result) == 2
    assert all(event.displayed_at >= event.frame.captured_at + 1 / 30 for event in frames)
    plans = [done.record.plan for done in landed]
    if isinstance(policy, VitMAlis):
        # What the knee is depends on the machine; that it was looked for does not.
        assert any(plan.reason for plan in plans)
    else:
        assert (max(plan.downsampled_regions for plan in plans) > 0) == isinstance(policy, Fixed)
    assert (min(plan.frame_scale for plan in plans) < 1) == isinstance(policy, TrackUD)


def test_run_live_needs_an_address_and_nothing_else(clip_path):
    frames = []
    with serving(ZmqHub("127.0.0.1:0")) as hub:
        run = run_live(clip_path, server=f"127.0.0.1:{hub.port}", policy="back2back", on_frame=frames.append, loop=2)
    assert run.frames == len(frames)
    assert run.frames + run.dropped_frames == 2 * FRAMES - 1
    assert run.welcome.class_names == ["person", "car"]


def test_run_live_asks_for_the_model_that_it_is_told(clip_path):
    models = [FakeDetector(), FakeDetector(name="other")]
    with serving(ZmqHub("127.0.0.1:0"), models) as hub:
        run = run_live(clip_path, server=f"127.0.0.1:{hub.port}", policy="back2back", model="other")
    assert (run.welcome.model, run.welcome.models) == ("other", ["fake", "other"])
    assert run.offloads > run.failed_offloads


def test_a_parameter_that_the_model_lacks_ends_the_run(clip_path):
    with serving(ZmqHub("127.0.0.1:0")) as hub, pytest.raises(InputError, match="beta"):
        run_live(clip_path, server=f"127.0.0.1:{hub.port}", policy="fixed:beta=9")


def test_a_server_that_is_not_there_is_one_clear_line(clip_path):
    with MemoryHub() as hub, Clip(clip_path) as clip:
        device = LiveDevice(source=clip, channel=hub.connect(), policy=Back2Back())
        with device, pytest.raises(TransportError, match=r"no answer from the server within 0\.05 s"):
            device.connect(timeout_s=0.05)


@pytest.mark.parametrize("size", [(3456, 4608), (16, MAX_SIDE + 1)])
def test_a_camera_too_large_for_any_server_is_one_clear_line(clip_path, size):
    with Clip(clip_path) as camera:
        camera.name, camera.size = "camera 0", size
        with pytest.raises(InputError, match=f"camera 0 are {size[0]} x {size[1]} pixels.* {MAX_PIXELS} .*smaller"):
            run_live(camera, server="127.0.0.1:1", policy="back2back")


def test_a_stop_before_the_server_answers_is_said_to_be_one(clip_path):
    with pytest.raises(TransportError, match="stopped before the server answered"):
        run_live(clip_path, server="127.0.0.1:1", policy="back2back", stop=lambda: True)


class Gate:
    """Stays shut until the picture is nearly at its end: a display that waited for it would never come."""

    def __init__(self):
        self.event, self.entered, self.opened_by_the_picture = threading.Event(), False, True

    def pass_through(self):
        self.entered = True
        self.opened_by_the_picture &= self.event.wait(30)

    def on_frame(self, event):
        if event.frame.index >= FRAMES - 3:
            self.event.set()


class BlockingChannel(Channel):
    """A transport whose `send` blocks once a frame is to be sent."""

    def __init__(self, inner, gate):
        self.inner, self.gate = inner, gate

    def send(self, payload):
        if len(payload) > 500:
            self.gate.pass_through()
        return self.inner.send(payload)

    def poll(self, timeout_s):
        return self.inner.poll(timeout_s)

    def redial(self):
        self.inner.redial()

    def wake(self):
        self.inner.wake()

    def close(self):
        self.inner.close()


def play_past(gate, clip, channel):
    frames = []

    def on_frame(event):
        frames.append(event)
        gate.on_frame(event)

    device = LiveDevice(source=clip, channel=channel, policy=TrackB2B(), on_frame=on_frame)
    with device:
        device.connect()
        device.play()
    return device, frames


def test_a_transport_that_blocks_delays_no_display(clip_path):
    gate = Gate()
    with serving(MemoryHub()) as hub, Clip(clip_path) as clip:
        device, frames = play_past(gate, clip, BlockingChannel(hub.connect(), gate))
    assert gate.entered
    assert gate.opened_by_the_picture
    assert len(frames) + device.dropped_frames == FRAMES


@pytest.mark.parametrize(("place", "name"), [(live, "_encode"), (Perception, "track"), (Perception, "measure")])
def test_a_slow_codec_tracker_or_motion_analysis_delays_no_display(clip_path, monkeypatch, place, name):
    gate, quick = Gate(), getattr(place, name)

    def slow(*words):
        gate.pass_through()
        return quick(*words)

    monkeypatch.setattr(place, name, slow)
    with serving(MemoryHub()) as hub, Clip(clip_path) as clip:
        device, frames = play_past(gate, clip, hub.connect())
    assert gate.entered
    assert gate.opened_by_the_picture
    assert len(frames) + device.dropped_frames == FRAMES


def test_a_stop_ends_a_camera_that_has_no_end(tmp_path):
    frames = []
    source = Capture("camera 0", lambda: FakeCapture(cycle(moving_squares(50)), interval_s=1 / 30))
    with source, serving(ZmqHub("127.0.0.1:0")) as hub:
        run = run_live(
            source,
            server=f"127.0.0.1:{hub.port}",
            policy="track-b2b",
            on_frame=frames.append,
            stop=lambda: len(frames) >= 10,
        )
    assert run.frames == len(frames) >= 10
    assert run.offloads > 0
    assert [event.frame.index for event in frames] == sorted({event.frame.index for event in frames})


WITHOUT_TORCH = """
import sys, threading

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "safetensors", "av"):
            raise ImportError(f"{name} is not for devices")

sys.meta_path.insert(0, NoTorch())
import foveate
from foveate.network.transports import ZmqHub
from foveate.server import serve
from foveate.testing import FakeDetector

stop = threading.Event()
hub = ZmqHub("127.0.0.1:0")
server = threading.Thread(target=serve, args=(FakeDetector(), hub), kwargs={"stop": stop.is_set})
server.start()
run = foveate.run_live(sys.argv[1], server=f"127.0.0.1:{hub.port}", policy="fixed:beta=2")
stop.set()
server.join()
assert "torch" not in sys.modules
print(run.frames + run.dropped_frames)
"""


def test_a_device_runs_where_torch_cannot_be_imported(clip_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(clip_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(FRAMES)
