"""What deciding costs the device.

Command: `foveate compare overhead --part main --machine PROFILE.json --out out/overall`, with profiles that
`foveate profile` measured. Cost: that of `vitmalis-overall`, or seconds in its folder. Expected: the paper's
figure 11: motion 10 ms, estimates 9 ms, choice 2 ms; ours are below that on one core.
"""

from foveate.experiments import overhead as experiment

__all__ = ["experiment"]
