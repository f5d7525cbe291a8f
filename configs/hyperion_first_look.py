"""`hyperion-overall` with two seconds, one 4G and one 5G trace: what a report looks like, too few samples to rank.

Command: `foveate compare hyperion-first-look --part main --out out/first-look`. Cost: about 3 hours of one slow core
the first time, seconds the second. Expected: every policy answers within the deadline; no order is to be read from it.
"""

from foveate.experiments import hyperion_first_look as experiment

__all__ = ["experiment"]
