"""Suppression without torch equals suppression with it."""

import numpy as np
import pytest
import torch

from foveate.core import Detections
from foveate.metrics import suppress
from foveate.models import nms


def crowd(seed: int, count: int = 120) -> Detections:
    rng = np.random.default_rng(seed)
    near = rng.uniform(0, 40, (count, 2))
    return Detections(
        boxes=np.concatenate([near, near + rng.uniform(60, 80, (count, 2))], axis=1),
        scores=rng.integers(1, 40, count) / 40,  # with ties
        class_id=rng.integers(0, 3, count),
        class_names=("a", "b", "c"),
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("iou", [0.2, 0.4, 0.6])
def test_it_keeps_what_the_model_keeps(seed, iou):
    found = crowd(seed)
    kept = nms(*(torch.from_numpy(x) for x in (found.boxes, found.scores, found.class_id)), iou).numpy()
    assert 0 < len(kept) < len(found)
    assert suppress(found, iou) == found.select(kept)


def test_a_box_that_fell_suppresses_nothing():
    boxes = [[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]]
    found = Detections(boxes=boxes, scores=[0.9, 0.8, 0.7], class_id=[0, 0, 0], class_names=("a",))
    assert suppress(found, 0.3).scores.tolist() == pytest.approx([0.9, 0.7])


def test_nothing_of_nothing():
    assert suppress(Detections.empty(("a",)), 0.5) == Detections.empty(("a",))
