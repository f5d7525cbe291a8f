"""All policies on plaza-crowd at 2160 x 3840 and towncentre-1080p over the evaluation traces, deadline 400 ms.

Command: `foveate compare hyperion-overall --part main --out out/hyperion`, then without `--part` for deadlines, rules
and machines. Cost: see `--plan`; some days of two cores, cell by cell. Expected: the paper's order, Hyperion first,
then elf-v.
"""

from foveate.experiments import hyperion_overall as experiment

__all__ = ["experiment"]
