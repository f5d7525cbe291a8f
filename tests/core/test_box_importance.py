"""Importance by suspected boxes against a loop over patches."""

import numpy as np

from foveate.core import Detections, box_importance


def test_a_patch_has_the_greatest_score_that_touches_it():
    rng = np.random.default_rng(0)
    near = rng.uniform(-30, 190, (40, 2))
    boxes = np.concatenate([near, near + rng.uniform(1, 60, (40, 2))], axis=1).astype(np.float32)
    found = Detections(boxes=boxes, scores=rng.random(40), class_id=np.zeros(40), class_names=("person",))
    expected = np.zeros((9, 12), np.float32)
    for row, column in np.ndindex(expected.shape):
        for (x1, y1, x2, y2), score in zip(found.boxes, found.scores, strict=True):
            if x1 < 16 * column + 16 and x2 > 16 * column and y1 < 16 * row + 16 and y2 > 16 * row:
                expected[row, column] = max(expected[row, column], score)
    assert (expected > 0).sum() > 20
    np.testing.assert_array_equal(box_importance(found, frame_size=(140, 190)), expected)


def test_without_a_suspicion_nothing_matters():
    importance = box_importance(Detections.empty(("person",)), frame_size=(33, 48))
    assert importance.tolist() == [[0, 0, 0]] * 3
