import numpy as np
import pytest
import torch

from foveate.models import HeadOutput
from foveate.models.head import cell_centres
from foveate.training import AssignConfig, Targets, assign
from foveate.training.assign import ignored_cells

CONFIG = AssignConfig(top_k=4)


def random_case(seed: int) -> tuple[HeadOutput, Targets]:
    generator = torch.Generator().manual_seed(seed)
    points = torch.cat([cell_centres(64 // s, 64 // s, s) for s in (8, 16)])
    strides = torch.cat([torch.full((64,), 8.0), torch.full((16,), 16.0)])
    distances = torch.rand(2, len(points), 4, generator=generator) * 3 * strides[:, None] + 1
    near = torch.rand(2, 6, 2, generator=generator) * 44
    boxes = torch.cat([near, near + 3 + torch.rand(2, 6, 2, generator=generator) * 30], dim=-1)
    labels = torch.randint(0, 3, (2, 6), generator=generator)
    labels[1, 4:], boxes[1, 4:] = -1, 0
    output = HeadOutput(
        class_logits=torch.randn(2, len(points), 3, generator=generator),
        box_distances=distances,
        points=points,
        strides=strides,
    )
    none = torch.zeros(2, 1, 4)
    return output, Targets(boxes=boxes, labels=labels, ignored_boxes=none, ignored_labels=torch.full((2, 1), -1))


def naive(output: HeadOutput, targets: Targets, image: int) -> tuple[np.ndarray, np.ndarray]:
    """Assignment by loops over boxes and points."""
    points, found = output.points.numpy(), output.boxes()[image].numpy()
    scores = output.class_logits[image].sigmoid().numpy()
    index, quality = np.full(len(points), -1), np.zeros(len(points))
    alignment, overlap, wanted = {}, {}, []
    for m, (box, label) in enumerate(zip(targets.boxes[image].numpy(), targets.labels[image].tolist(), strict=True)):
        row = {}
        for p, (x, y) in enumerate(points):
            cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            inside = abs(x - cx) < max((box[2] - box[0]) / 2, 4) and abs(y - cy) < max((box[3] - box[1]) / 2, 4)
            if label < 0 or not inside:
                continue
            w = min(box[2], found[p, 2]) - max(box[0], found[p, 0])
            h = min(box[3], found[p, 3]) - max(box[1], found[p, 1])
            common = max(w, 0) * max(h, 0)
            union = np.prod(box[2:] - box[:2]) + np.prod(found[p, 2:] - found[p, :2]) - common
            overlap[m, p] = common / union
            alignment[m, p] = scores[p, label] ** CONFIG.alpha * overlap[m, p] ** CONFIG.beta
            if alignment[m, p] > 0:
                row[p] = alignment[m, p]
        wanted.append(sorted(row, key=row.get, reverse=True)[: CONFIG.top_k])
    for p in range(len(points)):
        rivals = [m for m in range(len(wanted)) if p in wanted[m]]
        if rivals:
            index[p] = max(rivals, key=lambda m: overlap[m, p])
    for m in range(len(wanted)):
        own = np.flatnonzero(index == m)
        if len(own):
            most = max(alignment[m, p] for p in own)
            for p in own:
                quality[p] = alignment[m, p] / most * max(overlap[m, q] for q in own)
    return index, quality


@pytest.mark.parametrize("seed", range(10))
def test_assignment_equals_loops_over_boxes_and_points(seed: int) -> None:
    output, targets = random_case(seed)
    got = assign(output, targets, CONFIG)
    for image in range(2):
        index, quality = naive(output, targets, image)
        assert got.index[image].tolist() == index.tolist()
        np.testing.assert_allclose(got.quality[image].numpy(), quality, atol=1e-5)


def test_a_box_thinner_than_a_cell_still_has_a_point() -> None:
    output, targets = random_case(0)
    targets.boxes[:] = torch.tensor([17.0, 20.0, 20.0, 30.0])
    targets.labels[:] = -1
    targets.labels[:, 0] = 1
    assert (assign(output, targets).index >= 0).any(dim=1).all()


def test_ignore_regions_concern_their_class_only() -> None:
    output, targets = random_case(0)
    targets.ignored_boxes[0, 0] = torch.tensor([0.0, 0.0, 32.0, 32.0])
    targets.ignored_labels[0, 0] = 2
    cells = ignored_cells(output, targets)
    inside = (output.points < 32).all(dim=1)
    assert torch.equal(cells[0, :, 2], inside)
    assert not cells[0, :, :2].any()
    assert not cells[1].any()
