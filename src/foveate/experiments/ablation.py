"""The ablation of the ViTMAlis paper (section VI-D, figure 12)."""

from foveate.evaluation.lab import Contender, Experiment
from foveate.experiments.inputs import Inputs, machines, standard_uplinks, standard_videos, transports

PUBLISHED = {
    "full": 0.530,
    "without region types": 0.526,
    "without networks": 0.528,
    "restoration after the last block": 0.518,
}
"""Median rendering F1 of the paper, its figure 12: "w/o DynaRes" defers upsampling until the final layer."""


def ablation(inputs: Inputs) -> Experiment:
    """ViTMAlis without one of its parts at a time.

    Command: `foveate compare ablation --part main --out out/ablation`. Cost: see `--plan`; about that of
    `vitmalis-overall`, whose cells of the full system it shares in one folder. Expected: each part is worth less than
    0.02, dynamic restoration the most (0.012 in the paper).
    """
    return Experiment(
        name="ablation",
        question="What is each part of ViTMAlis worth?",
        expected="Little each: 0.002 for the networks, 0.004 for region types, 0.012 for dynamic restoration.",
        videos=standard_videos(inputs),
        uplinks=standard_uplinks(inputs),
        contenders=(
            Contender(label="full", policy="vitmalis"),
            Contender(label="without region types", policy="vitmalis:region_typing=false"),
            Contender(label="without networks", policy="vitmalis:content=mean"),
            Contender(label="restoration at 4 alone", policy="vitmalis:beta=4"),
            Contender(label="restoration after the last block", policy="vitmalis:late=true"),
        ),
        machines=machines(inputs),
        transports=transports(inputs),
        seconds=20.0 if inputs.seconds is None else inputs.seconds,
        offsets=2 if inputs.offsets is None else inputs.offsets,
        offsets_varied=1,
        seed=inputs.seed,
        focus="full",
        published=PUBLISHED,
    )
