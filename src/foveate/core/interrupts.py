"""Ctrl-C reaches every process of a terminal; one that another process ends must not hear of it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_held() -> Iterator[None]:
    """SIGINT waits; a process that is started meanwhile never gets one, even while it still imports."""
    from multiprocessing import resource_tracker  # noqa: PLC0415 - the vocabulary alone starts no processes

    resource_tracker.ensure_running()  # it lets interrupts through once it has started, so not in the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
