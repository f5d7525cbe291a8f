"""ViTMAlis beside all its controls: one resolution, quality alone, an oracle, the best fixed, packing, pipelining.

Command: `foveate compare controls --part main --out out/controls`. Cost: see `--plan`; the oracle alone tries 10
configurations for each offload, nearly half of all inferences; one start in each trace. Expected: mixing above one
resolution where links are slow; the oracle little above the same configurations by estimates; one picture for two
nothing but a header.
"""

from foveate.experiments import controls as experiment

__all__ = ["experiment"]
