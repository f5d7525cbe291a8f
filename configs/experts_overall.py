"""Ask the Expert on the standard traces and a LAN: rows and sweeps of PROTOCOL section 8.

    foveate compare configs/experts_overall.py --out out/experts      (or: foveate compare experts-overall ...)

Cost and expectation: `foveate.experiments.experts.experts_overall`.
"""

from foveate.experiments.experts import experts_overall as experiment

__all__ = ["experiment"]
