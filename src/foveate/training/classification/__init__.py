"""Classifiers: labelled pictures -> generalist and experts."""

from foveate.training.classification.augment import ClassificationAugment
from foveate.training.classification.class_subsets import (
    Subsets,
    confusion,
    from_confusion,
    from_superclasses,
    kept_inside,
    with_overlap,
)
from foveate.training.classification.curriculum import Curriculum, Draws, progressive, static
from foveate.training.classification.loss import ClassifierLoss
from foveate.training.classification.recipe import (
    KINDS,
    ExpertsRecipe,
    ModelShape,
    Stage,
    shortened,
    steps_schedule,
)
from foveate.training.classification.stages import StageRunner, choose_subsets, hit_rate
from foveate.training.classification.trainer import ClassifierTrainer, ClassifierTraining, Speciality

__all__ = [
    "KINDS",
    "ClassificationAugment",
    "ClassifierLoss",
    "ClassifierTrainer",
    "ClassifierTraining",
    "Curriculum",
    "Draws",
    "ExpertsRecipe",
    "ModelShape",
    "Speciality",
    "Stage",
    "StageRunner",
    "Subsets",
    "choose_subsets",
    "confusion",
    "from_confusion",
    "from_superclasses",
    "hit_rate",
    "kept_inside",
    "progressive",
    "shortened",
    "static",
    "steps_schedule",
    "with_overlap",
]
