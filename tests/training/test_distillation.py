from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from foveate.core import InputError
from foveate.models import ConvDetector, ConvDetectorConfig, Detector
from foveate.training import (
    Batch,
    DistillationConfig,
    ImageSet,
    LossConfig,
    Mixture,
    TrainConfig,
    Trainer,
    distillation_loss,
    to_tensors,
)
from foveate.training.gradients import GradientWorkers, StepLosses
from foveate.training.resolution import Resolution, ResolutionConfig

from .conftest import draw, tiny_detector
from .test_assign import random_case
from .test_trainer import SHORT

MASKS = torch.tensor([[[True, True], [True, False]], [[False] * 2] * 2, [[False] * 2] * 2, [[False] * 2] * 2])


def test_the_same_answer_costs_nothing_and_has_no_gradient() -> None:
    full, _ = random_case(0)
    mixed = replace(full, class_logits=full.class_logits.clone().requires_grad_())
    loss = distillation_loss(mixed, full)
    assert loss.detach() == pytest.approx(0, abs=1e-4)
    assert torch.autograd.grad(loss, mixed.class_logits)[0].abs().max() < 1e-6


def test_scores_move_towards_those_of_full_resolution() -> None:
    full, _ = random_case(1)
    mixed = replace(full, class_logits=(full.class_logits + 1).requires_grad_())
    gradient = torch.autograd.grad(distillation_loss(mixed, full), mixed.class_logits)[0]
    assert (gradient > 0).all()


def test_only_boxes_of_confident_cells_are_targets() -> None:
    full, _ = random_case(2)
    logits = torch.full_like(full.class_logits, -9.0)
    logits[0, 3, 1] = 3.0
    full = replace(full, class_logits=logits)
    mixed = replace(full, box_distances=(full.box_distances * 1.3).requires_grad_())
    gradient = torch.autograd.grad(distillation_loss(mixed, full), mixed.box_distances)[0]
    assert gradient[0, 3].abs().sum() > 0
    assert gradient.abs().sum() == gradient[0, 3].abs().sum()


def test_full_resolution_has_no_gradient() -> None:
    full, _ = random_case(3)
    full = replace(full, class_logits=full.class_logits.requires_grad_())
    mixed = replace(full, class_logits=(full.class_logits.detach() + 1).requires_grad_())
    assert torch.autograd.grad(distillation_loss(mixed, full), full.class_logits, allow_unused=True) == (None,)


def computed(model: Detector, images: ImageSet, masks: torch.Tensor | None, *, distil: bool) -> StepLosses:
    pixels, targets = to_tensors(Batch.collate([image.read() for image in images.images]), torch.device("cpu"))
    config = DistillationConfig() if distil else None
    with GradientWorkers(model, LossConfig(), threads=2, bfloat16=False, distillation=config) as workers:
        return workers.compute(pixels, targets, Resolution(masks=masks, restoration_points=[2] * 4))


def test_only_downsampled_images_of_a_batch_are_distilled(street_set: ImageSet) -> None:
    model = tiny_detector()
    off, on = (computed(model, street_set, MASKS, distil=distil) for distil in (False, True))
    assert off.distillation == 0 < on.distillation
    assert on.class_loss == pytest.approx(off.class_loss)
    assert on.total == pytest.approx(off.total + on.distillation)
    assert computed(model, street_set, None, distil=True).distillation == 0


def test_distilling_alone_brings_mixed_resolution_nearer_to_full(street_set: ImageSet) -> None:
    model, teacher = tiny_detector(), tiny_detector(seed=1)
    pixels, _ = to_tensors(Batch.collate([image.read() for image in street_set.images]), torch.device("cpu"))
    masks = torch.ones(4, 2, 2, dtype=torch.bool)
    with torch.no_grad():
        teacher.head.class_logits.bias += 4
        full = teacher(pixels)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(30):
        loss = distillation_loss(model(pixels, masks, [4] * 4), full, DistillationConfig())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_a_trainer_that_distils_reports_it(street_set: ImageSet, tmp_path: Path) -> None:
    config = TrainConfig(
        schedule=replace(SHORT, steps=50),
        resolution=ResolutionConfig(step_share=1, lone_share=1),
        distillation=DistillationConfig(),
        threads=1,
    )
    learner = Trainer(tiny_detector(), Mixture(sets=(street_set,), weights=(1.0,)), config, tmp_path)
    assert learner.run()
    assert '"distillation": 0.0,' not in (tmp_path / "log.jsonl").read_text()


def test_all_images_learn_from_a_teacher_at_full_resolution(street_set: ImageSet) -> None:
    """The sum over cells is that of `distillation_loss` against the teacher, up to the unit of a step's losses."""
    model, teacher = tiny_detector(), tiny_detector(seed=1)
    pixels, targets = to_tensors(Batch.collate([image.read() for image in street_set.images]), torch.device("cpu"))
    resolution = Resolution(masks=MASKS, restoration_points=[2] * 4)

    def distilled(of: Detector) -> float:
        with GradientWorkers(model, LossConfig(), threads=1, bfloat16=False, teacher=of) as workers:
            return workers.compute(pixels, targets, resolution).distillation

    louder = tiny_detector(seed=1)
    with torch.no_grad():
        louder.head.class_logits.bias += 4
        mixed = model(pixels, MASKS, [2] * 4)
        sums = [float(distillation_loss(mixed, one(pixels))) for one in (teacher, louder)]
    found = [distilled(teacher), distilled(louder)]
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert found[1] / found[0] == pytest.approx(sums[1] / sums[0], rel=1e-4)


def test_a_teacher_with_other_strides_is_refused_and_threads_stay_as_they_were() -> None:
    shape, threads = replace(tiny_detector().config, strides=(8, 16)), torch.get_num_threads()
    with pytest.raises(InputError, match="a teacher needs the model's classes and strides"):
        GradientWorkers(tiny_detector(), LossConfig(), threads=1, teacher=Detector(shape))
    assert torch.get_num_threads() == threads


def test_a_teacher_with_other_cells_is_refused() -> None:
    """A CNN pads to whole cells of its coarsest level, a ViT does not."""
    strides = (8, 16, 32, 64)
    model = Detector(replace(tiny_detector().config, strides=strides))
    shape = ConvDetectorConfig(class_names=model.class_names, strides=strides, channels=(8,) * 5, blocks=(1,) * 5)
    pixels, resolution = torch.zeros(2, 3, 96, 96), Resolution(masks=None, restoration_points=[0] * 2)
    _, targets = to_tensors(Batch.collate([draw(np.random.default_rng(0), 96, 96)] * 2), torch.device("cpu"))
    with (
        GradientWorkers(model, LossConfig(), threads=1, bfloat16=False, teacher=ConvDetector(shape)) as workers,
        pytest.raises(InputError, match="a teacher needs the model's cells, 193 in crops of 96 x 96 pixels"),
    ):
        workers.compute(pixels, targets, resolution)


def test_a_teacher_stays_as_it_was() -> None:
    teacher = tiny_detector(seed=1).train()
    with GradientWorkers(tiny_detector(), LossConfig(), threads=1, bfloat16=True, teacher=teacher):
        assert teacher.training
        assert all(p.requires_grad and p.dtype == torch.float32 for p in teacher.parameters())


@pytest.mark.parametrize("wrong", [{"class_weight": -1.0}, {"confident": 2.0}, {"focus": -0.1}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="distillation needs"):
        DistillationConfig(**wrong)
