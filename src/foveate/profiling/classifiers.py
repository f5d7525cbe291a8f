"""How long generalist, experts and their coding take on one core of this machine, in processor time.

Processor time leaves out what other programs take; it counts one thread. Before each call the core rests, as it does
between the samples of a stream: calls that follow one another at once find everything in the caches, and small models
then take half of the time (docs/log.md).
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from foveate.codec import PictureCoding, decode_picture, encode_picture
from foveate.core import Pixels, SampleTimes
from foveate.models import Classifier
from foveate.models.threads import one_thread

BATCHES = (1, 2, 4, 8, 16)
REST_S = 0.02


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
    with one_thread():
        batches = {n: _median(partial(expert.logits, np.stack([picture] * n)), repeats) for n in BATCHES}
        sizes, took = np.array(list(batches)), np.array(list(batches.values()))
        slope, intercept = np.polyfit(sizes, took, 1, w=1 / took)  # by relative errors: most batches are small
        payload = encode_picture(picture, coding)
        return SampleTimes(
            source=f"{machine}, one core, processor time of calls {1e3 * REST_S:.0f} ms apart",
            generalist_s=_median(lambda: generalist.logits(picture[None]), repeats),
            expert_on_device_s=batches[1],
            encode_s=_median(lambda: encode_picture(picture, coding), 2 * repeats),
            decode_s=_median(lambda: decode_picture(payload, size=picture.shape[:2]), 2 * repeats),
            batch_s=max(float(intercept), 0.0),
            sample_s=float(slope),
        )


def _median(call: Callable[[], object], repeats: int) -> float:
    call()
    times = []
    for _ in range(repeats):
        time.sleep(REST_S)
        began_at = time.thread_time()
        call()
        times.append(time.thread_time() - began_at)
    return statistics.median(times)
