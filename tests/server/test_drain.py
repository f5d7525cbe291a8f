from collections import deque

from foveate.server.drain import MOST_PER_TURN, drain


class Flooded:
    """A hub with so many messages waiting."""

    def __init__(self, messages):
        self.waiting = deque((b"client", str(number).encode()) for number in range(messages))

    def poll(self, timeout_s):
        return self.waiting.popleft() if self.waiting else None


def test_nothing_came():
    assert list(drain(Flooded(0), None)) == []


def test_a_turn_takes_a_bounded_part_and_loses_nothing():
    hub = Flooded(MOST_PER_TURN + 5)
    first = list(drain(hub, hub.poll(0)))
    rest = list(drain(hub, hub.poll(0)))
    assert len(first) == MOST_PER_TURN
    assert [payload for _, payload in first + rest] == [str(n).encode() for n in range(MOST_PER_TURN + 5)]
