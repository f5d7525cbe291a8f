"""An expert of a cluster, without a cluster."""

import threading

from foveate.server.cluster.experts import ClusterExpert
from foveate.testing.brightness import Brightness


class NoCluster:
    """Has one handle, whose answers are the pictures themselves."""

    def __init__(self):
        self.answer = self
        self.removed = []

    def start_expert(self, _name, _load, _size):
        return self

    def remote(self, pictures):
        self.pictures = pictures
        return self

    def result(self):
        return self.pictures

    def remove(self, name):
        self.removed.append(name)


class Pictures:
    """A batch as far as it matters here."""

    pictures = (b"a", b"b")


def test_a_batch_that_comes_after_the_end_is_lost_without_a_word():
    cluster, told, came = NoCluster(), [], threading.Event()

    def outcome(batch, what):
        told.append((batch, what))
        came.set()

    expert = ClusterExpert(cluster, "light", Brightness, size=(8, 8), on_outcome=outcome, on_death=lambda _: None)
    expert.wait_until_ready()
    batch = Pictures()
    expert.submit(batch)
    assert came.wait(5)
    assert told == [(batch, batch.pictures)]
    expert.stop()
    expert.stop()
    expert.submit(batch)
    assert len(told) == 1
