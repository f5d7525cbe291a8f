"""Measurements -> numbers that policies compare: relevance, link, size, accuracy, latency. No choices, no torch."""

from foveate.estimators.link import AVERAGES, LinkEstimator
from foveate.estimators.performance import (
    ACCURACY_FEATURES,
    SIZE_FEATURES,
    PerformanceEstimator,
    decode_seconds,
    encode_seconds,
    features,
    inference_seconds,
)
from foveate.estimators.profile_files import load_profile, read_profile, shipped_profiles, write_profile
from foveate.estimators.regression import Regressor
from foveate.estimators.relevance import task_relevance

__all__ = [
    "ACCURACY_FEATURES",
    "AVERAGES",
    "SIZE_FEATURES",
    "LinkEstimator",
    "PerformanceEstimator",
    "Regressor",
    "decode_seconds",
    "encode_seconds",
    "features",
    "inference_seconds",
    "load_profile",
    "read_profile",
    "shipped_profiles",
    "task_relevance",
    "write_profile",
]
