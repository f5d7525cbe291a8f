"""Times of repeated calls, and how far a measurement has come."""

import statistics
import time
from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with the number of steps done and the number wanted."""


def silent(done: int, wanted: int) -> None:
    """Progress that nobody looks at."""


def median_s(call: Callable[[], object], *, repeats: int) -> tuple[float, float]:
    """Median seconds of `repeats` calls after one that does not count, and their relative standard deviation."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    middle = statistics.median(times)
    return middle, statistics.pstdev(times) / middle if middle > 0 else 0.0
