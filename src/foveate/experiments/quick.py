"""`quick`: the whole path on the clip and the trace that ship with foveate."""

from foveate.evaluation.lab import Experiment
from foveate.experiments.inputs import Inputs, named_machines, paper_contenders, sample_uplink, sample_video


def quick(inputs: Inputs) -> Experiment:
    """Five policies on one rendered clip over one synthetic trace: an example of a report, no evidence.

    Command: `foveate compare quick --out out/quick`. Cost: under 2 minutes of two slow cores the first time, seconds
    the second. Expected: tracking policies far above Back2Back; between them nothing that one clip could show.
    """
    return Experiment(
        name="quick",
        question="Does the comparison work on this machine, and what does its report look like?",
        expected="Policies that track show far more than Back2Back; one clip cannot rank the others.",
        videos=(sample_video(inputs),),
        uplinks=(sample_uplink(),),
        contenders=paper_contenders(),
        machines=named_machines(inputs),
        seconds=3.0 if inputs.seconds is None else inputs.seconds,
        offsets=2 if inputs.offsets is None else inputs.offsets,
        seed=inputs.seed,
    )
