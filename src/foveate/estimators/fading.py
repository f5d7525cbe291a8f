"""How fast a tracked result falls behind: what a device learns of it from the results that come."""

from math import log

import numpy as np

LEAST_F1 = 0.05
"""Of an observation: below it a frame says no more than that little was left."""
KEPT = 0.9
"""Share of its weight that an observation keeps with each one that follows."""
USUAL_LOST, USUAL_RATE_PER_S = 0.25, 0.6
"""Of -ln F1, before anything was observed: what is lost at once, and with each second. Assumed."""
_SPREAD, _SPREAD_LOST, _SPREAD_RATE_PER_S = 0.3, 0.1, 0.5
"""How much single observations, and the two for different clips, lie about what is usual. Assumed."""


class Fading:
    """Expects F1 = exp(-lost - rate x age) of what a tracker shows against what the server would see.

    Bayesian linear regression of -ln F1 over age, in which the latest observations count most. Ages in one run are much
    alike: that the loss at once is known rather well is what tells objects that move from a model that wavers.
    """

    def __init__(self) -> None:
        self._moments = np.zeros(5)

    def observe(self, f1: float, age_s: float) -> None:
        """What was shown `age_s` after its frame had this F1 against the result that came for the newer frame."""
        x, y = age_s, -log(max(f1, LEAST_F1))
        self._moments = KEPT * self._moments + np.array([1.0, x, y, x * x, x * y])

    @property
    def rate_per_s(self) -> float:
        """Of the logarithm of F1, 0 or more."""
        n, x, y, xx, xy = self._moments.tolist()
        for_lost, for_rate = (_SPREAD / _SPREAD_LOST) ** 2, (_SPREAD / _SPREAD_RATE_PER_S) ** 2
        products = [[n + for_lost, x], [x, xx + for_rate]]
        _, rate = np.linalg.solve(products, [y + for_lost * USUAL_LOST, xy + for_rate * USUAL_RATE_PER_S])
        return max(float(rate), 0.0)
