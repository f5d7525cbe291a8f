"""Encoding and decoding by policy.

Command: `foveate compare codec --part main --out out/overall`. Cost: that of `vitmalis-overall`, or seconds in its
folder. Expected: the paper's figure 10: medians of 30, 30, 38, 30 and 39 ms. Our mosaics encode fewer pixels, so
ViTMAlis should lie below the full frame instead of above it.
"""

from foveate.experiments import codec as experiment

__all__ = ["experiment"]
