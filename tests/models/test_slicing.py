from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from foveate.core import Detections, InputError, Slicing
from foveate.models import Detector, detect_in_slices, load_detector, merge_slices, slice_frame


@pytest.mark.parametrize("size", [(2160, 3840), (1080, 1920), (1024, 1024), (300, 5000), (90, 70)])
def test_slices_cover_the_frame_and_overlap_by_a_quarter_at_least(size: tuple[int, int]) -> None:
    slicing = Slicing()
    covered = np.zeros(size, np.int8)
    for top, left in slicing.corners(*size):
        assert 0 <= top <= max(0, size[0] - 1024)
        assert 0 <= left <= max(0, size[1] - 1024)
        covered[top : top + 1024, left : left + 1024] = 1
    assert covered.all()
    for axis in (0, 1):
        starts = sorted({corner[axis] for corner in slicing.corners(*size)})
        assert all(b - a <= 768 for a, b in pairwise(starts))


def test_a_frame_of_4k_makes_fifteen_slices_and_a_small_one_a_single() -> None:
    assert len(Slicing().corners(2160, 3840)) == 15
    assert Slicing().corners(720, 1000) == [(0, 0)]


def random_parts(seed: int, corners: list[tuple[int, int]], side: int) -> list[Detections]:
    """Crowded boxes in every slice, of two classes, no two scores alike."""
    rng = np.random.default_rng(seed)
    scores = iter(rng.permutation(40 * len(corners)) / (40 * len(corners)) * 0.98 + 0.01)
    parts = []
    for _ in corners:
        near = rng.uniform(0, side * 0.6, (40, 2))
        boxes = np.concatenate([near, near + rng.uniform(side / 10, side / 3, (40, 2))], axis=1).round(1)
        parts.append(
            Detections(
                boxes=boxes,
                scores=np.array([next(scores) for _ in range(40)]),
                class_id=rng.integers(0, 2, 40),
                class_names=("person", "car"),
            )
        )
    return parts


@pytest.mark.oracle
@pytest.mark.parametrize("size", [(2160, 3840), (1080, 1920), (1000, 3000), (700, 900), (2048, 1024)])
@pytest.mark.parametrize("overlap", [0.25, 0.2])
def test_slices_are_those_of_sahi(size: tuple[int, int], overlap: float) -> None:
    from sahi.slicing import get_slice_bboxes

    slicing = Slicing(overlap=overlap)
    theirs = get_slice_bboxes(
        *size, slice_height=1024, slice_width=1024, overlap_height_ratio=overlap, overlap_width_ratio=overlap
    )
    ours = [[left, top, min(left + 1024, size[1]), min(top + 1024, size[0])] for top, left in slicing.corners(*size)]
    assert ours == [list(box) for box in theirs]


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(4))
def test_merged_boxes_are_those_that_sahi_keeps(seed: int) -> None:
    from sahi.postprocess.combine import NMSPostprocess
    from sahi.prediction import ObjectPrediction

    slicing, size = Slicing(side=256), (500, 800)
    corners = slicing.corners(*size)
    parts = random_parts(seed, corners, 256)
    ours = merge_slices(parts, corners, slicing.merge_iou)
    predictions = [
        ObjectPrediction(
            bbox=box.tolist(),
            score=float(score),
            category_id=int(k),
            category_name=part.class_names[k],
            shift_amount=[left, top],
            full_shape=list(size),
        ).get_shifted_object_prediction()
        for part, (top, left) in zip(parts, corners, strict=True)
        for box, score, k in zip(part.boxes, part.scores, part.class_id, strict=True)
    ]
    kept = NMSPostprocess(match_threshold=0.25, match_metric="IOU", class_agnostic=False)(predictions)
    theirs = sorted((p.score.value, p.category.id, *p.bbox.to_xyxy()) for p in kept)
    found = sorted((s, k, *box) for s, k, box in zip(ours.scores, ours.class_id, ours.boxes, strict=True))
    assert 30 < len(ours) < 40 * len(corners)
    np.testing.assert_allclose(found, theirs, atol=1e-3)


def test_slices_pass_as_one_batch_and_may_be_of_mixed_resolution(tiny_weights: Any) -> None:
    detector = load_detector(tiny_weights)
    pixels = np.random.default_rng(0).integers(0, 256, (150, 260, 3), np.uint8)
    slicing = Slicing(side=128)
    cuts = slice_frame(pixels, slicing)
    masks = [np.arange(detector.region_grid(128, 128).shape[0] ** 2).reshape(-1, 2) % 2 == 0 for _ in cuts]
    for chosen in (None, masks):
        alone = [detector.detect(cut, None if chosen is None else chosen[0], score_threshold=0.01) for cut in cuts]
        merged = merge_slices(alone, slicing.corners(150, 260), slicing.merge_iou)
        calls: list[int] = []
        whole = detect_in_slices(
            Counting(detector, calls), pixels, slicing, downsampling_masks=chosen, score_threshold=0.01
        )
        assert calls == [len(cuts)]
        assert len(whole) == len(merged) > 0
        np.testing.assert_allclose(whole.boxes, merged.boxes, atol=1e-2)


class Counting:
    """A detector that notes how many frames each batch had."""

    def __init__(self, detector: Detector, calls: list[int]) -> None:
        self._detector, self._calls = detector, calls

    def detect_batch(self, frames: list[Any], *args: Any, **options: Any) -> list[Detections]:
        self._calls.append(len(frames))
        return self._detector.detect_batch(frames, *args, **options)


@pytest.mark.parametrize("wrong", [{"side": 8}, {"overlap": 1.0}, {"merge_iou": 0.0}])
def test_slices_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="slices need"):
        Slicing(**wrong)
