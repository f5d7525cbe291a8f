"""Where the time of an offload goes.

Command: `foveate compare delays --part main --out out/overall`. Cost: that of `vitmalis-overall`, or seconds in
its folder. Expected: the paper's figure 9: ViTMAlis cuts both inference (263 to 162 ms) and network (to 90 ms).
"""

from foveate.experiments import delays as experiment

__all__ = ["experiment"]
