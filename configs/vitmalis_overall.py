"""Five policies on the evaluation clips over the evaluation traces, as recorded and scaled to the paper's range.

Command: `foveate compare vitmalis-overall --part main --out out/overall`, then without `--part` for what the
verdict depends on. Cost: see `--plan`; the main part is about a day of two cores at 8 clips, most of it inference
of frames that no earlier run has offloaded; 445 of its 960 cells took
12 minutes with an H200 and 12 processes. Expected: the order of the paper, Back2Back far below the rest.
"""

from foveate.experiments import vitmalis_overall as experiment

__all__ = ["experiment"]
