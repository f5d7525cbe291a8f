import time

import numpy as np
import pytest

from foveate.codec import PictureCoding
from foveate.profiling.classifiers import REST_S, measure_classifiers

PICTURE = np.zeros((32, 32, 3), np.uint8)


class Busy:
    """A model that computes for a time that depends on how many pictures it gets."""

    def __init__(self, batch_s, sample_s):
        self.batch_s, self.sample_s, self.began_at, self.ended_at = batch_s, sample_s, [], []

    def logits(self, pixels):
        self.began_at.append(time.monotonic())
        until = time.thread_time() + self.batch_s + self.sample_s * len(pixels)
        while time.thread_time() < until:
            pass
        self.ended_at.append(time.monotonic())
        return np.zeros((len(pixels), 2), np.float32)


def test_times_of_batches_are_a_line_and_calls_find_the_core_rested():
    generalist, expert = Busy(0.001, 0.0), Busy(0.002, 0.0005)
    times = measure_classifiers(generalist, expert, PICTURE, PictureCoding(), machine="here", repeats=3)
    assert times.generalist_s == pytest.approx(0.001, rel=0.1)
    assert times.batch_s == pytest.approx(0.002, rel=0.2)
    assert times.sample_s == pytest.approx(0.0005, rel=0.1)
    assert times.expert_on_device_s == pytest.approx(0.0025, rel=0.1)
    assert generalist.began_at[-1] - generalist.ended_at[-2] >= REST_S
