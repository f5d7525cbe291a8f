"""The live server: what it answers while its model works."""

import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from foveate.codec import encode_frame
from foveate.core import OffloadPlan
from foveate.models import BackboneConfig, Detector, DetectorConfig
from foveate.network.messages import Ack, Failure, Hello, Offload, Ping, Pong, Result, decode_from_server, encode
from foveate.network.transports import Hub, MemoryHub
from foveate.server import ClientGreeted, LiveServer, LoopTurned, OffloadAnswered, ServingStarted, serve
from foveate.server.work import Batch
from foveate.testing import FakeDetector, moving_squares

PIXELS = next(moving_squares(1))
GRID = FakeDetector().region_grid(*PIXELS.shape[:2])
PATIENCE_S = 10


class Gated(FakeDetector):
    """Thinks until it is let go."""

    def __init__(self, name="fake"):
        super().__init__(name=name)
        self.entered, self.gate = threading.Event(), threading.Event()

    def detect_batch(self, frames, *args, **options):
        self.entered.set()
        assert self.gate.wait(PATIENCE_S)
        if any(frame.grid.width == 64 for frame in frames):
            raise RuntimeError("out of memory")
        return super().detect_batch(frames, *args, **options)


@contextmanager
def serving(detectors, **options):
    """A hub whose server runs."""
    hub, stop = MemoryHub(), threading.Event()
    thread = threading.Thread(target=serve, args=(detectors, hub), kwargs={"stop": stop.is_set} | options)
    thread.start()
    try:
        yield hub
    finally:
        for detector in detectors if isinstance(detectors, list) else [detectors]:
            detector.gate.set()
        stop.set()
        hub.wake()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


def greeted(hub, model=""):
    """A client whose greeting was answered."""
    channel = hub.connect()
    channel.send(encode(Hello(model=model)))
    assert heard(channel).model == (model or "fake")
    return channel


@contextmanager
def running(detector, observers=()):
    """A client of a server that runs."""
    with serving(detector, observers=observers) as hub:
        yield greeted(hub)


def offload(number, pixels=PIXELS, grid=GRID, **changes):
    encoded = encode_frame(pixels, grid=grid, quality=90)
    values = {"full": encoded.full, "low": b"", "score_threshold": 0.5, "patience_s": 5.0} | changes
    return encode(Offload.of(OffloadPlan(), offload_id=number, frame_index=number, grid=grid, **values))


def heard(channel):
    payload = channel.poll(PATIENCE_S)
    assert payload is not None
    return decode_from_server(payload)


@pytest.fixture
def detector():
    return Gated()


def test_it_answers_at_once_while_its_model_works_and_runs_the_newest_next(detector):
    with running(detector) as channel:
        channel.send(offload(0))
        assert heard(channel) == Ack(offload_id=0)
        assert detector.entered.wait(PATIENCE_S)
        channel.send(encode(Ping(number=1)))
        assert heard(channel) == Pong(number=1)
        channel.send(offload(1))
        assert heard(channel) == Ack(offload_id=1)
        channel.send(offload(2))
        assert [heard(channel), heard(channel)] == [Ack(offload_id=2), Failure(offload_id=1, text="superseded")]
        detector.gate.set()
        results = [heard(channel), heard(channel)]
    assert [(type(result), result.offload_id) for result in results] == [(Result, 0), (Result, 2)]
    assert len(results[0].detections(("person", "car"))) == 2


def test_a_frame_that_cannot_be_decoded_fails_and_the_server_goes_on(detector):
    detector.gate.set()
    with running(detector) as channel:
        channel.send(offload(0, full=b"noise"))
        assert heard(channel) == Ack(offload_id=0)
        failure = heard(channel)
        assert (type(failure), failure.offload_id) == (Failure, 0)
        channel.send(encode(Hello()))
        assert heard(channel).model == "fake"


def test_a_model_that_breaks_fails_one_frame_and_the_server_goes_on(detector):
    detector.gate.set()
    small = next(moving_squares(1, (128, 64)))
    with running(detector) as channel:
        channel.send(offload(0, small, detector.region_grid(128, 64)))
        assert heard(channel) == Ack(offload_id=0)
        assert heard(channel) == Failure(offload_id=0, text="internal error: out of memory")
        channel.send(offload(1))
        assert heard(channel) == Ack(offload_id=1)
        assert isinstance(heard(channel), Result)


def test_an_observer_that_raises_neither_stops_the_server_nor_the_other_observers(detector):
    detector.gate.set()
    seen = []

    def broken(event):
        raise RuntimeError("full disk")

    with running(detector, [broken, seen.append]) as channel:
        channel.send(offload(0))
        assert [type(heard(channel)), type(heard(channel))] == [Ack, Result]
    assert isinstance(seen[0], ServingStarted)
    told = [event for event in seen[1:] if not isinstance(event, LoopTurned)]
    assert [type(event) for event in told] == [ClientGreeted, OffloadAnswered]
    assert told[1].inferred.frame.grid == GRID


def test_clients_are_served_by_the_models_that_they_asked_for():
    detectors = [Gated("fake"), Gated("other")]
    with serving(detectors) as hub:
        first, second = greeted(hub), greeted(hub, "other")
        second.send(offload(0))
        assert heard(second) == Ack(offload_id=0)
        assert detectors[1].entered.wait(PATIENCE_S)
        assert not detectors[0].entered.is_set()
        first.send(offload(0))
        assert heard(first) == Ack(offload_id=0)
        for detector in detectors:
            detector.gate.set()
        assert [type(heard(client)) for client in (second, first)] == [Result, Result]
        assert detectors[0].entered.is_set()
        stranger = hub.connect()
        stranger.send(encode(Hello(model="large")))
        assert heard(stranger).text == "the model 'large' does not run here; known: fake, other"


