"""Public contract tests and fake peers, for foveate's own tests and for those of extensions. No room imports it."""

from foveate.testing.detectors import COLORS, FakeDetector
from foveate.testing.videos import moving_squares, write_clip

__all__ = ["COLORS", "FakeDetector", "moving_squares", "write_clip"]
