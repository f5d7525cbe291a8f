"""Independent parts of an inference on a CPU, one thread each.

Threads inside an operation wait for one another at its end. Where the operations are small, or where other processes
want the processor, threads that each compute alone lose far less (docs/log.md).
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache

import torch


def in_threads(work: Callable[[int, int], None], *, on: torch.device) -> None:
    """Call `work(i, n)` for i in 0..n-1 side by side, n being torch's number of threads; returns when all are done.

    Gradients are not recorded. An error of any part is raised here. Off the CPU it is one call, `work(0, 1)`.
    """
    count = torch.get_num_threads() if on.type == "cpu" else 1
    if count == 1:
        work(0, 1)
        return
    inference = torch.is_inference_mode_enabled()

    def part(index: int) -> None:
        with torch.inference_mode(inference), torch.no_grad():
            work(index, count)

    for future in [_workers(count).submit(part, index) for index in range(count)]:
        future.result()


@contextmanager
def one_thread() -> Iterator[None]:
    """Operations of this thread, and of those that it starts, take one thread each."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=4)
def _workers(count: int) -> ThreadPoolExecutor:
    """Threads whose own operations run single-threaded."""
    pool, all_there = ThreadPoolExecutor(count, thread_name_prefix="foveate-part"), threading.Barrier(count)

    def settle() -> None:
        torch.set_num_threads(1)
        all_there.wait()

    for future in [pool.submit(settle) for _ in range(count)]:
        future.result()
    # The setting is also the default of threads to come, which must stay as it was.
    torch.set_num_threads(count)
    return pool
