"""What of ViTMAlis pays: mixing, choosing, estimating or pipelining? See docs/lab.md, "Controls"."""

from itertools import product

from foveate.evaluation.lab import BestOf, Contender, Experiment
from foveate.experiments.inputs import Inputs, machines, standard_uplinks, standard_videos, transports

FIXED_QUALITIES, FIXED_POINTS = (75, 95), (2, 4)
"""Of fixed configurations: 2 of the whole frame and 4 with all but DORs downsampled."""


def controls(inputs: Inputs) -> Experiment:
    """ViTMAlis beside all its controls on the standard clips and traces.

    Command: `foveate compare controls --part main --out out/controls`. Cost: see `--plan`; the oracle alone tries 10
    configurations for each offload, nearly half of all inferences; one start in each trace. In the folder of
    `vitmalis-overall` its cells of ViTMAlis are shared. Expected: mixing above one resolution where links are slow;
    the oracle little above the same configurations by estimates; one picture for two nothing but a header.
    """
    return Experiment(
        name="controls",
        question="What of ViTMAlis pays: mixing resolutions, choosing anew, estimating, or sending frame by frame?",
        expected=(
            "uniform-opt and roi-opt below ViTMAlis, most on slow links; the best fixed configuration near it on each "
            "video; the oracle little above its blind twin; two in flight fresher where uplink and inference take "
            "equally long, staler where the server is the slower one."
        ),
        videos=standard_videos(inputs),
        uplinks=standard_uplinks(inputs),
        contenders=contenders(),
        best_of=(best_fixed(),),
        machines=machines(inputs),
        transports=transports(inputs),
        seconds=20.0 if inputs.seconds is None else inputs.seconds,
        offsets=1 if inputs.offsets is None else inputs.offsets,
        seed=inputs.seed,
        figures=("overall", "delays", "choices"),
        focus="ViTMAlis",
    )


def contenders() -> tuple[Contender, ...]:
    """ViTMAlis first, then one control for each of its parts."""
    return (
        Contender(
            label="ViTMAlis", policy="vitmalis", tells="The system: masks, qualities and restoration points, estimated."
        ),
        Contender(
            label="most shown",
            policy="vitmalis:aim=shown",
            tells="The same candidates and estimates without knee and urgency: the greatest F1 that is expected on the "
            "display, by how fast results fade here. Above ViTMAlis it says that the knee is the wrong aim.",
        ),
        Contender(
            label="uniform-opt",
            policy="uniform-opt",
            tells="The same choice among sizes of the whole frame: ViTMAlis above it is what mixing resolutions "
            "brings. Its estimators were fitted to mixed frames and think half size too good.",
        ),
        Contender(
            label="roi-opt",
            policy="roi-opt",
            tells="The same choice among qualities alone: ViTMAlis above it is what sparing pixels and tokens brings.",
        ),
        Contender(
            label="oracle of 10",
            policy="oracle",
            tells="Ten configurations by their true bytes, F1 and latency on the link as it will be; it knows nothing "
            "of what will be shown later, so it is no bound of rendering F1.",
        ),
        Contender(
            label="blind twin",
            policy="oracle:content=device",
            tells="The oracle's ten configurations by estimates: the oracle above it is what better estimates could "
            "bring, ViTMAlis above it what the other 67 configurations bring.",
        ),
        Contender(
            label="one picture",
            policy="vitmalis:one_picture=true",
            tells="Regions of both resolutions in one JPEG in place of two. Bytes are real; its coding times are taken "
            "to be those of two mosaics.",
        ),
        Contender(
            label="two in flight",
            policy="vitmalis:in_flight=2",
            tells="The next frame leaves when the server holds the last one: what ViTMAlis would gain, or lose to "
            "waiting in the server, by not sending frame by frame.",
        ),
    )


def best_fixed() -> BestOf:
    """Six configurations; what no device could know is which."""
    whole = [("whole frame", f"downsampling_type=0,quality={quality},beta=0", quality) for quality in FIXED_QUALITIES]
    mixed = [
        (f"type 2, beta {beta}", f"downsampling_type=2,quality={quality},beta={beta}", quality)
        for beta, quality in product(FIXED_POINTS, FIXED_QUALITIES)
    ]
    return BestOf(
        label="best fixed",
        members=tuple(
            Contender(label=f"{name}, quality {quality}", policy=f"track-fixed:{parameters}")
            for name, parameters, quality in whole + mixed
        ),
        tells="Of six fixed configurations the one that showed most on each video, told afterwards on these very "
        "cells: a bound for all of them. ViTMAlis above it is what choosing for each frame brings. Chosen here:",
    )
