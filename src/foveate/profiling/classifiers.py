"""How long generalist, experts and their coding take on one core of this machine, in processor time.

Processor time leaves out what other programs take; it counts one thread.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from foveate.codec import PictureCoding, decode_picture, encode_picture
from foveate.core import Pixels, SampleTimes
from foveate.models import Classifier

BATCHES = (1, 2, 4, 8, 16)


def measure_classifiers(
    generalist: Classifier,
    expert: Classifier,
    picture: Pixels,
    coding: PictureCoding,
    *,
    machine: str,
    repeats: int = 15,
) -> SampleTimes:
    """Medians of `repeats` calls; a line through the times of several batches gives those of the server.

    `picture`: uint8 `(H, W, 3)`, of the size that both models take.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        batches = {n: _median(partial(expert.logits, np.stack([picture] * n)), repeats) for n in BATCHES}
        slope, intercept = np.polyfit(list(batches), list(batches.values()), 1)
        payload = encode_picture(picture, coding)
        return SampleTimes(
            source=f"{machine}, one core, processor time",
            generalist_s=_median(lambda: generalist.logits(picture[None]), repeats),
            expert_on_device_s=batches[1],
            encode_s=_median(lambda: encode_picture(picture, coding), 10 * repeats),
            decode_s=_median(lambda: decode_picture(payload, size=picture.shape[:2]), 10 * repeats),
            batch_s=max(float(intercept), 0.0),
            sample_s=float(slope),
        )
    finally:
        torch.set_num_threads(before)


def _median(call: Callable[[], object], repeats: int) -> float:
    call()
    times = []
    for _ in range(repeats):
        began_at = time.thread_time()
        call()
        times.append(time.thread_time() - began_at)
    return statistics.median(times)
