import numpy as np
import pytest

from foveate.core import ManualClock
from foveate.server.events import ClientForgotten, ServingStarted
from foveate.server.watch.page import Gallery
from foveate.server.watch.page.gallery import HISTORY, MOST_CLIENTS


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def gallery(clock, welcome):
    gallery = Gallery(clock)
    gallery(ServingStarted(welcome=welcome))
    return gallery


def test_each_client_has_its_newest_answer(gallery, answered):
    for client, number in ((b"b", 0), (b"a", 0), (b"b", 1)):
        gallery(answered(client, number=number))
    assert [(view.client, view.offload.offload_id) for view in gallery.views()] == [(b"a", 0), (b"b", 1)]
    assert gallery.answers == 3


def test_a_view_has_the_mask_that_was_sent(gallery, answered):
    gallery(answered(masked=True))
    (view,) = gallery.views()
    assert np.array_equal(view.mask, [[True] * 3, [False] * 3])


def test_latencies_add_up_and_the_oldest_are_dropped(gallery, answered):
    for number in range(HISTORY + 5):
        gallery(answered(queue_s=float(number)))
    (view,) = gallery.views()
    assert len(view.latencies_s) == HISTORY
    assert view.latencies_s[-1] == pytest.approx(HISTORY + 4 + 0.154)
    assert view.latencies_s[0] == pytest.approx(5 + 0.154)


def test_a_client_that_is_forgotten_or_silent_for_a_minute_is_gone(gallery, answered, clock):
    gallery(answered(b"a"))
    gallery(answered(b"b"))
    gallery(ClientForgotten(client=b"a"))
    assert [view.client for view in gallery.views()] == [b"b"]
    clock.advance_to(61)
    assert gallery.views() == []


def test_a_crowd_is_bounded_and_keeps_those_answered_last(gallery, answered):
    for number in range(MOST_CLIENTS + 1):
        gallery(answered(number.to_bytes(2, "big")))
    gallery(answered((1).to_bytes(2, "big")))
    gallery(answered(b"new"))
    shown = {view.client for view in gallery.views()}
    assert len(shown) == MOST_CLIENTS
    assert {b"new", (1).to_bytes(2, "big")} <= shown
    assert not {(0).to_bytes(2, "big"), (2).to_bytes(2, "big")} & shown


def test_an_answer_of_a_model_that_nobody_described_is_not_shown(clock, answered):
    gallery = Gallery(clock)
    gallery(answered())
    assert gallery.views() == []
    assert gallery.models == ()
