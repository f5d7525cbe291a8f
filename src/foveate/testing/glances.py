"""A device's model without weights: squares of known colours, and importance where the picture is not grey."""

import numpy as np

from foveate.core import PATCH, Detections, ImportanceLayers, ImportanceMap, Pixels, patch_grid
from foveate.testing.detectors import FakeDetector


class FakeDeviceModel:
    """Sees what `FakeDetector` sees."""

    def __init__(self, name: str = "fake-device") -> None:
        self.name, self.weights_hash = name, f"hash-of-{name}"
        self._detector = FakeDetector(name=name)
        self.class_names = self._detector.class_names

    def __call__(self, pixels: Pixels, layers: ImportanceLayers | None, /) -> tuple[Detections, ImportanceMap | None]:
        """Importance of a patch: how far its brightest channel is from its darkest, plus a little."""
        found = self._detector.detect_batch([pixels], score_threshold=0.05)[0]
        return found, None if layers is None else _colourfulness(pixels)


def _colourfulness(pixels: Pixels) -> ImportanceMap:
    rows, columns = patch_grid(*pixels.shape[:2])
    spread = (pixels.max(axis=2) - pixels.min(axis=2)).astype(np.float32)
    missing = ((0, rows * PATCH - spread.shape[0]), (0, columns * PATCH - spread.shape[1]))
    whole = np.pad(spread, missing, mode="edge").reshape(rows, PATCH, columns, PATCH)
    return np.asarray(whole.mean(axis=(1, 3)) + 1, np.float32)


def fake_device_model(name: str) -> FakeDeviceModel:
    """A `FakeDeviceModel` of that name; every name is known."""
    return FakeDeviceModel(name)
