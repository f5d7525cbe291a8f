"""Regions without objects are downsampled and restored at each of the five points, everything else fixed.

Command: `foveate compare restoration --out out/restoration`. Cost: see `--plan`; one start in each trace, ten
seconds a cell, about ten hours of two cores. Expected: the shape of the paper's figure 5: earlier restoration is
more accurate and slower; point 0 costs as much as the full frame.
"""

from foveate.experiments import restoration as experiment

__all__ = ["experiment"]
