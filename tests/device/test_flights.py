"""Offloads from their start to an `OffloadDone`, without a session around them."""

import numpy as np
import pytest
from tests.welcome import NAMES, WELCOME

from foveate.codec import EncodedFrame
from foveate.core import Detections, Frame, OffloadPlan, ProtocolError
from foveate.device.connection import Connection
from foveate.device.flights import Flights
from foveate.network.messages import Result, decode_from_device

ENCODED = EncodedFrame(full=bytes(700), low=bytes(300))
FRAME = Frame(pixels=np.zeros((128, 192, 3), np.uint8), index=7, captured_at=0.9)
FOUND = Detections(boxes=np.array([[1.0, 2.0, 30.0, 40.0]]), scores=[0.9], class_id=[1], class_names=NAMES)
RESULT = Result.of(FOUND, offload_id=0, queue_s=0.01, decode_s=0.02, inference_s=0.03)


@pytest.fixture
def connection():
    connection = Connection()
    connection.greet(0.0)
    connection.welcomed(WELCOME)
    return connection


@pytest.fixture
def flights(connection):
    return Flights(2.0, connection)


def start(flights, plan=None):
    return flights.start(flights.started, FRAME, OffloadPlan() if plan is None else plan, 1.0)


def send(flights, flight, now=1.1, **options):
    return decode_from_device(flights.send(flight, ENCODED, score_threshold=0.3, now=now, **options).payload)


def test_a_result_ends_its_flight_with_the_servers_durations(flights):
    flight = start(flights)
    send(flights, flight)
    flight.acked_at = 1.2
    done = flights.land(flight, RESULT, 1.5)
    assert (done.record.queue_s, done.record.decode_s, done.record.inference_s) == (0.01, 0.02, 0.03)
    assert (done.captured_at, done.result, done.reason) == (0.9, FOUND, "")
    assert not flights


def test_boxes_in_a_smaller_image_come_back_in_pixels_of_the_frame(flights):
    flight = start(flights, OffloadPlan(frame_scale=0.5))
    assert (send(flights, flight).height, send(flights, flight).width) == (64, 96)
    assert np.array_equal(flights.land(flight, RESULT, 1.5).result.boxes, 2 * FOUND.boxes)


def test_a_result_that_cannot_be_leaves_its_flight_where_it_is(flights):
    flight = start(flights)
    bad = Result(offload_id=0, boxes=b"", scores=bytes(4), class_id=b"", decode_s=0.0, inference_s=0.0)
    with pytest.raises(ProtocolError):
        flights.land(flight, bad, 1.5)
    assert flights.get(0) is flight


def test_the_server_is_told_how_long_its_result_is_waited_for(flights):
    flight = start(flights)
    assert send(flights, flight).patience_s == pytest.approx(1.9)
    assert send(flights, flight, waits_until=1.3).patience_s == pytest.approx(0.2)
    assert send(flights, flight, waits_until=1.0).patience_s == 0


def test_what_is_given_up_on_the_uplink_blocks_the_next_round_trip(flights, connection):
    flight = start(flights)
    send(flights, flight)
    assert not flights.idle
    done = flights.give_up(flight, "gone", 1.5)
    assert (done.record.failed, done.result, done.reason) == (True, None, "gone")
    assert flights.idle
    number = connection.contact.ping(2.0, idle=True).number
    connection.contact.round_trip.pong(number, 2.5)
    assert connection.contact.round_trip.seconds is None


def test_only_a_heartbeat_sent_after_a_frame_overtakes_it(flights, connection):
    connection.contact.ping(0.5, idle=True)
    flight = start(flights)
    send(flights, flight)
    assert flights.overtaken(1, 1.2) == []
    connection.contact.ping(1.3, idle=False)
    (done,) = flights.overtaken(2, 1.4)
    assert done.reason == "the frame was lost on its way"


def test_the_overdue_are_lost_and_no_others(flights):
    start(flights)
    flights.start(1, FRAME, OffloadPlan(), 1.5)
    assert flights.timeout_at == 3.0
    (done,) = flights.give_up_overdue(3.0)
    assert (done.record.offload_id, done.reason) == (0, "no result within 2 s")
    assert (len(flights), flights.timeout_at) == (1, 3.5)


def test_after_a_failure_there_is_room_for_one_until_a_result_comes(flights):
    first = start(flights)
    flights.give_up(first, "gone", 1.1)
    second = start(flights)
    second.acked_at = 1.2
    assert not flights.room(2)
    flights.land(second, RESULT, 1.3)
    start(flights).acked_at = 1.4
    assert flights.room(2)
    assert flights.started == 3
