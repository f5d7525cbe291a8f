"""Published models, unmodified, at mixed resolution: one file per family (extra `transformers`).

`load_model` makes any of them from its folder. `MixedBackbone` is what a further family implements, and
`foveate.testing.families.FamilyContract` what it must then pass.
"""

from foveate.models.families._base import Features, HeadedNetwork, MixedBackbone, MixedImages, MixedNetwork
from foveate.models.families.loading import FAMILIES, UNSUPPORTED, load_model
from foveate.models.families.pose import PoseEstimator, Poses
from foveate.models.families.published import DepthEstimator, FeatureExtractor, PublishedDetector, PublishedModel

__all__ = [
    "FAMILIES",
    "UNSUPPORTED",
    "DepthEstimator",
    "FeatureExtractor",
    "Features",
    "HeadedNetwork",
    "MixedBackbone",
    "MixedImages",
    "MixedNetwork",
    "PoseEstimator",
    "Poses",
    "PublishedDetector",
    "PublishedModel",
    "load_model",
]
