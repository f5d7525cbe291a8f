"""The space of networks that is searched, and what a try costs."""

from types import SimpleNamespace

import numpy as np
import pytest
from tests.profiling.test_fit import made_up_rows

from foveate.profiling import FitOptions, Training, fit_network
from foveate.profiling.search import error_of, suggested, with_training

LOWEST = SimpleNamespace(suggest_int=lambda name, low, high: low, suggest_float=lambda name, low, high, log=False: low)


def test_a_point_of_the_space_is_a_training():
    assert suggested(LOWEST) == Training(hidden=(16, 16), steps=300, rate=3e-4, decay=1e-3, noise=0.0)


def test_the_shape_found_is_the_shape_fitted():
    options = with_training(FitOptions(), "accuracy", Training(hidden=(8, 4), steps=1))
    network = fit_network(made_up_rows(50), "accuracy", options=options)
    assert [len(biases) for _, biases in network.layers] == [8, 4, 1]
    assert options.size == FitOptions().size


@pytest.mark.parametrize(("target", "error"), [("size", 1.0), ("accuracy", 0.25)])
def test_errors_are_relative_for_sizes_and_squared_for_accuracies(target, error):
    parts = [made_up_rows(20, seed=k, clip=k) for k in range(2)]
    for part in parts:
        part.accuracy[:] = 0.5
    nothing = error_of(parts, target, lambda rows, of: lambda columns: np.zeros(len(columns["clip"])))
    assert nothing == pytest.approx(error)
