"""Runs the stages of a recipe in order; each is resumable, and a finished one is not run again."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foveate.core import InputError, LabelledImages, WeightsError, split_by_class
from foveate.core.whole_files import whole_file
from foveate.models import Classifier, load_classifier, save_classifier, vit_classifier
from foveate.training.classification.class_subsets import (
    Subsets,
    confusion,
    from_confusion,
    from_superclasses,
    with_overlap,
)
from foveate.training.classification.curriculum import Curriculum, progressive, static
from foveate.training.classification.recipe import KINDS, ExpertsRecipe, ModelShape, Stage
from foveate.training.classification.trainer import ClassifierTrainer, ClassifierTraining, Speciality

SUBSETS = "subsets.json"
RECIPE = "recipe.json"
FROM_NOTHING = ("generalist", "base", "scratch", "large")
"""Kinds of stages that begin with random weights."""
LOOKS = 6
"""Looks at held-out pictures during a stage."""
LOOKED_AT = 20
"""Every so many of them."""

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class StageRunner:
    """Trains the stages of `recipe` for one seed, with all state under `folder`."""

    recipe: ExpertsRecipe
    images: LabelledImages
    """The training part; it is split by class and seed."""
    folder: Path
    seed: int = 0
    threads: int = 1
    torch_device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    tell: Tell = print

    def run(self, kinds: Sequence[str] = KINDS, *, most_steps: int | None = None) -> bool:
        """Train what is not done yet; False if a signal or `most_steps` (of each stage) stopped it before the end.

        Raises `InputError` before the first step where the pictures do not fit the recipe, or the folder holds another.
        """
        _check_images(self.recipe, self.images)
        self._check_recipe()
        training, held_out = self._split()
        for stage in self.recipe.stages(kinds):
            if self.weights(stage.name).is_file():
                continue
            if not self._train(stage, training, held_out, most_steps):
                return False
        return True

    def weights(self, stage: str) -> Path:
        """The finished weights of a stage; the file may not exist yet."""
        return self.folder / f"{stage}.safetensors"

    def subsets(self, held_out: LabelledImages) -> Subsets:
        """Classes of the experts: chosen once, on held-out pictures, then kept in a file."""
        path = self.folder / SUBSETS
        if not path.is_file():
            chosen = choose_subsets(self.recipe, self._load("generalist"), held_out)
            with whole_file(path) as draft:
                draft.write_text(json.dumps(chosen) + "\n")
            self.tell(f"subsets from {chosen['source']}: {chosen['hit_rates']}")
        return tuple(tuple(subset) for subset in json.loads(path.read_text())["subsets"])

    def _check_recipe(self) -> None:
        """One folder, one recipe: a resumed training may not mix two."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path, wanted = self.folder / RECIPE, json.dumps(asdict(self.recipe) | {"data": self.images.name}, indent=1)
        if path.is_file() and path.read_text() != wanted:
            raise InputError(f"{self.folder} was begun with another recipe or other data; choose another --name")
        with whole_file(path) as draft:
            draft.write_text(wanted)

    def _split(self) -> tuple[LabelledImages, LabelledImages]:
        first, rest = split_by_class(self.images.labels, self.recipe.train_per_class, self.seed)
        return self.images.take(first), self.images.take(rest)

    def _train(self, stage: Stage, training: LabelledImages, held_out: LabelledImages, most_steps: int | None) -> bool:
        model = self._start(stage).to(self.torch_device)
        speciality = None if stage.expert is None else self._speciality(stage, self.subsets(held_out))
        config = self._config(stage)
        teacher = self._load("base") if config.loss.distillation else None
        trainer = ClassifierTrainer(
            model,
            training,
            config,
            self.folder / stage.name,
            speciality=speciality,
            teacher=teacher,
            looked_at=held_out.take(np.arange(0, len(held_out), LOOKED_AT)),
        )
        self.tell(f"{stage.name}: step {trainer.progress.step} of {config.steps}")
        if not trainer.run(most_steps=most_steps):
            return False
        self._finish(stage, trainer, held_out)
        return True

    def _start(self, stage: Stage) -> Classifier:
        """The model that a stage begins with: random weights, or those of the base."""
        shapes = {"generalist": self.recipe.generalist, "large": self.recipe.large}
        if stage.kind in FROM_NOTHING:
            return self._fresh(shapes.get(stage.kind, self.recipe.expert), stage)
        return load_classifier(self._need("base"), dtype="float32", torch_device="cpu")

    def _fresh(self, shape: ModelShape, stage: Stage) -> Classifier:
        number = [s.name for s in self.recipe.stages((*KINDS, "large"))].index(stage.name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1000 * self.seed + number)
            return vit_classifier(
                self.images.class_names, image_size=self.recipe.image_size, dim=shape.dim, depth=shape.depth
            )

    def _speciality(self, stage: Stage, subsets: Subsets) -> Speciality:
        subset = subsets[stage.expert or 0]
        return Speciality(subset=subset, curriculum=self._curriculum(stage.kind, len(subset)))

    def _curriculum(self, kind: str, classes: int) -> Curriculum:
        if kind.startswith("static"):
            return static()
        return progressive(classes / len(self.images.class_names))

    def _config(self, stage: Stage) -> ClassifierTraining:
        first = stage.kind in FROM_NOTHING
        schedule = self.recipe.schedule(stage.kind)
        return ClassifierTraining(
            schedule=schedule,
            augment=self.recipe.augment if first else self.recipe.expert_augment,
            loss=self.recipe.loss(stage.kind),
            seed=self.seed,
            threads=self.threads,
            evaluate_steps=max(1, (schedule.steps or 1) // LOOKS),
        )

    def _finish(self, stage: Stage, trainer: ClassifierTrainer, held_out: LabelledImages) -> None:
        """Write the averaged weights; the card's figures are of the file as it is used."""
        card: dict[str, Any] = {
            "data": self.images.name,
            "stage": stage.name,
            "seed": self.seed,
            "steps": trainer.progress.step,
            "pictures": trainer.progress.crops,
            "minutes": round(trainer.progress.elapsed_s / 60, 1),
            "subset": list(trainer.speciality.subset) if trainer.speciality else None,
        }
        trained = self.folder / stage.name / "trained.safetensors"
        with trainer.average.applied():
            save_classifier(trainer.model, trained)
            card["held_out_accuracy"] = trainer.accuracies(held_out, load_classifier(trained))
            save_classifier(trainer.model, self.weights(stage.name), card=card)
        trained.unlink()
        shown = "  ".join(f"{name} {value:.4f}" for name, value in card["held_out_accuracy"].items())
        self.tell(f"{stage.name}: done in {card['minutes']} minutes; accuracy on held-out pictures: {shown}")

    def _load(self, stage: str) -> Classifier:
        return load_classifier(self._need(stage), torch_device=str(self.torch_device))

    def _need(self, stage: str) -> Path:
        path = self.weights(stage)
        if not path.is_file():
            raise WeightsError(f"{stage} has to be trained first; {path} is missing")
        return path


def _check_images(recipe: ExpertsRecipe, images: LabelledImages) -> None:
    """What would otherwise come to light when generalist and base are trained."""
    side, classes, superclasses = recipe.image_size, len(images.class_names), _superclasses(images)
    if images.image_size != (side, side):
        raise InputError(f"the recipe is for pictures of {side} x {side} pixels, got {images.image_size} pixels")
    counts = np.bincount(images.labels, minlength=classes)
    if not counts.all():
        raise InputError(f"pictures of every class are required, got none of {images.class_names[counts.argmin()]}")
    if recipe.experts > classes:
        raise InputError(f"experts must lie in 1..{classes}, the number of classes, got {recipe.experts}")
    if recipe.subsets == "superclasses" and recipe.experts > superclasses:
        raise InputError(f"experts must lie in 1..{superclasses}, the number of superclasses, got {recipe.experts}")


def _superclasses(images: LabelledImages) -> int:
    return max(images.superclass_of, default=-1) + 1


def choose_subsets(recipe: ExpertsRecipe, generalist: Classifier, held_out: LabelledImages) -> dict[str, Any]:
    """The subsets of a recipe and how often the generalist's first guess lies in an expert of the true class.

    `best` leaves superclasses out where they are fewer than experts.
    """
    logits = generalist.logits(held_out.pixels)
    matrix = confusion(logits, held_out.labels)
    found: dict[str, Subsets] = {}
    if recipe.subsets in {"confusion", "best"}:
        found["confusion"] = from_confusion(matrix, recipe.experts)
    if recipe.subsets == "superclasses" or (recipe.subsets == "best" and _superclasses(held_out) >= recipe.experts):
        found["superclasses"] = from_superclasses(held_out.superclass_of, recipe.experts)
    rates = {name: round(hit_rate(logits, held_out.labels, subsets), 4) for name, subsets in found.items()}
    source = max(rates, key=lambda name: rates[name])
    return {"source": source, "hit_rates": rates, "subsets": with_overlap(found[source], matrix, recipe.overlap)}


def hit_rate(logits: np.ndarray, labels: np.ndarray, subsets: Subsets) -> float:
    """Share of pictures whose class belongs to the expert with the most probability."""
    member = np.zeros((logits.shape[1], len(subsets)))
    for number, subset in enumerate(subsets):
        member[list(subset), number] = 1
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    chosen = (shares @ member).argmax(axis=1)
    return float(member[labels, chosen].mean())
