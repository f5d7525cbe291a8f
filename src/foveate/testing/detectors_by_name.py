"""Fake detectors by name, for programs that load models in other processes."""

from foveate.testing.detectors import FakeDetector


def fake_model(name: str) -> FakeDetector:
    """A `FakeDetector` of that name; every name is known."""
    return FakeDetector(name=name)
