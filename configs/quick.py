"""The whole path on the clip and the trace that ship with foveate: an example of a report, no evidence.

    foveate compare quick --out out/quick        (or: foveate compare configs/quick.py --out out/quick)

Cost: under 2 minutes of two slow cores the first time, seconds the second. Expected: policies that track show far more
than Back2Back; one clip cannot rank the others.
"""

from foveate.experiments import quick as experiment

__all__ = ["experiment"]
