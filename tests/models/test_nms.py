"""Suppression against a loop that follows its definition word by word."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from foveate.models import nms, pairwise_iou


def naive_iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if union > 0 else 0.0


def naive_nms(boxes, scores, class_id, threshold):
    kept = []
    for i in sorted(range(len(scores)), key=lambda k: (-scores[k], k)):
        if all(class_id[i] != class_id[k] or naive_iou(boxes[i], boxes[k]) <= threshold for k in kept):
            kept.append(i)
    return kept


@pytest.mark.parametrize("seed", range(20))
def test_kept_boxes_equal_the_naive_reference(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 120))
    near = rng.uniform(0, 60, (count, 2))
    boxes = np.concatenate([near, near + rng.uniform(5, 60, (count, 2))], axis=1)
    scores, class_id = rng.integers(0, 50, count) / 50, rng.integers(0, 3, count)
    got = nms(torch.tensor(boxes), torch.tensor(scores), torch.tensor(class_id), 0.5)
    assert got.tolist() == naive_nms(boxes.tolist(), scores.tolist(), class_id.tolist(), 0.5)


def test_iou_equals_the_naive_reference():
    rng = np.random.default_rng(0)
    a, b = (np.sort(rng.uniform(0, 9, (30, 2, 2)), axis=1).reshape(30, 4) for _ in range(2))
    got = pairwise_iou(torch.tensor(a), torch.tensor(b))
    expected = [[naive_iou(x, y) for y in b] for x in a]
    np.testing.assert_allclose(got, expected, atol=1e-9)


def many(count: int, classes: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    near = rng.uniform(0, 90, (count, 2))
    boxes = np.concatenate([near, near + rng.uniform(5, 40, (count, 2))], axis=1)
    return boxes, rng.integers(0, 200, count) / 200, rng.integers(0, classes, count)


@pytest.mark.parametrize(("classes", "block"), [(1, 16), (1, 7), (4, 32), (50, 8)])
def test_block_by_block_is_the_same_as_at_once(monkeypatch, classes, block):
    monkeypatch.setattr(import_module("foveate.models.nms"), "BLOCK", block)
    boxes, scores, class_id = many(150, classes)
    got = nms(torch.tensor(boxes), torch.tensor(scores), torch.tensor(class_id), 0.4)
    assert got.tolist() == naive_nms(boxes.tolist(), scores.tolist(), class_id.tolist(), 0.4)


def test_torchvision_is_used_where_it_loads(monkeypatch):
    asked = []

    def theirs(boxes, scores, threshold):
        asked.append((len(boxes), threshold))
        return torch.tensor([0])

    monkeypatch.setattr(import_module("foveate.models.nms"), "torchvision_ops", lambda: SimpleNamespace(nms=theirs))
    boxes, scores, class_id = many(30, 3)
    got = nms(torch.tensor(boxes), torch.tensor(scores), torch.tensor(class_id), 0.4)
    assert sorted(count for count, _ in asked) == sorted(np.bincount(class_id).tolist())
    assert {threshold for _, threshold in asked} == {0.4}
    best = [int(np.flatnonzero(class_id == k)[np.argmax(scores[class_id == k])]) for k in range(3)]
    assert sorted(got.tolist()) == sorted(best)


@pytest.mark.torchvision
def test_it_equals_torchvision():
    from torchvision import ops

    boxes, scores, class_id = (torch.tensor(x) for x in many(3000, 5))
    scores = scores + torch.arange(3000) * 1e-6  # no ties: their order is not defined there
    expected = ops.batched_nms(boxes.float(), scores.float(), class_id, 0.4)
    assert nms(boxes, scores, class_id, 0.4).tolist() == expected.tolist()
