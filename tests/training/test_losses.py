from dataclasses import replace

import numpy as np
import pytest
import torch

from foveate.models import HeadOutput
from foveate.training import LossConfig, Targets, assign, detection_loss
from foveate.training.overlap import batched_iou, generalised_iou

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


def box(rng: np.random.Generator) -> list[int]:
    (x1, x2), (y1, y2) = np.sort(rng.integers(0, 20, 2)), np.sort(rng.integers(0, 20, 2))
    return [x1, y1, x2, y2]


def painted(corners: list[int]) -> np.ndarray:
    x1, y1, x2, y2 = corners
    picture = np.zeros((20, 20), np.bool_)
    picture[y1:y2, x1:x2] = True
    return picture


def test_overlaps_of_whole_pixels_are_counted_pixels() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        a, b = box(rng), box(rng)
        both, either = (painted(a) & painted(b)).sum(), (painted(a) | painted(b)).sum()
        hull = painted([min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]).sum()
        if either:
            first, second = (torch.tensor([corners], dtype=torch.float32) for corners in (a, b))
            assert batched_iou(first[None], second[None]).item() == pytest.approx(both / either, abs=1e-5)
            expected = both / either - (hull - either) / hull
            assert generalised_iou(first, second).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_losses_are_those_of_the_papers_point_by_point(seed: int) -> None:
    """Varifocal loss by equation 2 of Zhang et al., 1 - GIoU by quality; quality by TOOD's normalised alignment."""
    output, targets = random_case(seed)
    config = LossConfig(class_weight=0.7, box_weight=1.5, background=0.6, focus=1.5)
    assignment = assign(output, targets, config.assign)
    probability, boxes = output.class_logits.double().sigmoid().numpy(), output.boxes()
    class_loss, box_loss = 0.0, 0.0
    for image in range(len(probability)):
        for point, (x, y) in enumerate(output.points.tolist()):
            row, q = int(assignment.index[image, point]), float(assignment.quality[image, point])
            for k, p in enumerate(probability[image, point]):
                if row >= 0 and k == int(targets.labels[image, row]):
                    class_loss -= q * (q * np.log(p) + (1 - q) * np.log(1 - p))
                elif not _is_ignored(targets, image, k, x, y):
                    class_loss -= 0.6 * p**1.5 * np.log(1 - p)
            if row >= 0:
                box_loss += q * (1 - generalised_iou(boxes[image, point][None], targets.boxes[image, row][None]).item())
    sums = detection_loss(output, targets, config)
    assert sums.class_loss.item() == pytest.approx(0.7 * class_loss, rel=1e-4)
    assert sums.box_loss.item() == pytest.approx(1.5 * box_loss, rel=1e-4)


def _is_ignored(targets: Targets, image: int, label: int, x: float, y: float) -> bool:
    regions = zip(targets.ignored_boxes[image].tolist(), targets.ignored_labels[image].tolist(), strict=True)
    return any(of == label and x1 < x < x2 and y1 < y < y2 for (x1, y1, x2, y2), of in regions)
