"""`hyperion-overall` on the rendered 4K crowd, with a weaker network on the device than in the cloud, as in the paper.

Command: `foveate compare hyperion-small-device --part main --out out/small-device`. Cost: half of `hyperion-overall`.
Expected: the cloud is worth more, so that those who send lead by more.
"""

from foveate.experiments import hyperion_small_device as experiment

__all__ = ["experiment"]
