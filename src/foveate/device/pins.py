"""Device and server on one processor core each, so that neither slows the other down."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from foveate.core import InputError


def two_cores() -> tuple[int, int]:
    """A CPU core for the device and another for the server. Raises `InputError` where there are not two."""
    if not hasattr(os, "sched_getaffinity"):
        raise InputError("--pin needs Linux")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise InputError(f"--pin needs two CPU cores, this process may use {len(cores)}")
    return cores[0], cores[1]


@contextmanager
def pinned_to(core: int | None) -> Iterator[None]:
    """Keep this thread, and those that it starts, on one CPU core; None leaves them alone."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
