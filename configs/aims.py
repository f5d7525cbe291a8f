"""Knees, and what will be shown, as the aim of a choice: on profiling clips and tuning traces.

    foveate compare configs/aims.py --data ../shared/data --out out/aims

Cost: 60 cells of 20 s, most of two hours of one core the first time. Expected: little between the two knees; what will
be shown ahead of them on slow links.
"""

from dataclasses import replace

from foveate.evaluation.lab import Contender, Experiment
from foveate.experiments.inputs import Inputs, machines, standard_uplinks, standard_videos

CLIPS = ("dashcam-480p", "highway-540p", "walk-sunny-profile", "cycle-sunny-profile")
TRACES = ("4g/lte_drive_r02_a", "5g/sa_boston_0519_1", "4g/lte_walk_toward")


def experiment(inputs: Inputs) -> Experiment:
    """Four clips, three traces."""
    main = replace(inputs, part="main")
    uplinks = {uplink.name: uplink for uplink in standard_uplinks(main, "tuning")}
    return Experiment(
        name="aims",
        question="By which knee is a configuration chosen best, or by what will be shown?",
        expected="Little between the knees; what will be shown ahead of them on slow links.",
        videos=tuple(v for v in standard_videos(main, "profiling") if v.name.startswith(CLIPS)),
        uplinks=tuple(uplinks[name] for name in TRACES),
        contenders=(
            Contender(label="chord", policy="vitmalis"),
            Contender(label="utility", policy="vitmalis:knee=utility"),
            Contender(label="shown", policy="vitmalis:aim=shown"),
            Contender(label="TrackB2B", policy="track-b2b"),
            Contender(label="fixed", policy="track-fixed:downsampling_type=2,quality=75,beta=4"),
        ),
        machines=machines(main),
        seconds=20.0 if inputs.seconds is None else inputs.seconds,
        offsets=1 if inputs.offsets is None else inputs.offsets,
        seed=inputs.seed,
        focus="chord",
    )
