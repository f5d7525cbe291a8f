"""Five policies on the evaluation clips over the evaluation traces, as recorded and scaled to the paper's range.

Command: `foveate compare vitmalis-overall --part main --out out/overall`, then without `--part` for what the
verdict depends on. Cost: see `--plan`; of the main part's 960 cells 445 took 12 minutes with an H200 and 12 processes,
and the last 480 two hours of two cores, most of it inference of frames that no earlier run has offloaded. Expected: the
order of the paper, Back2Back far below the rest.
"""

from foveate.experiments import vitmalis_overall as experiment

__all__ = ["experiment"]
