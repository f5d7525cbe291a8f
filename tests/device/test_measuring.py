"""Whose motion and detail are measured."""

import msgspec
import numpy as np
import pytest
from tests.welcome import WELCOME

from foveate.core import Frame
from foveate.device.connection import Connection
from foveate.device.measuring import Measuring
from foveate.device.surroundings import Surroundings
from foveate.tracking import Motion, reduce

PIXELS = np.random.default_rng(0).integers(0, 256, (128, 192, 3)).astype(np.uint8)
MOTION = Motion(region_motion=np.full((2, 3), 1 / 6, np.float32), frame_motion=0.3)


@pytest.fixture
def connection():
    connection = Connection()
    connection.greet(0.0)
    connection.welcomed(WELCOME)
    return connection


def capture(measuring, index):
    measuring.capture(Frame(pixels=PIXELS, index=index, captured_at=index / 10), reduce(PIXELS))


def test_nothing_is_measured_before_the_server_says_what_its_regions_are():
    connection = Connection()
    measuring = Measuring(Surroundings(), connection)
    capture(measuring, 0)
    assert measuring.next_work() is None
    connection.greet(0.0)
    connection.welcomed(WELCOME)
    work = measuring.next_work()
    assert (work.seen.index, work.grid.shape) == (0, (2, 3))


def test_frames_that_come_meanwhile_are_passed_over_for_the_newest(connection):
    surroundings = Surroundings()
    measuring = Measuring(surroundings, connection)
    capture(measuring, 0)
    measuring.next_work()
    capture(measuring, 1)
    capture(measuring, 2)
    assert measuring.next_work() is None
    measuring.moved(MOTION)
    assert surroundings.motion is MOTION
    assert measuring.next_work().seen.index == 2
    measuring.moved(MOTION)
    assert measuring.next_work() is None


def test_regions_are_those_of_the_server_that_is_there(connection):
    measuring = Measuring(Surroundings(), connection)
    capture(measuring, 0)
    connection.forgotten(0.1, "another process")
    connection.welcomed(msgspec.structs.replace(WELCOME, window_size=4))
    assert measuring.next_work().grid.shape == (1, 2)


def test_a_look_is_at_the_newest_frame_whatever_is_being_measured(connection):
    surroundings, grid = Surroundings(), WELCOME.grid(128, 192)
    surroundings.motion = MOTION
    measuring = Measuring(surroundings, connection)
    measuring.look(grid)
    assert surroundings.content(grid, frame_index=0, latest=None).region_detail is None
    capture(measuring, 0)
    measuring.next_work()
    measuring.look(grid)
    assert surroundings.content(grid, frame_index=0, latest=None).region_detail.shape == (2, 3)
