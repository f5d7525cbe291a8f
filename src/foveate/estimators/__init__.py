"""Measurements -> numbers that policies compare: relevance, link, size, accuracy, latency. No choices, no torch."""

from foveate.estimators.features import (
    ACCURACY_FEATURES,
    DEVICE_ACCURACY_FEATURES,
    DEVICE_SIZE_FEATURES,
    SIZE_FEATURES,
    detail_share,
    features,
    mean_detail,
)
from foveate.estimators.link import AVERAGES, LinkEstimator
from foveate.estimators.performance import (
    PerformanceEstimator,
    computing_s,
    decode_seconds,
    encode_seconds,
    inference_seconds,
)
from foveate.estimators.profile_files import load_profile, read_profile, shipped_profiles, write_profile
from foveate.estimators.regression import Regressor
from foveate.estimators.relevance import task_relevance

__all__ = [
    "ACCURACY_FEATURES",
    "AVERAGES",
    "DEVICE_ACCURACY_FEATURES",
    "DEVICE_SIZE_FEATURES",
    "SIZE_FEATURES",
    "LinkEstimator",
    "PerformanceEstimator",
    "Regressor",
    "computing_s",
    "decode_seconds",
    "detail_share",
    "encode_seconds",
    "features",
    "inference_seconds",
    "load_profile",
    "mean_detail",
    "read_profile",
    "shipped_profiles",
    "task_relevance",
    "write_profile",
]
