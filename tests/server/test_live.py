"""The live server: what it answers while its model works."""

import threading
from contextlib import contextmanager

import pytest

from foveate.codec import encode_frame
from foveate.core import OffloadPlan
from foveate.network.messages import Ack, Failure, Hello, Offload, Ping, Pong, Result, decode_from_server, encode
from foveate.network.transports import MemoryHub
from foveate.server import ClientGreeted, LoopTurned, OffloadAnswered, ServingStarted, serve
from foveate.testing import FakeDetector, moving_squares

PIXELS = next(moving_squares(1))
GRID = FakeDetector().region_grid(*PIXELS.shape[:2])
PATIENCE_S = 10


class Gated(FakeDetector):
    """Thinks until it is let go."""

    def __init__(self):
        super().__init__()
        self.entered, self.gate = threading.Event(), threading.Event()

    def detect_batch(self, frames, *args, **options):
        self.entered.set()
        assert self.gate.wait(PATIENCE_S)
        if frames[0].grid.width == 64:
            raise RuntimeError("out of memory")
        return super().detect_batch(frames, *args, **options)


@contextmanager
def running(detector, observers=()):
    hub, stop = MemoryHub(), threading.Event()
    options = {"stop": stop.is_set, "observers": observers}
    thread = threading.Thread(target=serve, args=(detector, hub), kwargs=options)
    thread.start()
    try:
        channel = hub.connect()
        channel.send(encode(Hello()))
        assert heard(channel).model == "fake"
        yield channel
    finally:
        detector.gate.set()
        stop.set()
        hub.wake()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


def offload(number, pixels=PIXELS, grid=GRID, **changes):
    encoded = encode_frame(pixels, grid=grid, quality=90)
    values = {"full": encoded.full, "low": b""} | changes
    return encode(
        Offload.of(OffloadPlan(), offload_id=number, frame_index=number, grid=grid, score_threshold=0.5, **values)
    )


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
