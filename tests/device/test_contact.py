"""How a device finds a server again, on virtual time: a server, a link between, and both can be lost."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from tests.welcome import NAMES, WELCOME

from foveate.codec import EncodedFrame
from foveate.core import Detections, Frame
from foveate.device import (
    Connected,
    DecideWork,
    DeviceSession,
    Displayed,
    EncodeWork,
    Lost,
    OffloadDone,
    Redial,
    Send,
)
from foveate.device.backoff import FIRST_S, REFUSED_S, UNREACHABLE_S, Backoff
from foveate.device.contact import LOST_S, REDIAL_S, RETRY_S, SILENCE_S
from foveate.device.session import OFFLOAD_TIMEOUT_S
from foveate.evaluation.agenda import Agenda
from foveate.network.messages import (
    Ack,
    Hello,
    Offload,
    Ping,
    Pong,
    Result,
    Stranger,
    decode_from_device,
    encode,
)
from foveate.policies import Back2Back
from foveate.server import Inferred, ServerSession

INTERVAL_S = 1 / 30
ONE_WAY_S = 0.02
NOTHING = Inferred(detections=Detections.empty(NAMES), decode_s=0.0, inference_s=0.0)


@dataclass(kw_only=True)
class World:
    """A device session, a link of 8 Mbps, and a server session that takes `think_s` per frame.

    `cut`: bytes vanish. `stalled`: bytes wait until the stall ends. A message of the device that meets a dead server
    vanishes as well. `tells`: the transport says when a connection ended, or could not be made.
    """

    think_s: float = 0.1
    frame_bytes: int = 50_000
    now: float = 0.0
    cut: bool = False
    stalled: bool = False
    tells: bool = False
    refuses: bool = False
    session: DeviceSession = field(
        default_factory=lambda: DeviceSession(policy=Back2Back(), frame_interval_s=INTERVAL_S)
    )
    events: list = field(default_factory=list)
    sent: list = field(default_factory=list)

    def __post_init__(self):
        self.agenda, self.held = Agenda(), []
        self.connection, self.dead_connection, self.incarnation = 0, -1, 0
        self.server, self.link_free_at = ServerSession(WELCOME), 0.0
        self.take(self.session.start(0.0))
        self.next_frame = 0
        self.agenda.book(0.1, self.capture)

    def at(self, when, do):
        """Do something to the world at a time."""
        self.agenda.book(when, lambda now: do())

    def run(self, until):
        while True:
            wake_at = self.session.wake_at
            due = [t for t in (self.agenda.next_at, wake_at) if t is not None]
            self.now = max(self.now, min(due))
            if self.now > until:
                return
            if wake_at is not None and wake_at <= self.now:
                self.take(self.session.advance(self.now))
            else:
                self.agenda.run_next()

    def capture(self, now):
        self.now = now
        frame = Frame(pixels=np.zeros((128, 192, 3), np.uint8), index=self.next_frame, captured_at=now)
        self.next_frame += 1
        self.agenda.book(0.1 + self.next_frame * INTERVAL_S, self.capture)
        self.take(self.session.capture(frame, now))

    def take(self, events):
        for event in events:
            self.events.append((self.now, event))
            match event:
                case DecideWork():
                    self.take(self.session.decide(self.now))
                case EncodeWork(offload_id=number):
                    encoded = EncodedFrame(full=bytes(self.frame_bytes))
                    self.take(self.session.encoded(number, encoded, self.now))
                case Send(payload=payload):
                    self.send(payload)
                case Redial():
                    self.connection += 1
                    if self.server is None or self.refuses:
                        self.end_connection()

    def send(self, payload):
        self.sent.append((self.now, decode_from_device(payload)))
        self.link_free_at = max(self.link_free_at, self.now) + len(payload) * 8 / 8e6
        self.agenda.book(self.link_free_at + ONE_WAY_S, lambda now, c=self.connection: self.arrive(now, payload, c))

    def arrive(self, now, payload, connection):
        self.now = now
        if self.cut or self.server is None or connection != self.connection or connection <= self.dead_connection:
            return
        if self.stalled:
            self.held.append((payload, connection))
            return
        for reply in self.server.receive(self.client(connection), payload, now):
            self.answer(reply.payload, connection)
        work = self.server.next_work(now)
        if work is not None:
            incarnation = self.incarnation
            self.agenda.book(now + self.think_s, lambda now: self.done(now, work, connection, incarnation))

    def done(self, now, work, connection, incarnation):
        self.now = now
        if self.server is not None and incarnation == self.incarnation:
            self.answer(self.server.finished(work, NOTHING).payload, connection)

    def answer(self, payload, connection):
        self.agenda.book(self.now + ONE_WAY_S, lambda now: self.heard(now, payload, connection))

    def heard(self, now, payload, connection):
        self.now = now
        if not self.cut and connection == self.connection:
            self.take(self.session.receive(payload, now))

    def client(self, connection):
        return bytes([connection])

    # What happens to server and link.

    def kill(self):
        self.server = None
        self.end_connection()

    def end_connection(self):
        """The transport notices, if it does."""
        if self.tells:
            self.agenda.book(self.now + 2 * ONE_WAY_S, lambda now, c=self.connection: self.disconnected(now, c))

    def disconnected(self, now, connection):
        self.now = now
        if connection == self.connection:
            self.take(self.session.disconnected("the connection ended", now, refused=self.refuses))

    def restart(self):
        self.server, self.incarnation = ServerSession(WELCOME), self.incarnation + 1

    def cut_link(self):
        self.cut, self.dead_connection = True, self.connection

    def mend_link(self):
        """Connections are new after a cut."""
        self.cut, self.connection = False, self.connection + 1

    def restore_link(self):
        """The connection of before the cut stays dead."""
        self.cut = False

    def stall(self):
        self.stalled = True

    def flow(self):
        self.stalled, held, self.held = False, self.held, []
        for payload, connection in held:
            self.arrive(self.now, payload, connection)

    # What is to be seen.

    def of(self, kind):
        return [(when, event) for when, event in self.events if isinstance(event, kind)]

    def first_result_after(self, when):
        """Of an offload that was started after `when`."""
        return next(
            event.record.finished_at
            for _, event in self.of(OffloadDone)
            if not event.record.failed and event.record.started_at >= when
        )

    def check_displays(self):
        shown = [event for _, event in self.of(Displayed)]
        assert [event.frame.index for event in shown] == list(range(len(shown)))
        assert len(shown) >= self.next_frame - 2
        for event in shown:
            assert event.displayed_at == pytest.approx(event.frame.captured_at + INTERVAL_S)


DOWN_AT = [2.0 + step * 0.037 for step in range(8)]
"""In the middle of encoding, transmission, thought and answer."""


@pytest.mark.parametrize("down_at", DOWN_AT)
@pytest.mark.parametrize("down_s", [0.05, 0.7, 3.1, 4.9, 5.1, 9.0, 30.0])
def test_a_server_that_was_started_again_is_used_within_two_seconds(down_at, down_s):
    world, back_at = World(), down_at + down_s
    world.at(down_at, world.kill)
    world.at(back_at, world.restart)
    world.run(back_at + 4)
    assert world.first_result_after(back_at) - back_at < 2
    world.check_displays()


@pytest.mark.parametrize("down_at", DOWN_AT)
@pytest.mark.parametrize("down_s", [0.05, 0.7, 3.1, 4.9, 5.1, 9.0, 30.0])
def test_a_link_that_was_cut_is_used_within_two_seconds(down_at, down_s):
    world, back_at = World(), down_at + down_s
    world.at(down_at, world.cut_link)
    world.at(back_at, world.mend_link)
    world.run(back_at + 4)
    assert world.first_result_after(back_at) - back_at < 2
    world.check_displays()


@pytest.mark.parametrize("down_at", DOWN_AT)
@pytest.mark.parametrize("down_s", [0.05, 0.7, 3.1, 5.1, 30.0, 60.0])
def test_a_server_whose_end_was_told_is_used_within_two_seconds(down_at, down_s):
    world, back_at = World(tells=True), down_at + down_s
    world.at(down_at, world.kill)
    world.at(back_at, world.restart)
    world.run(back_at + 4)
    assert world.first_result_after(back_at) - back_at < 2
    world.check_displays()
    assert [event.reason for _, event in world.of(Lost)] == ["the connection ended"]
    failed = [event for _, event in world.of(OffloadDone) if event.record.failed]
    assert all(event.record.finished_at <= down_at + 3 * ONE_WAY_S for event in failed)


def dials(world):
    return [when for when, _ in world.of(Redial)]


def test_a_server_that_is_not_there_is_dialled_ever_more_rarely_and_asked_nothing_in_between():
    world = World(tells=True)
    world.at(2.0, world.kill)
    world.run(62.0)
    gaps = [after - before for before, after in pairwise(dials(world))]
    assert gaps[0] < 2 * FIRST_S + 2 * ONE_WAY_S
    assert all(UNREACHABLE_S / 2 <= gap <= UNREACHABLE_S + 3 * ONE_WAY_S for gap in gaps[5:])
    asked = [when for when, message in world.sent if when > 2.1]
    assert asked == dials(world)  # a greeting with each connection, and nothing into a dead one


def test_a_server_that_refuses_is_left_alone_for_half_a_minute_in_the_end():
    world = World(tells=True, refuses=True)
    world.at(2.0, world.kill)
    world.run(302.0)
    gaps = [after - before for before, after in pairwise(dials(world))]
    assert all(REFUSED_S / 2 <= gap <= REFUSED_S + 3 * ONE_WAY_S for gap in gaps[10:])
    assert len(gaps) < 30


def test_the_schedule_of_connections_is_that_of_its_seed():
    def schedule(seed):
        session = DeviceSession(policy=Back2Back(), frame_interval_s=INTERVAL_S, backoff=Backoff(seed))
        world = World(tells=True, session=session)
        world.at(2.0, world.kill)
        world.run(12.0)
        return dials(world)

    assert schedule(1) == schedule(1) != schedule(2)


@pytest.mark.parametrize("down_at", DOWN_AT)
@pytest.mark.parametrize("down_s", [0.05, 0.7, 3.1, 4.9, 5.1, 9.0])
def test_a_link_that_stalled_is_used_within_two_seconds(down_at, down_s):
    world, back_at = World(), down_at + down_s
    world.at(down_at, world.stall)
    world.at(back_at, world.flow)
    world.run(back_at + 4)
    assert world.first_result_after(back_at) - back_at < 2
    world.check_displays()


@pytest.mark.parametrize("down_at", DOWN_AT)
@pytest.mark.parametrize("down_s", [0.05, 3.1, 5.1, 9.0, 30.0])
def test_a_connection_that_died_without_a_sign_is_replaced_after_the_timeout(down_at, down_s):
    """As behind a router that forgot it: the link is back, but whatever uses the old connection vanishes."""
    world, back_at = World(), down_at + down_s
    world.at(down_at, world.cut_link)
    world.at(back_at, world.restore_link)
    world.run(back_at + 8)
    assert world.first_result_after(back_at) < max(back_at, down_at + OFFLOAD_TIMEOUT_S) + 2
    world.check_displays()


def test_a_short_stall_fails_no_offload():
    world = World()
    world.at(2.0, world.stall)
    world.at(4.5, world.flow)
    world.run(8)
    assert not [event for _, event in world.of(OffloadDone) if event.record.failed]
    assert not world.of(Lost)


def test_nothing_is_offloaded_to_a_server_that_is_lost():
    world = World()
    world.at(2.0, world.kill)
    world.run(60)
    (lost_at, lost), *more = world.of(Lost)
    assert not more
    assert lost.reason == "no word from the server for 2 s"
    assert not [when for when, message in world.sent if isinstance(message, Offload) and when > lost_at]
    greetings = [when for when, message in world.sent if isinstance(message, Hello) and when >= lost_at]
    assert np.diff(greetings) == pytest.approx(RETRY_S)
    assert np.diff([when for when, _ in world.of(Redial)]) == pytest.approx(REDIAL_S)
    world.check_displays()


def test_a_restart_shorter_than_a_heartbeat_fails_what_was_on_its_way_at_once():
    world = World(think_s=0.6)
    world.at(2.3, world.kill)
    world.at(2.31, world.restart)
    world.run(6)
    failed = [event for _, event in world.of(OffloadDone) if event.record.failed]
    assert [event.reason for event in failed] == ["the server has forgotten this device"]
    assert [type(event) for _, event in world.of((Lost, Connected))] == [Connected, Lost, Connected]


def test_a_slow_link_is_no_lost_server():
    world = World(frame_bytes=4_000_000)  # four seconds each
    world.run(20)
    assert not world.of((Lost, Redial))
    assert not [event for _, event in world.of(OffloadDone) if event.record.failed]
    assert len(world.of(OffloadDone)) == 4


def test_a_slow_server_is_no_lost_server():
    world = World(think_s=4.5)
    world.run(20)
    assert not world.of((Lost, Redial))
    assert len(world.of(OffloadDone)) == 4


def test_a_server_that_comes_late_is_greeted_until_it_answers():
    world = World()
    world.kill()
    world.at(9.0, world.restart)
    world.run(12)
    (connected_at, _), *_ = world.of(Connected)
    assert connected_at - 9.0 < RETRY_S + 3 * ONE_WAY_S
    assert not world.of(Lost)
    world.check_displays()


# The rules one by one, by hand.


class Device:
    """A session that was welcomed at 0 and encodes and decides in no time."""

    def __init__(self):
        self.session = DeviceSession(policy=Back2Back(), frame_interval_s=INTERVAL_S)
        self.session.start(0.0)
        self.receive(WELCOME, 0.0)

    def take(self, events, now):
        made = list(events)
        for event in events:
            if isinstance(event, DecideWork):
                made += self.take(self.session.decide(now), now)
            elif isinstance(event, EncodeWork):
                made += self.take(self.session.encoded(event.offload_id, EncodedFrame(full=b"j"), now), now)
        return made

    def capture(self, index, now):
        frame = Frame(pixels=np.zeros((128, 192, 3), np.uint8), index=index, captured_at=now)
        return self.take(self.session.capture(frame, now), now)

    def receive(self, message, now):
        return self.take(self.session.receive(encode(message), now), now)

    def advance(self, now):
        return self.take(self.session.advance(now), now)


def messages(events):
    return [decode_from_device(event.payload) for event in events if isinstance(event, Send)]


def test_a_busy_link_is_asked_for_a_sign_of_life_only_after_silence():
    device = Device()
    device.receive(Pong(number=1), 0.05)
    device.capture(0, 0.1)
    assert messages(device.advance(0.05 + SILENCE_S - 0.01)) == []
    assert messages(device.advance(0.05 + SILENCE_S)) == [Ping(number=2)]
    assert messages(device.advance(0.05 + SILENCE_S + RETRY_S)) == [Ping(number=3)]


def test_a_heartbeat_that_overtakes_its_frame_says_that_the_frame_is_lost():
    device = Device()
    device.receive(Pong(number=1), 0.05)
    device.capture(0, 0.1)
    device.advance(1.2)
    events = device.receive(Pong(number=2), 1.25)
    (done,) = (event for event in events if isinstance(event, OffloadDone))
    assert done.reason == "the frame was lost on its way"


def test_a_heartbeat_sent_before_its_frame_says_nothing_about_it():
    device = Device()
    device.capture(0, 0.1)
    assert not [event for event in device.receive(Pong(number=1), 0.2) if isinstance(event, OffloadDone)]


def test_a_heartbeat_over_a_busy_link_does_not_count_as_round_trip():
    device = Device()
    device.receive(Pong(number=1), 0.05)
    device.capture(0, 0.1)
    device.advance(1.2)
    device.receive(Ack(offload_id=0), 3.0)
    device.receive(Pong(number=2), 3.0)
    message = Result.of(Detections.empty(NAMES), offload_id=0, decode_s=0.0, inference_s=0.0)
    (done,) = (event for event in device.receive(message, 3.1) if isinstance(event, OffloadDone))
    assert done.record.rtt_s == pytest.approx(0.05)


def test_a_stranger_greets_once_however_often_it_is_told():
    device = Device()
    device.capture(0, 0.1)
    device.advance(0.19)
    first, second = device.receive(Stranger(), 0.2), device.receive(Stranger(), 0.2)
    assert [type(event) for event in first] == [Lost, Send, OffloadDone]
    assert messages(first) == [Hello()]
    assert second == []


def test_what_was_displayed_stays_until_the_server_that_came_back_has_seen_something_else():
    device = Device()
    device.capture(0, 0.1)
    seen = Detections(boxes=np.ones((1, 4)), scores=np.ones(1), class_id=np.zeros(1), class_names=NAMES)
    device.receive(Ack(offload_id=0), 0.12)
    device.receive(Result.of(seen, offload_id=0, decode_s=0.0, inference_s=0.0), 0.13)
    device.receive(Stranger(), 0.14)
    device.receive(WELCOME, 0.15)
    device.capture(1, 0.2)
    (shown,) = (event for event in device.advance(0.2 + INTERVAL_S) if isinstance(event, Displayed))
    assert len(shown.detections) == 1


def test_an_idle_link_that_says_nothing_is_dialled_anew():
    device = Device()
    assert not [event for event in device.advance(LOST_S - 0.01) if isinstance(event, Redial)]
    events = device.advance(LOST_S)
    assert [type(event) for event in events] == [Lost, Redial, Send]
    assert messages(events) == [Hello()]


def test_an_abandoned_run_waits_for_nothing():
    device = Device()
    device.capture(0, 0.1)
    events = device.session.abandon(0.11)
    assert [event.reason for event in events if isinstance(event, OffloadDone)] == ["the run was ended"]
    device.advance(0.1 + INTERVAL_S)
    assert device.session.finished
