"""Accuracy and inference delay by restoration point (ViTMAlis, section III-B, figure 5)."""

from foveate.evaluation.lab import Contender, Experiment
from foveate.experiments.inputs import Inputs, named_machines, standard_uplinks, standard_videos

POINTS = range(5)


def restoration(inputs: Inputs) -> Experiment:
    """Regions without objects are downsampled and restored at each of the five points, everything else fixed.

    Command: `foveate compare restoration --out out/restoration`. Cost: see `--plan`; one start in each trace, ten
    seconds a cell, about ten hours of two cores. Expected: the shape of the paper's figure 5: earlier restoration is
    more accurate and slower; point 0 costs as much as the full frame.
    """
    return Experiment(
        name="restoration",
        question="What does each restoration point cost in accuracy, and save in inference?",
        expected="Accuracy falls and time is saved with every later point; point 0 saves nothing but bytes.",
        videos=standard_videos(inputs),
        uplinks=tuple(uplink for uplink in standard_uplinks(inputs) if uplink.group == "recorded"),
        contenders=(
            Contender(label="full frame", policy="back2back"),
            *(Contender(label=f"beta {point}", policy=f"fixed:beta={point},quality=95") for point in POINTS),
        ),
        machines=named_machines(inputs),
        seconds=10.0 if inputs.seconds is None else inputs.seconds,
        offsets=1 if inputs.offsets is None else inputs.offsets,
        seed=inputs.seed,
        figures=("restoration", "delays", "objects"),
    )
