"""The device's model as what a device wants of it: boxes and importance of a picture."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from foveate.core import Detections, ImportanceLayers, ImportanceMap, Pixels

if TYPE_CHECKING:
    from foveate.models import MixedDetector

LOWEST_SCORE = 0.05
"""Of device boxes: average precision reads them all."""


class DeviceModel(Protocol):
    """A model that runs on a device; its `__call__` is a `device.Glance`."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    @property
    def weights_hash(self) -> str:
        """Changes whenever results may change."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of class ids."""
        ...

    def __call__(self, pixels: Pixels, layers: ImportanceLayers | None, /) -> tuple[Detections, ImportanceMap | None]:
        """Objects in pixels of the picture, and importance of its patches by these layers."""
        ...


DeviceModelLoader = Callable[[], DeviceModel]
"""Makes the device's model."""


def load_device_model(name: str) -> DeviceModel:
    """The detector called `name`, for a device. torch is imported here and not before."""
    from foveate.models import load_detector  # noqa: PLC0415  # only who runs a model needs torch

    return GlancingModel(load_detector(name))


class GlancingModel:
    """A detector of ours: objects of every score above `LOWEST_SCORE`, and importance from the same pass."""

    def __init__(self, detector: "MixedDetector") -> None:
        self._detector = detector
        self.name = detector.name
        self.weights_hash = detector.weights_hash
        self.class_names = detector.class_names

    def __call__(self, pixels: Pixels, layers: ImportanceLayers | None, /) -> tuple[Detections, ImportanceMap | None]:
        """One pass of the model."""
        if layers is None:
            return self._detector.detect_batch([pixels], score_threshold=LOWEST_SCORE)[0], None
        from foveate.models import ImportanceOptions, detect_with_importance  # noqa: PLC0415

        subsets = {"last": None, "first": (1,), "all": tuple(self._detector.restoration_points[1:])}[layers]
        options = ImportanceOptions(subsets=subsets)
        return detect_with_importance(self._detector, pixels, options, score_threshold=LOWEST_SCORE)
