"""ViTMAlis by its knee, and by what is expected to be right on the display, on the standard clips and traces.

    foveate compare configs/shown.py --seconds 10 --out out/ablation

Cost: two contenders of five in `vitmalis-overall`; in the folder of `ablation` the knee's cells are shared. Expected:
what will be shown ahead of the knee on slow links, level with it on fast ones.
"""

from dataclasses import replace

from foveate.evaluation.lab import Contender, Experiment
from foveate.experiments.inputs import Inputs
from foveate.experiments.overall import vitmalis_overall


def experiment(inputs: Inputs) -> Experiment:
    """Five rendered clips, three real ones, twelve traces as recorded."""
    return replace(
        vitmalis_overall(replace(inputs, part="main")),
        name="shown",
        question="Is a configuration chosen better by the knee, or by what will be right on the display?",
        expected="What will be shown ahead of the knee on slow links, level with it on fast ones.",
        contenders=(
            Contender(label="knee", policy="vitmalis"),
            Contender(label="shown", policy="vitmalis:aim=shown"),
        ),
        offsets=1 if inputs.offsets is None else inputs.offsets,
        focus="shown",
        published={},
    )
