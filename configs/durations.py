"""Does the order of the policies hold with other durations? The first 4G and the first 5G trace of `vitmalis-overall`.

    foveate compare configs/durations.py --seconds 10 --out out/durations

Cost: 560 cells; 35 minutes of two cores where `vitmalis-overall` has run, whose results of the model are kept.
Expected: ViTMAlis loses some of its lead where mixed frames are sped up less, and keeps it otherwise. Found: first
everywhere (docs/results.md).
"""

from dataclasses import replace

from foveate.evaluation.lab import Experiment
from foveate.experiments.inputs import Inputs, standard_uplinks
from foveate.experiments.overall import vitmalis_overall


def experiment(inputs: Inputs) -> Experiment:
    """All clips and policies under speed-ups of mixed frames by 0.7 and 1.3, codec and tracker by 0.5 and 2."""
    recorded = standard_uplinks(replace(inputs, part="main"))
    first = {uplink.path.parent.name: uplink for uplink in reversed(recorded)}
    return replace(
        vitmalis_overall(inputs),
        name="durations",
        question="Does the order of the policies hold with other durations?",
        expected="A smaller lead of ViTMAlis where mixed frames are sped up less; else the same order.",
        uplinks=tuple(first[technology] for technology in sorted(first)),
        transports=("ideal",),
        offsets=1,
    )
