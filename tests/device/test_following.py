"""Which frames the tracker is given."""

import numpy as np

from foveate.core import Detections, Frame
from foveate.device.events import Tracked
from foveate.device.following import MOST_CAUGHT_UP, Following
from foveate.tracking import reduce

PIXELS = np.zeros((32, 32, 3), np.uint8)
NOTHING = Detections.empty(("person",))


def frame(index):
    return Frame(pixels=PIXELS, index=index, captured_at=float(index))


def after(frames):
    """A result for frame 0 that arrives when `frames` further frames were captured."""
    following = Following()
    following.awaits([frame(0)])
    for index in range(frames + 1):
        following.capture(frame(index), reduce(PIXELS))
    following.landed(frame(0), NOTHING)
    return following


def indices(work):
    return [seen.index for seen in work.frames]


def test_a_catch_up_takes_every_frame_that_passed():
    assert indices(after(MOST_CAUGHT_UP - 1).next_work()) == list(range(MOST_CAUGHT_UP))


def test_a_long_catch_up_takes_even_steps_from_the_results_frame_to_the_present():
    found = indices(after(200).next_work())
    assert len(found) == MOST_CAUGHT_UP
    assert found[0] == 0
    assert found[-1] == 200
    assert set(np.diff(found)) == {3, 4}


def test_before_a_first_result_no_frame_is_kept_but_those_that_one_may_come_for():
    following = Following()
    for index in range(100):
        following.capture(frame(index), reduce(PIXELS))
        assert len(following._kept) == 1
    following.awaits([frame(99)])
    for index in range(100, 110):
        following.capture(frame(index), reduce(PIXELS))
    following.landed(frame(99), NOTHING)
    following.awaits([])
    assert indices(following.next_work()) == list(range(99, 110))


def test_the_newest_frame_may_be_sent_after_the_tracker_has_seen_it():
    following = after(4)
    work = following.next_work()
    following.tracked(Tracked(source=work.source, frame_index=4, detections=NOTHING, retention=1.0))
    following.awaits([])  # an offload was given up
    following.awaits([frame(4)])
    following.capture(frame(5), reduce(PIXELS))
    following.landed(frame(4), NOTHING)
    assert indices(following.next_work()) == [4, 5]


def test_after_a_long_catch_up_tracking_goes_on_with_the_next_frame():
    following = after(200)
    work = following.next_work()
    following.tracked(Tracked(source=work.source, frame_index=200, detections=NOTHING, retention=1.0))
    assert not following.catching_up
    following.capture(frame(201), reduce(PIXELS))
    assert indices(following.next_work()) == [201]
