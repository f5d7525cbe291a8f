from dataclasses import replace

import torch

from foveate.models import HeadOutput
from foveate.training import Targets, assign, detection_loss
from foveate.training.overlap import generalised_iou

from .test_assign import random_case


def perfect(targets: Targets, output: HeadOutput) -> HeadOutput:
    """Every point has the box of the only object; those that are assigned to it are sure of its class."""
    own = targets.boxes[:, :1]
    distances = torch.cat([output.points - own[..., :2], own[..., 2:] - output.points], dim=-1).clamp(min=0.1)
    undecided = replace(output, class_logits=torch.zeros_like(output.class_logits), box_distances=distances)
    taken = assign(undecided, targets).index >= 0
    logits = torch.full_like(output.class_logits, -40.0)
    logits[..., 1][taken] = 40.0
    return replace(undecided, class_logits=logits)


def test_losses_of_random_predictions_are_finite_and_positive() -> None:
    sums = detection_loss(*random_case(0))
    assert torch.isfinite(sums.class_loss)
    assert sums.class_loss > 0
    assert sums.box_loss > 0
    assert 0 < sums.quality <= sums.positives


def test_losses_of_a_perfect_prediction_are_zero() -> None:
    output, targets = random_case(1)
    targets.labels[:] = -1
    targets.labels[:, 0] = 1
    targets.boxes[:, 0] = torch.tensor([10.0, 12.0, 41.0, 50.0])
    sums = detection_loss(perfect(targets, output), targets)
    assert sums.positives >= 10
    assert sums.class_loss < 1e-4
    assert sums.box_loss < 1e-4


def test_without_objects_only_background_costs() -> None:
    output, targets = random_case(2)
    targets.labels[:] = -1
    sums = detection_loss(output, targets)
    assert sums.box_loss == 0
    assert sums.class_loss > 0


def test_background_in_an_ignore_region_costs_nothing() -> None:
    output, targets = random_case(3)
    targets.labels[:] = -1
    everywhere = torch.tensor([0.0, 0.0, 64.0, 64.0]).expand(2, 3, 4)
    ignoring = replace(targets, ignored_boxes=everywhere, ignored_labels=torch.arange(3).expand(2, 3))
    assert detection_loss(output, ignoring).class_loss == 0


def test_generalised_iou_is_one_for_equal_and_negative_for_distant_boxes() -> None:
    a = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    b = torch.tensor([[0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0], [3.0, 3.0, 4.0, 4.0]])
    torch.testing.assert_close(generalised_iou(a, b), torch.tensor([1.0, 1 / 3, -14 / 16]))
