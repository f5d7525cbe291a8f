"""Fake detectors by name, for programs that load models in other processes."""

from foveate.core import WeightsError
from foveate.testing.detectors import FakeDetector


def fake_model(name: str) -> FakeDetector:
    """A `FakeDetector` of that name; every name is known."""
    return FakeDetector(name=name)


def slow_model(name: str) -> FakeDetector:
    """The same, but every batch takes a second."""
    return FakeDetector(name=name, inference_s=1.0)


def no_model(name: str) -> FakeDetector:
    """No name is known."""
    raise WeightsError(f"no model {name!r} here")
