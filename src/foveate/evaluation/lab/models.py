"""Models inside a worker process: loaded once, and only if something must be computed."""

from collections.abc import Callable
from functools import lru_cache, partial

from foveate.evaluation.processes import load_model
from foveate.network.messages import Welcome
from foveate.server import DetectorLike, welcome_of

LoadByName = Callable[[str], DetectorLike]
"""Makes the detector of that name; importable in another process."""


@lru_cache(maxsize=4)
def detector(load: LoadByName, name: str) -> DetectorLike:
    """The detector, the same object in every call of this process."""
    return load(name)


def loader(load: LoadByName, name: str) -> Callable[[], DetectorLike]:
    """Gives the detector when it is wanted."""
    return partial(detector, load, name)


def describe(load: LoadByName, name: str) -> Welcome:
    """What a server that runs the model tells its devices."""
    return welcome_of(detector(load, name))


__all__ = ["LoadByName", "describe", "detector", "load_model", "loader"]
