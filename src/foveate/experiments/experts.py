"""Ask the Expert: generalist, experts and router against running everything on one side."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from foveate.codec.image_sets import read_images
from foveate.core import LabelledImages, foveate_home
from foveate.evaluation.experts.experiment import ExpertsExperiment, NamedLink
from foveate.evaluation.experts.run import held_out_pictures
from foveate.evaluation.lab.cell import Trace
from foveate.evaluation.lab.cells import traces_of
from foveate.evaluation.offsets import drawn_offset
from foveate.experiments.inputs import Inputs, standard_uplinks
from foveate.network import LinkSettings, UplinkTrace

DATA = "tiny-imagenet-100"
TRAINING = "experts_tiny_imagenet_gpu"
SEEDS = (0, 1, 2)
LAN = UplinkTrace.constant(100e6, 0.001, 10.0)
"""100 Mbit/s and 1 ms."""


def experts_overall(inputs: Inputs) -> ExpertsExperiment:
    """Every contender on the traces of the standard table and a LAN (docs/experts.md).

    Command: `foveate compare experts-overall --out out/experts`. Cost: minutes of one core once models are trained,
    which `foveate train experts configs/experts_tiny_imagenet_gpu.py --data ../shared/data/tiny-imagenet-100` does on
    an accelerator in minutes a seed; see `--plan`. Parts: `main`, the traces as recorded; `links` and `all`, also TCP
    and the paper's range of means. Expected: the paper's directions, with smaller gains: these are small models from
    nothing.
    """
    trainings = foveate_home() / "training" / TRAINING
    return ExpertsExperiment(
        name="experts-overall",
        question="When does asking one small expert beat answering alone, and offloading everything?",
        expected=(
            "Progressive experts a little above static ones; routing faster than an expert-sized model on a slow "
            "device, and cheaper than offloading everything, wherever half of the samples stay."
        ),
        models=tuple(trainings / f"seed-{seed}" for seed in SEEDS),
        read=partial(_read, inputs.data / DATA),
        links=links(inputs),
        samples=500 if inputs.seconds is None else max(1, round(inputs.seconds * 10)),
        seed=inputs.seed,
    )


def links(inputs: Inputs) -> tuple[NamedLink, ...]:
    """Traces as recorded and a LAN; unless the main part is asked for also TCP on them, and traces scaled.

    One thing is varied at a time. The main links have two starts each, or as many as `inputs.offsets` says.
    """
    traces = traces_of(standard_uplinks(inputs))
    starts = 2 if inputs.offsets is None else inputs.offsets
    recorded = [trace for trace in traces if trace.group == "recorded"]
    found = [link for start in range(starts) for link in _links(recorded, inputs.seed, start=start)]
    if inputs.part != "main":
        found += _links(recorded, inputs.seed, transport="tcp")
        found += _links([trace for trace in traces if trace.group == "paper range"], inputs.seed, scaled=True)
    return tuple(found)


def _links(
    traces: Sequence[Trace], seed: int, *, start: int = 0, transport: str = "ideal", scaled: bool = False
) -> list[NamedLink]:
    """Of these traces from a start that is drawn for each; a LAN beside traces that are as recorded."""
    variation = "paper range" if scaled else "" if transport == "ideal" else transport
    found = []
    for trace in traces:
        path = Path(trace.path)
        recorded = UplinkTrace.load(path)
        uplink = recorded.starting_at(drawn_offset(seed + start, Path(DATA), path, recorded.duration_s))
        if trace.scale != 1:
            uplink = uplink.scaled(trace.scale)
        found.append((path.parent.name, trace.cluster, uplink))
    if not scaled:
        found.append(("lan", "lan", LAN))
    return [
        NamedLink(
            group=group,
            link=LinkSettings(trace=uplink, transport=transport),
            variation=variation,
            recording=recording,
            start=start,
        )
        for group, recording, uplink in found
    ]


def _read(data: Path, training: Path) -> tuple[LabelledImages, LabelledImages]:
    """Pictures to choose on, and pictures of the table."""
    return held_out_pictures(data, training), read_images(data, "test")
