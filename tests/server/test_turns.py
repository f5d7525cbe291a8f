from hypothesis import given
from hypothesis import strategies as st

from foveate.server.turns import Turns

tokens = st.integers(1, 40_000)


@given(st.lists(tokens, min_size=2, max_size=5), st.integers(1, 200))
def test_of_two_clients_that_always_wait_neither_gets_more_than_a_frame_of_each_ahead(sizes, rounds):
    turns, served = Turns(), dict.fromkeys(range(len(sizes)), 0)
    waiting = {client: (turns.tag(bytes([client])), size) for client, size in enumerate(sizes)}
    for _ in range(rounds):
        client = min(waiting, key=lambda name: waiting[name][0])
        tag, size = waiting[client]
        turns.begin(tag)
        turns.charge(bytes([client]), tag, size)
        served[client] += size
        waiting[client] = (turns.tag(bytes([client])), size)
        for a, size_a in enumerate(sizes):
            for b, size_b in enumerate(sizes):
                assert served[a] - served[b] <= size_a + size_b


def test_who_comes_after_a_pause_claims_nothing_for_it():
    turns = Turns()
    for _ in range(10):
        tag = turns.tag(b"busy")
        turns.begin(tag)
        turns.charge(b"busy", tag, 100)
    assert turns.tag(b"new") == 900  # the tag of what is served, not 0
    assert turns.tag(b"busy") == 1000


def test_after_a_rest_all_are_equal():
    turns = Turns()
    turns.charge(b"a", turns.tag(b"a"), 30_000)
    assert turns.tag(b"a") > turns.tag(b"b")
    turns.rest()
    assert turns.tag(b"a") == turns.tag(b"b")


def test_a_forgotten_client_begins_anew():
    turns = Turns()
    turns.charge(b"a", turns.tag(b"a"), 500)
    turns.forget(b"a")
    assert turns.tag(b"a") == 0
