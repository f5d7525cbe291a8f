"""Ask the Expert: generalist, experts and router against running everything on one side."""

from functools import partial
from pathlib import Path

from foveate.codec.image_sets import read_images
from foveate.core import LabelledImages, foveate_home, split_by_class
from foveate.evaluation.experts.experiment import ExpertsExperiment, NamedLink
from foveate.experiments.inputs import Inputs, standard_uplinks
from foveate.network import LinkSettings, UplinkTrace

DATA = "tiny-imagenet-100"
TRAINING = "experts_tiny_imagenet"
SEEDS = (0, 1, 2)
TRAIN_PER_CLASS = 340
LAN = UplinkTrace.constant(100e6, 0.001, 10.0)
"""100 Mbit/s and 1 ms."""


def experts_overall(inputs: Inputs) -> ExpertsExperiment:
    """Every row of PROTOCOL section 8 on the traces of the standard table and a LAN.

    Command: `foveate compare experts-overall --out out/experts`. Cost: minutes of one core once models are trained,
    which `foveate train experts configs/experts_tiny_imagenet.py --data ../shared/data/tiny-imagenet-100` does in
    about 90 minutes a seed. Expected: the paper's directions, with smaller gains: these are small models from nothing.
    """
    trainings = foveate_home() / "training" / TRAINING
    uplinks = [uplink for uplink in standard_uplinks(inputs) if not uplink.group.startswith("paper")]
    links = [
        NamedLink(group=uplink.path.parent.name, link=LinkSettings(trace=UplinkTrace.load(uplink.path)))
        for uplink in uplinks
    ]
    return ExpertsExperiment(
        name="experts-overall",
        question="When does asking one small expert beat answering alone, and offloading everything?",
        expected=(
            "Progressive experts a little above static ones; routing faster than an expert-sized model on a slow "
            "device, and cheaper than offloading everything, wherever half of the samples stay."
        ),
        models=tuple(trainings / f"seed-{seed}" for seed in SEEDS),
        read=partial(_read, inputs.data / DATA),
        links=(*links, NamedLink(group="lan", link=LinkSettings(trace=LAN))),
        samples=500 if inputs.seconds is None else max(1, round(inputs.seconds * 10)),
        seed=inputs.seed,
    )


def _read(data: Path, training: Path) -> tuple[LabelledImages, LabelledImages]:
    """Pictures to choose on, as the training of this seed left them out, and pictures of the table."""
    images = read_images(data, "train")
    _, rest = split_by_class(images.labels, TRAIN_PER_CLASS, int(training.name.rpartition("-")[2]))
    return images.take(rest, name=f"{images.name}, held out"), read_images(data, "test")
