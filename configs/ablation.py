"""ViTMAlis without one of its parts at a time.

Command: `foveate compare ablation --part main --out out/ablation`. Cost: see `--plan`; about that of
`vitmalis-overall`, whose cells of the full system it shares in one folder. Expected: each part is worth less than
0.02, dynamic restoration the most (0.012 in the paper).
"""

from foveate.experiments import ablation as experiment

__all__ = ["experiment"]
