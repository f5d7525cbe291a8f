"""The comparison of section VI of the ViTMAlis paper: what is shown (figure 8), delays (9), codec (10), overhead (11).

All four run the same cells: in one folder the second costs seconds.
"""

from dataclasses import replace

from foveate.evaluation.lab import Experiment
from foveate.experiments.inputs import (
    Inputs,
    machines,
    paper_contenders,
    standard_uplinks,
    standard_videos,
    transports,
)

PUBLISHED = {"Back2Back": 0.268, "TrackB2B": 0.471, "TrackRoI": 0.504, "TrackUD": 0.512, "ViTMAlis": 0.530}
"""Median rendering F1 of the paper, its figure 8, on its own clips, traces and network."""


def vitmalis_overall(inputs: Inputs) -> Experiment:
    """Five policies on the evaluation clips over the evaluation traces, as recorded and scaled to the paper's range.

    Command: `foveate compare vitmalis-overall --part main --out out/overall`, then without `--part` for what the
    verdict depends on. Cost: see `--plan`; of the main part's 960 cells 445 took 12 minutes with an H200 and 12
    processes, and the last 480 two hours of two cores, most of it inference of frames that no earlier run has
    offloaded. Expected: the order of the paper, Back2Back far below the rest.
    """
    return Experiment(
        name="vitmalis-overall",
        question="Which policy shows the most, on the same clips, networks and machine?",
        expected=(
            "The paper's order: Back2Back far below, then TrackB2B, TrackRoI, TrackUD and ViTMAlis with 0.03 to 0.06 "
            "between the first and the last of them."
        ),
        videos=standard_videos(inputs),
        uplinks=standard_uplinks(inputs),
        contenders=paper_contenders(),
        machines=machines(inputs),
        transports=transports(inputs),
        seconds=20.0 if inputs.seconds is None else inputs.seconds,
        offsets=2 if inputs.offsets is None else inputs.offsets,
        offsets_varied=1,
        seed=inputs.seed,
        figures=("overall", "delays", "codec", "choices", "objects", "timeline"),
        focus="ViTMAlis",
        published=PUBLISHED,
    )


def delays(inputs: Inputs) -> Experiment:
    """Where the time of an offload goes.

    Command: `foveate compare delays --part main --out out/overall`. Cost: that of `vitmalis-overall`, or seconds in
    its folder. Expected: the paper's figure 9: ViTMAlis cuts both inference (263 to 162 ms) and network (to 90 ms).
    """
    return replace(
        vitmalis_overall(inputs),
        name="delays",
        question="Where does the time of an offload go?",
        expected="TrackRoI saves on the network alone, TrackUD on both at times, ViTMAlis on both always.",
        figures=("delays", "overall"),
    )


def codec(inputs: Inputs) -> Experiment:
    """Encoding and decoding by policy.

    Command: `foveate compare codec --part main --out out/overall`. Cost: that of `vitmalis-overall`, or seconds in its
    folder. Expected: the paper's figure 10: medians of 30, 30, 38, 30 and 39 ms. Our mosaics encode fewer pixels, so
    ViTMAlis should lie below the full frame instead of above it.
    """
    return replace(
        vitmalis_overall(inputs),
        name="codec",
        question="What do encoding and decoding cost each policy?",
        expected="Masks cost cutting time, and save encoding and decoding by the pixels that they spare.",
        figures=("codec", "delays"),
    )


def overhead(inputs: Inputs) -> Experiment:
    """What deciding costs the device.

    Command: `foveate compare overhead --part main --machine PROFILE.json --out out/overall`, with profiles that
    `foveate profile` measured. Cost: that of `vitmalis-overall`, or seconds in its folder. Expected: the paper's
    figure 11: motion 10 ms, estimates 9 ms, choice 2 ms; ours are below that on one core.
    """
    return replace(
        vitmalis_overall(inputs),
        name="overhead",
        question="What do motion, tracking and deciding cost the device?",
        expected="Motion and tracking run beside the offload; the decision alone delays it, by 11 ms in the paper.",
        figures=("overhead", "delays"),
    )
