"""Which frame leaves, and when the policy is asked."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from tests.welcome import WELCOME

from foveate.core import Detections, Frame, OffloadPlan
from foveate.device import DecideWork, EncodeWork
from foveate.device.backoff import Backoff
from foveate.device.connection import Connection
from foveate.device.departures import Departures
from foveate.device.flights import Flights
from foveate.device.following import Following
from foveate.device.reluctance import Reluctance


@dataclass
class Choosing:
    """Sends half-size frames, or none."""

    plan: OffloadPlan | None = field(default_factory=lambda: OffloadPlan(frame_scale=0.5))
    name, tracks, needs_profile = "choosing", False, False

    def decide(self, _state):
        return self.plan


@dataclass
class SentSoFar:
    """Stands in for what a policy is told: keeps what it is told itself."""

    asked: list = field(default_factory=list)
    offloaded_frames: list = field(default_factory=list)

    def state(self, frame, _welcome, *, offloaded):
        self.asked.append((frame.index, None if offloaded is None else offloaded.index))

    def offloaded(self, frame, _plan, grid):
        self.offloaded_frames.append((frame.index, (grid.height, grid.width)))


class Bench:
    def __init__(self, policy=None):
        self.connection, self.following, self.outlook = Connection(), Following(), SentSoFar()
        self.reluctance = Reluctance(Backoff())
        self.flights = Flights(5.0, self.connection)
        self.connection.greet(0.0)
        self.connection.welcomed(WELCOME)
        self.departures = Departures(
            policy or Choosing(),
            outlook=self.outlook,
            flights=self.flights,
            following=self.following,
            connection=self.connection,
            reluctance=self.reluctance,
        )

    def capture(self, index):
        self.departures.capture(Frame(pixels=np.zeros((128, 192, 3), np.uint8), index=index, captured_at=index / 10))
        return self.departures.consider()


def test_one_decision_at_a_time_about_the_frame_that_is_newest_when_it_is_made():
    bench = Bench()
    assert bench.capture(0) == [DecideWork()]
    assert bench.capture(1) == []
    (work,) = bench.departures.decide(0.2)
    assert isinstance(work, EncodeWork)
    assert (work.frame.index, work.grid.height, work.grid.width) == (1, 64, 96)
    assert bench.outlook.offloaded_frames == [(1, (128, 192))]
    assert [flight.frame.index for flight in bench.flights] == [1]


def test_no_frame_leaves_twice():
    bench = Bench()
    bench.capture(0)
    bench.departures.decide(0.1)
    (flight,) = bench.flights
    bench.flights.give_up(flight, "gone", 0.2)
    assert bench.departures.consider() == []
    assert bench.capture(1) == [DecideWork()]
    bench.departures.decide(0.3)
    assert bench.outlook.asked == [(0, None), (1, 0)]


def test_a_policy_that_waits_is_asked_again():
    bench = Bench(Choosing(plan=None))
    bench.capture(0)
    assert bench.departures.decide(0.1) == []
    assert bench.departures.consider() == [DecideWork()]


@pytest.mark.parametrize("reason", ["closed", "busy", "lost", "catching up", "in flight"])
def test_nothing_leaves(reason):
    bench = Bench()
    bench.capture(0)
    match reason:
        case "closed":
            bench.departures.closed = True
        case "busy":
            bench.reluctance.busy(0.1)
        case "lost":
            bench.connection.ended("closed", 0.1, refused=False)
        case "catching up":
            bench.following.landed(
                Frame(pixels=np.zeros((1, 1, 3), np.uint8), index=0, captured_at=0.0), Detections.empty(("car",))
            )
        case "in flight":
            bench.departures.decide(0.1)
            bench.outlook.asked.clear()
    assert bench.departures.decide(0.2) == []
    assert bench.capture(1) == []
    assert bench.outlook.asked == []
