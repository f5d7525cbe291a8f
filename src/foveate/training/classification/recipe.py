"""What `foveate train experts` trains: shapes of the models, lengths of the stages, classes of the experts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from foveate.core import InputError
from foveate.training.classification.augment import ClassificationAugment
from foveate.training.classification.loss import ClassifierLoss
from foveate.training.schedule import Phase, Schedule

SubsetSource = Literal["superclasses", "confusion", "best"]

KINDS = ("progressive", "static", "progressive-plain", "static-distilled", "scratch")
"""Kinds of experts: how they are trained. The first two are the comparison, the others take it apart."""


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """Size of a classifier."""

    dim: int
    """Channels, a multiple of 32."""
    depth: int
    """Blocks."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One training of a recipe."""

    name: str
    """Names its folder and its weights: `generalist`, `base`, `continued`, or `KIND-N` for expert N."""
    kind: str
    """`generalist`, `base`, `continued`, or one of `KINDS`."""
    expert: int | None = None
    """Number of the expert."""


@dataclass(frozen=True, kw_only=True)
class ExpertsRecipe:
    """A generalist, the base of all experts, and the experts. Raises `InputError` for impossible numbers."""

    generalist: ModelShape
    expert: ModelShape
    image_size: int
    """Side of the pictures, pixels."""
    large: ModelShape
    """An all-class model of the experts' total size: a control that only large budgets can train."""
    generalist_schedule: Schedule
    base_schedule: Schedule
    expert_schedule: Schedule
    """Of each expert, whatever its kind, and of `continued`."""
    scratch_schedule: Schedule
    """Of an expert that starts from random weights: it gets what the base and an expert get together."""
    experts: int = 5
    subsets: SubsetSource = "best"
    """Where subsets come from; `best`: whichever sends more held-out pictures to an expert of their class."""
    overlap: int = 0
    """Foreign classes that each expert is also for."""
    train_per_class: int = 340
    """Pictures of each class to train on; the rest of the training part is there to choose on."""
    augment: ClassificationAugment = field(default_factory=ClassificationAugment)
    expert_augment: ClassificationAugment = field(
        default_factory=lambda: ClassificationAugment(mixup_share=0.0, cutmix_share=0.2)
    )
    distillation: float = 1.0
    """Weight of the distance to the base in progressive experts."""

    def __post_init__(self) -> None:
        if self.experts < 1 or self.overlap < 0 or self.train_per_class < 1 or self.distillation < 0:
            raise InputError(
                "a recipe needs at least one expert and one picture a class, and no negative overlap or distillation, "
                f"got {self.experts}, {self.train_per_class}, {self.overlap}, {self.distillation}"
            )
        if self.subsets not in ("superclasses", "confusion", "best"):
            raise InputError(f"subsets must be superclasses, confusion or best, got {self.subsets!r}")

    def stages(self, kinds: Sequence[str] = KINDS) -> tuple[Stage, ...]:
        """All stages in order; experts of the given kinds. Raises `InputError` for an unknown kind."""
        unknown = [kind for kind in kinds if kind not in (*KINDS, "large")]
        if unknown:
            raise InputError(f"kinds are {', '.join(KINDS)} and large, got {', '.join(unknown)}")
        first = tuple(Stage(name=name, kind=name) for name in ("generalist", "base"))
        last = (Stage(name="large", kind="large"),) if "large" in kinds else ()
        specialists = tuple(
            Stage(name=f"{kind}-{number}", kind=kind, expert=number)
            for kind in KINDS
            if kind in kinds
            for number in range(self.experts)
        )
        continued = Stage(name="continued", kind="continued")
        return (*first, *specialists[: self.experts], continued, *specialists[self.experts :], *last)

    def schedule(self, kind: str) -> Schedule:
        """Length of a stage."""
        named = {
            "generalist": self.generalist_schedule,
            "base": self.base_schedule,
            "large": self.base_schedule,
            "scratch": self.scratch_schedule,
        }
        return named.get(kind, self.expert_schedule)

    def loss(self, kind: str) -> ClassifierLoss:
        """The loss of a stage: progressive and `static-distilled` experts keep near the base."""
        distilled = kind in {"progressive", "static-distilled"}
        return ClassifierLoss(distillation=self.distillation if distilled else 0.0)


def steps_schedule(
    pictures: Sequence[tuple[int, int]], *, batch_size: int, learning_rate: float, warmup_steps: int
) -> Schedule:
    """A schedule from pairs (pictures seen, side in pixels): small pictures first, at a quarter of the work."""
    total = sum(count for count, _ in pictures)
    phases = tuple(Phase(share=count / total, size=(side, side), batch_size=batch_size) for count, side in pictures)
    return Schedule(
        steps=max(1, round(total / batch_size)), phases=phases, learning_rate=learning_rate, warmup_steps=warmup_steps
    )


def shortened(recipe: ExpertsRecipe, factor: float) -> ExpertsRecipe:
    """The same recipe with all trainings shortened by `factor`, to try it out."""

    def cut(schedule: Schedule) -> Schedule:
        steps = max(1, round((schedule.steps or 1) / factor))
        return replace(schedule, steps=steps, warmup_steps=min(schedule.warmup_steps, steps // 2))

    return replace(
        recipe,
        generalist_schedule=cut(recipe.generalist_schedule),
        base_schedule=cut(recipe.base_schedule),
        expert_schedule=cut(recipe.expert_schedule),
        scratch_schedule=cut(recipe.scratch_schedule),
    )
