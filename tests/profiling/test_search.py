"""The space of networks that is searched, and what a try costs."""

from types import SimpleNamespace

import numpy as np
import pytest
from tests.profiling.test_fit import made_up_rows

from foveate.profiling import Training
from foveate.profiling.search import error_of, suggested

LOWEST = SimpleNamespace(suggest_int=lambda name, low, high: low, suggest_float=lambda name, low, high, log=False: low)


def test_a_point_of_the_space_is_a_training():
    assert suggested(LOWEST) == Training(hidden=(16, 16), steps=300, rate=3e-4, decay=1e-3, noise=0.0)


def test_errors_are_relative():
    parts = [made_up_rows(20, seed=k, clip=k) for k in range(2)]
    nothing = error_of(parts, lambda rows, of: lambda columns: np.zeros(len(columns["clip"])))
    assert nothing == pytest.approx(1)
