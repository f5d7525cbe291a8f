"""Small pictures that tiny classifiers can tell apart, and a whole training of them in a second or two."""

from pathlib import Path

import numpy as np
import torch

from foveate.core import LabelledImages
from foveate.training.classification import (
    ClassificationAugment,
    ExpertsRecipe,
    ModelShape,
    StageRunner,
    steps_schedule,
)

CLASSES = 8
SIDE = 32


def coloured_images(per_class: int = 14, *, seed: int = 0, name: str = "colours") -> LabelledImages:
    """Noisy pictures, each class of its own colour; classes 0 to 3 and 4 to 7 are superclasses of similar ones."""
    rng = np.random.default_rng((seed, 5))
    labels = np.tile(np.arange(CLASSES), per_class)
    warm = np.where(labels < CLASSES // 2, 180, 60)
    shade = 40 * (labels % 4)
    base = np.stack([warm, shade, 255 - warm], axis=1)[:, None, None]
    noise = rng.normal(0, 25, (len(labels), SIDE, SIDE, 3))
    return LabelledImages(
        name=name,
        pixels=(base + noise).clip(0, 255).astype(np.uint8),
        labels=labels.astype(np.int64),
        class_names=tuple(f"colour {label}" for label in range(CLASSES)),
        superclass_names=("warm", "cold"),
        superclass_of=(0, 0, 0, 0, 1, 1, 1, 1),
    )


def tiny_recipe(pictures: int = 32) -> ExpertsRecipe:
    """Two experts of one block; every stage sees `pictures` pictures."""
    schedule = steps_schedule([(pictures, SIDE)], batch_size=8, learning_rate=5e-3, warmup_steps=1)
    shape = ModelShape(dim=32, depth=1)
    return ExpertsRecipe(
        image_size=SIDE,
        generalist=shape,
        expert=ModelShape(dim=32, depth=2),
        large=ModelShape(dim=64, depth=2),
        generalist_schedule=schedule,
        base_schedule=schedule,
        expert_schedule=schedule,
        scratch_schedule=schedule,
        experts=2,
        train_per_class=10,
        augment=ClassificationAugment(mixup_share=0, cutmix_share=0),
    )


def tiny_training(folder: Path, *, kinds: tuple[str, ...] = ("progressive", "static"), pictures: int = 32) -> Path:
    """Train a generalist and experts of these kinds under `folder`; returns the folder of seed 0."""
    runner = StageRunner(
        recipe=tiny_recipe(pictures),
        images=coloured_images(),
        folder=folder / "seed-0",
        torch_device=torch.device("cpu"),
        tell=lambda _: None,
    )
    assert runner.run(kinds)
    return runner.folder
