"""How far TrackUD stands below TrackRoI because halved frames lose more with our model than with the paper's.

    foveate compare configs/halving.py --data ../shared/data --out out/overall --offsets 1

In the folder of `vitmalis-overall` only the other size is new. Cost there: about 10 minutes of two cores.
Expected: with a smaller frame that keeps as much of the full frame's F1 as the paper's halved ones, TrackUD is above
TrackRoI, as in the paper. Found: level with it (docs/results.md).
"""

from dataclasses import replace

from foveate.evaluation.lab import Contender, Experiment
from foveate.experiments import vitmalis_overall
from foveate.experiments.inputs import Inputs

SCALE = 0.75


def experiment(inputs: Inputs) -> Experiment:
    """The contenders of `vitmalis-overall` on rendered clips, and TrackUD with a milder size."""
    whole = vitmalis_overall(replace(inputs, part="main"))
    milder = Contender(label=f"TrackUD at {SCALE:g}", policy=f"track-ud:scale={SCALE:g}")
    return replace(
        whole,
        name="halving",
        question="Is it the loss of a halved frame that puts TrackUD below TrackRoI?",
        expected="With a size that loses as little as halving does in the paper TrackUD is above TrackRoI.",
        videos=tuple(video for video in whole.videos if video.kind == "rendered"),
        contenders=(*whole.contenders, milder),
        focus="TrackRoI",
    )