def test_a_frame_that_waited_too_long_is_answered_as_stale(detector):
    with serving(detector) as hub:
        busy, late = greeted(hub), greeted(hub)
        busy.send(offload(0))
        assert detector.entered.wait(PATIENCE_S)
        late.send(offload(7, patience_s=0.05))
        assert heard(late) == Ack(offload_id=7)
        assert heard(late) == Failure(offload_id=7, text="stale")
        detector.gate.set()
        assert [type(heard(busy)), type(heard(busy))] == [Ack, Result]


def small_detector():
    torch.manual_seed(0)
    shape = BackboneConfig(dim=32, depth=4, heads=2, stem="convolutional", positions="tiled")
    model = Detector(DetectorConfig(backbone=shape, pyramid_channels=16, score_threshold=0.0), name="fake")
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1 and "head" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def mixed_offload(detector, size, mask, point, number):
    pixels = np.random.default_rng(number).integers(0, 255, (*size, 3), np.uint8)
    grid = detector.region_grid(*size)
    encoded = encode_frame(pixels, grid=grid, mask=mask, quality=90)
    plan = OffloadPlan(downsampling_mask=mask, restoration_point=point)
    values = {"full": encoded.full, "low": encoded.low, "score_threshold": 0.3 + 0.02 * number, "patience_s": 60.0}
    return encode(Offload.of(plan, offload_id=number, frame_index=number, grid=grid, **values))


def answers_of(server, channels):
    """What each channel hears, without its acknowledgement, once the server has stepped far enough."""
    results = {}
    while len(results) < len(channels):
        server.step(0.01)
        for index, channel in enumerate(channels):
            payload = channel.poll(0)
            if payload is not None and isinstance(message := decode_from_server(payload), Result | Failure):
                results[index] = message
    return [results[index] for index in range(len(channels))]


def test_clients_of_different_sizes_masks_and_points_share_a_batch_and_get_what_each_would_get_alone():
    detector, hub, events = small_detector(), MemoryHub(), []
    cases = [((300, 500), None, 0), ((160, 405), np.ones((1, 2), bool), 4), ((300, 300), np.eye(2, dtype=bool), 2)]
    messages = [mixed_offload(detector, *case, number) for number, case in enumerate(cases)]
    with LiveServer([detector], hub, observers=[events.append], budget_tokens=100_000) as server:
        channels = [hub.connect() for _ in cases]
        alone = []
        for channel, message in zip(channels, messages, strict=True):
            channel.send(encode(Hello()))
            channel.send(message)
            alone += answers_of(server, [channel])
        # As if a batch ran: what comes is decoded meanwhile.
        server._running = (Batch(model="fake", works=(), decoded=()), Future())
        for channel, message in zip(channels, messages, strict=True):
            channel.send(message)
        server.step(PATIENCE_S)
        while server._decoding:
            server.step(0.01)
        server._running = None
        together = answers_of(server, channels)
    sizes = [event.inferred.batch_size for event in events if isinstance(event, OffloadAnswered)]
    assert sizes == [1, 1, 1, 3, 3, 3]
    for one, other in zip(alone, together, strict=True):
        wanted, found = (result.detections(detector.class_names) for result in (one, other))
        assert len(found) == len(wanted) > 0
        np.testing.assert_allclose(np.sort(found.scores), np.sort(wanted.scores), atol=1e-5)
        assert other.inference_s == together[0].inference_s


def test_what_a_client_waits_is_told_and_the_stages_add_up():
    detector, hub = FakeDetector(inference_s=0.05), MemoryHub()
    with LiveServer([detector], hub, budget_tokens=1) as server:
        channels = [hub.connect() for _ in range(3)]
        sent_at = time.monotonic()
        for channel in channels:
            channel.send(encode(Hello()))
            channel.send(offload(0))
        results = answers_of(server, channels)
        passed = time.monotonic() - sent_at
    totals = sorted(result.queue_s + result.decode_s + result.inference_s for result in results)
    # One after the other: each waited for those before it, and nobody is said to have waited longer than all took.
    assert totals[1] >= 2 * 0.05
    assert totals[2] >= 3 * 0.05
    assert totals[2] <= passed


class Flood(Hub):
    """A hub in which one client never stops talking, and another has sent an offload."""

    def __init__(self, first):
        self.items, self.sent, self.polls = first, [], 0

    def poll(self, timeout_s):
        self.polls += 1
        return self.items.pop(0) if self.items else (b"flood", encode(Ping(number=1)))

    def send(self, peer, payload):
        self.sent.append((peer, decode_from_server(payload)))
        return True

    def wake(self):
        pass

    def close(self):
        pass


def test_a_client_that_never_stops_talking_holds_up_nobody():
    hub = Flood([(b"good", encode(Hello())), (b"flood", encode(Hello())), (b"good", offload(0))])
    with LiveServer([FakeDetector()], hub) as server:
        give_up_at = time.monotonic() + PATIENCE_S
        while not any(isinstance(message, Result) for _, message in hub.sent) and time.monotonic() < give_up_at:
            server.step(0.1)
    (result,) = [(peer, message) for peer, message in hub.sent if isinstance(message, Result)]
    assert (result[0], result[1].offload_id) == (b"good", 0)
    flooded = [message for peer, message in hub.sent if peer == b"flood"]
    assert len(flooded) == hub.polls - 2  # whatever was taken was answered
