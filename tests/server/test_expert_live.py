import threading
from functools import partial
from queue import Queue

import numpy as np
import pytest

from foveate.codec import PictureCoding, encode_picture
from foveate.core import ExpertCard, FoveateError, InputError, SampleTimes
from foveate.device.sample_live import LiveSamples
from foveate.device.sample_session import DeviceSettings, SampleSession
from foveate.estimators.power import EDGE_AND_T4
from foveate.estimators.sample_costs import SampleCosts
from foveate.network.transports.memory import MemoryHub
from foveate.policies.routing import AskExpert
from foveate.server.expert_live import ExpertServer
from foveate.server.expert_worker import answer_pictures
from foveate.testing.brightness import Brightness

SIZE = (32, 32)
TIMES = SampleTimes(
    source="test", generalist_s=0.0, expert_on_device_s=0.0, encode_s=0.0, decode_s=0.0, batch_s=0.0, sample_s=0.0
)


def broken():
    raise InputError("no weights")


def pictures(count):
    return [np.full((*SIZE, 3), 250 * (n % 2), np.uint8) for n in range(count)]


@pytest.fixture
def hub():
    return MemoryHub()


@pytest.fixture
def server(hub):
    server, stopped = ExpertServer(hub, classes=2, size=SIZE), threading.Event()
    loop = threading.Thread(target=server.serve, args=(stopped.is_set,))
    loop.start()
    yield server
    stopped.set()
    hub.wake()
    loop.join()


def play(hub, count=8, on_sample=lambda _: None):
    settings = DeviceSettings(router=AskExpert(threshold=0.9), temperature=1.0, timeout_s=5.0)
    session = SampleSession(settings, SampleCosts(TIMES, EDGE_AND_T4))
    device = LiveSamples(
        session,
        hub.connect(),
        classify=lambda _: np.array([0.1, 0.0], np.float32),
        encode=partial(encode_picture, coding=PictureCoding()),
    )
    labels = [n % 2 for n in range(count)]
    return device.run(pictures(count), labels, rate_hz=100.0, on_sample=on_sample)


def test_experts_in_processes_answer_and_one_that_is_killed_is_answered_for(hub, server):
    server.deploy(ExpertCard(name="light", subset=(0, 1)), Brightness)
    records = play(hub)
    assert {record.answerer for record in records} == {"expert"}
    assert all(record.is_right for record in records)
    process = server._workers["light"].process
    server.kill("light")
    process.join()
    server.deploy(ExpertCard(name="other", subset=(1,)), Brightness)  # there must be one to greet
    again = play(hub)
    assert {record.expert for record in again} <= {"other", None}
    server.withdraw("other")
    with pytest.raises(FoveateError, match="no expert 'other'"):
        server.withdraw("other")


def test_samples_under_way_to_an_expert_that_dies_are_answered_by_the_generalist(hub, server):
    server.deploy(ExpertCard(name="light", subset=(0, 1)), Brightness)
    records = play(hub, 40, lambda sample: server.kill("light") if sample == 10 else None)
    assert len(records) == 40
    marked = [record for record in records if record.answerer != "expert"]
    assert marked
    assert all(record.answer == record.generalist_class for record in marked)


def test_an_expert_that_cannot_start_says_why(server):
    with pytest.raises(FoveateError, match="expert light could not start: no weights"):
        server.deploy(ExpertCard(name="light", subset=(0,)), broken)


def test_an_expert_for_classes_that_do_not_exist_is_refused_and_the_server_goes_on(hub, server):
    with pytest.raises(InputError, match="expert odd must be for classes below 2, got 5"):
        server.deploy(ExpertCard(name="odd", subset=(1, 5)), Brightness)
    server.deploy(ExpertCard(name="light", subset=(0, 1)), Brightness)
    assert {record.answerer for record in play(hub)} == {"expert"}


class Instant:
    """An expert without a process."""

    def __init__(self, name, _load, *, size, on_outcome, on_death):
        self.name = name

    def wait_until_ready(self):
        """It is."""

    def submit(self, batch):
        """Never answers."""

    def stop(self):
        """Nothing runs."""


def test_an_expert_that_dies_while_it_is_announced_is_taken_away_afterwards(hub):
    class Slow(Queue):
        def put(self, call):
            if "light" in server._workers and not dying.is_alive() and not self.queue:
                dying.start()
                dying.join(0.05)
            super().put(call)

    server = ExpertServer(hub, classes=2, size=SIZE, start=Instant)
    dying = threading.Thread(target=lambda: server._died(server._workers["light"]))
    server._calls = Slow()
    server.deploy(ExpertCard(name="light", subset=(0, 1)), Brightness)
    dying.join()
    server.step(0.0)
    assert server._session.experts == ()


def test_a_flood_does_not_keep_the_server_from_its_experts():
    class Flood(MemoryHub):
        def poll(self, timeout_s):
            return b"client", b"noise"

    server = ExpertServer(Flood(), classes=2, size=SIZE, start=Instant)
    server.deploy(ExpertCard(name="light", subset=(0, 1)), Brightness)
    server.step(0.0)
    assert [card.name for card in server._session.experts] == ["light"]


def test_a_picture_that_is_none_leaves_the_rest_of_its_batch_alone():
    good = encode_picture(pictures(2)[1], PictureCoding())
    outcome = answer_pictures(Brightness(), (b"nonsense", good), SIZE)
    assert outcome.logits[0] is None
    assert outcome.logits[1].tolist() == [0, 1]
