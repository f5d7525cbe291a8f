"""Ask the Expert on the standard traces and a LAN: all contenders and sweeps (docs/experts.md).

    foveate compare configs/experts_overall.py --out out/experts      (or: foveate compare experts-overall ...)

Cost: minutes of one core once models are trained (configs/experts_tiny_imagenet.py). Expected: the
paper's directions, with smaller gains: these are small models from nothing.
"""

from foveate.experiments.experts import experts_overall as experiment

__all__ = ["experiment"]
