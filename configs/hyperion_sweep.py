"""Hyperion and its baselines on every proportion of device and cloud, and by deadlines from 0.3 to 2 s.

Command: `foveate compare hyperion-sweep --part all --out out/sweep`. Cost: see `--plan`; three to five hours of two
cores. Expected: those who send lead where the cloud is fast, the device alone where it is slow; all who send gain by a
longer deadline.
"""

from foveate.experiments import hyperion_sweep as experiment

__all__ = ["experiment"]
