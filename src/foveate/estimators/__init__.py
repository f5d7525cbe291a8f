"""Measurements -> numbers that policies compare: relevance, link, size, accuracy, latency. No choices, no torch."""

from foveate.estimators.class_models import (
    OriginalSize,
    accuracy_by_class,
    fit_accuracy_line,
    fit_accuracy_table,
    fit_size_line,
    fit_size_table,
    predicted_accuracy,
    predicted_ratio,
    size_by_class,
)
from foveate.estimators.fading import Fading
from foveate.estimators.features import (
    ACCURACY_FEATURES,
    DEVICE_ACCURACY_FEATURES,
    DEVICE_SIZE_FEATURES,
    SIZE_FEATURES,
    detail_share,
    features,
    lost_share,
    mean_detail,
)
from foveate.estimators.link import AVERAGES, LinkEstimator
from foveate.estimators.natural_breaks import (
    classify_patches,
    goodness_of_variance_fit,
    importance_classes,
    natural_breaks,
)
from foveate.estimators.non_negative import non_negative_least_squares
from foveate.estimators.performance import (
    PerformanceEstimator,
    computing_s,
    decode_seconds,
    encode_seconds,
    inference_seconds,
)
from foveate.estimators.profile_files import load_profile, read_profile, shipped_profiles, write_profile
from foveate.estimators.refinement import refine_classes
from foveate.estimators.regression import Regressor
from foveate.estimators.relevance import task_relevance

__all__ = [
    "ACCURACY_FEATURES",
    "AVERAGES",
    "DEVICE_ACCURACY_FEATURES",
    "DEVICE_SIZE_FEATURES",
    "SIZE_FEATURES",
    "Fading",
    "LinkEstimator",
    "OriginalSize",
    "PerformanceEstimator",
    "Regressor",
    "accuracy_by_class",
    "classify_patches",
    "computing_s",
    "decode_seconds",
    "detail_share",
    "encode_seconds",
    "features",
    "fit_accuracy_line",
    "fit_accuracy_table",
    "fit_size_line",
    "fit_size_table",
    "goodness_of_variance_fit",
    "importance_classes",
    "inference_seconds",
    "load_profile",
    "lost_share",
    "mean_detail",
    "natural_breaks",
    "non_negative_least_squares",
    "predicted_accuracy",
    "predicted_ratio",
    "read_profile",
    "refine_classes",
    "shipped_profiles",
    "size_by_class",
    "task_relevance",
    "write_profile",
]
