"""What estimates are worth to what is shown; their errors (table II) are `benchmarks/bench_estimators.py`'s."""

from foveate.evaluation.lab import Contender, Experiment
from foveate.experiments.inputs import Inputs, machines, standard_uplinks, standard_videos, transports


def estimators(inputs: Inputs) -> Experiment:
    """ViTMAlis with other estimators of content, link and inference.

    Command: `foveate compare estimators --part main --out out/estimators`; table II and the other domains by
    `python benchmarks/bench_estimators.py --side evaluation`. Cost: see `--plan`; like `vitmalis-overall`, whose cells
    of the full system it shares in one folder. Expected: small differences, as the knee is flat; means alone lose most.
    """
    return Experiment(
        name="estimators",
        question="How much of what is shown hangs on the estimators?",
        expected="Little: the knee is flat, and a wrong size shifts all candidates alike.",
        videos=standard_videos(inputs),
        uplinks=standard_uplinks(inputs),
        contenders=(
            Contender(label="all inputs", policy="vitmalis"),
            Contender(label="the paper's inputs", policy="vitmalis:content=paper"),
            Contender(label="offline means", policy="vitmalis:content=mean"),
            Contender(label="harmonic link", policy="vitmalis:link=harmonic"),
            Contender(label="smoothed link", policy="vitmalis:link=ewma"),
            Contender(label="utility knee", policy="vitmalis:knee=utility"),
        ),
        machines=machines(inputs),
        transports=transports(inputs),
        seconds=20.0 if inputs.seconds is None else inputs.seconds,
        offsets=2 if inputs.offsets is None else inputs.offsets,
        offsets_varied=1,
        seed=inputs.seed,
        figures=("overall", "choices"),
        focus="all inputs",
    )
