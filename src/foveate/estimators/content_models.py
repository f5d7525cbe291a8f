"""Size and accuracy from features, in the ways that a profile offers."""

from collections.abc import Callable

import numpy as np

from foveate.core import ContentInputs, ContentProfile, InputError, OfflineMeans
from foveate.estimators.features import Columns, Numbers
from foveate.estimators.regression import Regressor

ContentModel = Callable[[Columns], Numbers]
"""Features `(n,)` by name -> bytes per pixel, or F1."""


def content_models(content: ContentProfile, inputs: ContentInputs) -> tuple[ContentModel, ContentModel]:
    """Models of size and of accuracy. Raises `InputError` where the profile lacks them."""
    match inputs:
        case "device":
            return Regressor(content.size), Regressor(content.accuracy)
        case "paper" if content.paper is not None:
            return Regressor(content.paper.size), Regressor(content.paper.accuracy)
        case "mean" if content.means is not None:
            return MeanModel(content.means, content.means.bytes_per_pixel), MeanModel(
                content.means, content.means.accuracy
            )
        case "truth":
            raise InputError("what a frame will bring is known in simulations alone")
    raise InputError(f"the profile has no estimators of content by {inputs!r}: see `foveate profile train`")


class MeanModel:
    """Mean of each configuration; of all of them for one that was never measured."""

    def __init__(self, means: OfflineMeans, values: tuple[float, ...]) -> None:
        keys = zip(means.downsampling_type, means.jpeg_quality, means.restoration_point, strict=True)
        self._values = dict(zip(keys, values, strict=True))
        self._else = float(np.mean(values))

    def __call__(self, columns: Columns) -> Numbers:
        """`(n,)`."""
        names = ("downsampling_type", "jpeg_quality", "restoration_point")
        keys = zip(*(columns[name].astype(np.int64).tolist() for name in names), strict=True)
        return np.array([self._values.get(key, self._else) for key in keys])
