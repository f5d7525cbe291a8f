"""The gateway without a cluster: replicas are coroutines of the test."""

import asyncio
import threading

import pytest

from foveate.network.messages import Ack, Failure, Hello, Ping, Pong, Result, Welcome, decode_from_server, encode
from foveate.network.transports import MemoryHub
from foveate.server import Inferred, LoopTurned, OffloadAnswered, OffloadRefused
from foveate.server.cluster import Gateway, Outcome
from foveate.server.engine import welcome_of
from foveate.server.work import Work
from foveate.testing import FakeDetector

PATIENCE_S = 10


class Replicas:
    """Answers when let go, with what it is told to say."""

    def __init__(self, detector):
        self.detector, self.gate, self.works, self.say = detector, threading.Event(), [], None
        self.gate.set()

    async def ask(self, work):
        self.works.append(work)
        while not self.gate.is_set():
            await asyncio.sleep(0.005)
        if isinstance(self.say, Exception):
            raise self.say
        return self.say or Outcome(inferred=self.inferred())

    def inferred(self):
        found = self.detector.detect_batch([self.pixels])[0]
        return Inferred(detections=found, decode_s=0.001, inference_s=0.002, model=self.detector.name, batch_size=2)


@pytest.fixture
def replicas(pixels):
    replicas = Replicas(FakeDetector())
    replicas.pixels = pixels
    return replicas


@pytest.fixture
def gateway(replicas):
    hub, seen = MemoryHub(), []
    models = {"fake": (welcome_of(replicas.detector), replicas.ask)}
    with Gateway(models, hub, most_asked=2, observers=[seen.append]) as gateway:
        gateway.hub, gateway.seen = hub, seen
        yield gateway


def greeted(gateway):
    channel = gateway.hub.connect()
    assert isinstance(told(gateway, channel, Hello()), Welcome)
    return channel


def told(gateway, channel, message):
    channel.send(encode(message))
    return heard(gateway, channel)


def heard(gateway, channel):
    for _ in range(1000):
        payload = channel.poll(0)
        if payload is not None:
            return decode_from_server(payload)
        gateway.step(0.01)
    raise TimeoutError


def until(gateway, condition):
    for _ in range(1000):
        if condition():
            return
        gateway.step(0.01)
    raise TimeoutError


@pytest.fixture
def message(pixels, welcome, offload):
    grid = welcome.grid(*pixels.shape[:2])
    return lambda number=0: offload(pixels, grid=grid, number=number)


def test_a_replicas_answer_reaches_its_device_and_the_observers(gateway, message):
    channel = greeted(gateway)
    assert told(gateway, channel, message(3)) == Ack(offload_id=3)
    result = heard(gateway, channel)
    assert isinstance(result, Result)
    assert (result.decode_s, result.inference_s) == (0.001, 0.002)
    assert len(result.detections(("person", "car"))) == 2
    (answered,) = [event for event in gateway.seen if isinstance(event, OffloadAnswered)]
    assert answered.inferred.batch_size == 2


def test_time_away_that_is_neither_decoding_nor_inference_is_told_as_waiting(gateway, replicas, message):
    channel = greeted(gateway)
    replicas.gate.clear()
    assert isinstance(told(gateway, channel, message()), Ack)
    threading.Timer(0.2, replicas.gate.set).start()
    assert heard(gateway, channel).queue_s >= 0.19


LOST = RuntimeError("node died\nlong story"), "its replica was lost (RuntimeError)", "failed"
NO_PICTURE = Outcome(reason="unusable", text="no JPEG"), "no JPEG", "unusable"


@pytest.mark.parametrize("case", [LOST, NO_PICTURE], ids=["lost", "unusable"])
def test_a_lost_replica_costs_its_offload_alone_and_the_device_is_told_at_once(gateway, replicas, message, case):
    channel = greeted(gateway)
    replicas.say, text, reason = case
    assert isinstance(told(gateway, channel, message(5)), Ack)
    assert heard(gateway, channel) == Failure(offload_id=5, text=text)
    (refused,) = [event for event in gateway.seen if isinstance(event, OffloadRefused)]
    assert (refused.offload_id, refused.reason) == (5, reason)
    replicas.say = None
    assert isinstance(told(gateway, channel, message(6)), Ack)
    assert isinstance(heard(gateway, channel), Result)


def test_a_replica_that_never_answers_is_given_up_when_the_device_gives_up(gateway, replicas, message):
    channel = greeted(gateway)
    replicas.gate.clear()
    hasty = message()
    values = {name: getattr(hasty, name) for name in hasty.__struct_fields__} | {"patience_s": 0.2}
    assert isinstance(told(gateway, channel, type(hasty)(**values)), Ack)
    assert heard(gateway, channel) == Failure(offload_id=0, text="no replica answered in time")


def test_what_an_offload_has_waited_is_taken_off_the_time_for_its_replica(gateway, replicas, message):
    replicas.gate.clear()
    hasty = message()
    values = {name: getattr(hasty, name) for name in hasty.__struct_fields__} | {"patience_s": 60.0}
    waited = Work(client=b"", model="fake", offload=type(hasty)(**values), tokens=1, full_tokens=1, queue_s=59.9)
    outcome = asyncio.run(asyncio.wait_for(gateway._ask(waited), 5.0))
    assert outcome.text == "no replica answered in time"


def test_it_answers_at_once_while_replicas_work_and_asks_no_more_than_it_may(gateway, replicas, message):
    channels = [greeted(gateway) for _ in range(3)]
    replicas.gate.clear()
    for channel in channels:
        assert isinstance(told(gateway, channel, message()), Ack)
    assert told(gateway, channels[2], Ping(number=1)) == Pong(number=1)
    until(gateway, lambda: len(replicas.works) == 2)
    turned = [event for event in gateway.seen if isinstance(event, LoopTurned)][-1]
    assert (turned.running, turned.waiting) == (2, 1)
    newer = told(gateway, channels[2], message(1))
    assert newer == Ack(offload_id=1)
    assert heard(gateway, channels[2]) == Failure(offload_id=0, text="superseded")
    replicas.gate.set()
    assert [type(heard(gateway, channel)) for channel in channels] == [Result] * 3
    assert replicas.works[-1].offload.offload_id == 1


def test_each_model_is_asked_by_those_who_named_it(pixels, message):
    kinds = {name: Replicas(FakeDetector(name=name)) for name in ("fake", "other")}
    for replicas in kinds.values():
        replicas.pixels = pixels
    models = {name: (welcome_of(replicas.detector), replicas.ask) for name, replicas in kinds.items()}
    hub = MemoryHub()
    with Gateway(models, hub, most_asked=4) as gateway:
        gateway.hub = hub
        channel = hub.connect()
        welcome = told(gateway, channel, Hello(model="other"))
        assert (welcome.model, welcome.models) == ("other", ["fake", "other"])
        assert isinstance(told(gateway, channel, message()), Ack)
        assert isinstance(heard(gateway, channel), Result)
    assert [len(replicas.works) for replicas in kinds.values()] == [0, 1]


def test_leaving_gives_up_what_is_asked(replicas, message):
    hub = MemoryHub()
    replicas.gate.clear()
    with Gateway({"fake": (welcome_of(replicas.detector), replicas.ask)}, hub, most_asked=2) as gateway:
        gateway.hub = hub
        assert isinstance(told(gateway, greeted(gateway), message()), Ack)
    assert not any(thread.name == "asking" for thread in threading.enumerate())
