"""ViTMAlis with other estimators of content, link and inference.

Command: `foveate compare estimators --part main --out out/estimators`; table II and the other domains by
`python benchmarks/bench_estimators.py --side evaluation`. Cost: see `--plan`; like `vitmalis-overall`, whose cells
of the full system it shares in one folder. Expected: small differences, as the knee is flat; means alone lose most.
"""

from foveate.experiments import estimators as experiment

__all__ = ["experiment"]
