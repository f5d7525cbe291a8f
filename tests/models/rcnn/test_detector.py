"""Published R-CNN heads on mixed resolution: the same answers as a step-by-step reference, and every mask and point."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foveate.core import InputError, join_regions, split_regions
from foveate.models import BackboneConfig, RcnnConfig, RcnnDetector, convert_detectron2
from foveate.testing.vitdet_checkpoints import CLASSES, WINDOW, vitdet_checkpoint

from .reference import Reference

FORMS = {"faster": {"masks": False}, "mask": {}, "cascade": {"stages": 3}}
FEW = {"proposals": 16, "proposals_per_level": 30}
"""So many proposals as a reference in loops can bear."""


def detector_of(state: dict, **changes) -> RcnnDetector:
    made = convert_detectron2(state, class_names=CLASSES)
    detector = RcnnDetector(replace(made.config, **changes))
    detector.load_state_dict(made.state_dict())
    return detector.eval()


def frame(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise of several grains, so that features differ from place to place."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 200, (height // 12 + 2, width // 12 + 2, 3)).repeat(12, axis=0).repeat(12, axis=1)
    return (coarse[:height, :width] + rng.integers(0, 55, (height, width, 3))).astype(np.uint8)


@pytest.fixture(scope="module", params=FORMS)
def detector(request) -> RcnnDetector:
    return detector_of(vitdet_checkpoint(**FORMS[request.param]), **FEW)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(96, 160), (83, 141)])
@torch.inference_mode()
def test_without_downsampling_everything_equals_the_reference(form, size):
    state = vitdet_checkpoint(**FORMS[form])
    ours = detector_of(state, **FEW)
    reference = Reference(state, window=WINDOW, stages=FORMS[form].get("stages", 1), proposals=16, per_level=30)
    pixels = frame(*size)
    boxes, scores, class_id, masks = reference.detect(pixels, 0.2)
    found = ours.detect(pixels, score_threshold=0.2)
    assert len(found) == len(boxes) > 5
    np.testing.assert_allclose(found.scores, scores, atol=1e-4)
    np.testing.assert_allclose(found.boxes, boxes, atol=2e-3)
    assert found.class_id.tolist() == class_id
    if masks:
        np.testing.assert_allclose(ours.segment(pixels, score_threshold=0.2).masks, masks, atol=1e-3)


@torch.inference_mode()
def test_classes_scored_each_by_itself_equal_the_reference():
    state = vitdet_checkpoint(stages=3, masks=False)
    made = convert_detectron2(state, class_names=CLASSES, sigmoid_scores=True)
    ours = detector_of(state, **FEW, sigmoid_scores=made.config.sigmoid_scores)
    reference = Reference(state, window=WINDOW, stages=3, proposals=16, per_level=30, sigmoid=True)
    _, scores, class_id, _ = reference.detect(frame(96, 160), 0.5)
    found = ours.detect(frame(96, 160), score_threshold=0.5)
    assert len(found) == len(scores) > 5
    np.testing.assert_allclose(found.scores, scores, atol=1e-4)
    assert found.class_id.tolist() == class_id


def test_frames_of_different_sizes_masks_and_points_share_a_batch(detector):
    frames = [frame(96, 160), frame(120, 83, 1), frame(96, 160, 2)]
    grids = [detector.region_grid(*pixels.shape[:2]) for pixels in frames]
    masks = [None, np.ones(grids[1].shape, bool), np.arange(len(grids[2])).reshape(grids[2].shape) % 2 == 0]
    together = detector.detect_batch(frames, masks, [0, 2, 1], score_threshold=0.2)
    for one, pixels, mask, point in zip(together, frames, masks, [0, 2, 1], strict=True):
        alone = detector.detect(pixels, mask, point, score_threshold=0.2)
        assert len(one) == len(alone) > 0
        np.testing.assert_allclose(one.scores, alone.scores, atol=1e-4)
        np.testing.assert_allclose(one.boxes, alone.boxes, atol=1e-2)


@pytest.mark.parametrize("point", [1, 2])
def test_an_empty_mask_changes_nothing_at_any_point(detector, point):
    pixels = frame(83, 141)
    nothing = np.zeros(detector.region_grid(83, 141).shape, bool)
    assert detector.detect(pixels, nothing, point, score_threshold=0.2) == detector.detect(pixels, score_threshold=0.2)


@pytest.mark.parametrize("point", [0, 1, 2])
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_every_restoration_point_answers_with_regions_downsampled(detector, point, share):
    pixels, grid = frame(100, 210), detector.region_grid(100, 210)
    mask = np.random.default_rng(0).random(grid.shape) <= share
    found = detector.detect(pixels, mask, point, score_threshold=0.2)
    plain = detector.detect(pixels, score_threshold=0.2)
    assert mask.any()
    assert found != plain
    assert len(found) > 0
    assert found.boxes.min() >= 0
    assert (found.boxes <= [210, 100, 210, 100]).all()
    assert (np.diff(found.scores) <= 0).all()


def test_tiles_of_a_mixed_frame_give_the_same_as_the_frame_itself(detector):
    pixels, grid = frame(100, 170), detector.region_grid(100, 170)
    mask = np.eye(*grid.shape, dtype=bool)
    mixed = split_regions(pixels, grid, mask)
    assert detector.detect(mixed, restoration_point=1) == detector.detect(pixels, mask, 1)
    assert detector.detect(mixed, restoration_point=0) == detector.detect(join_regions(mixed))


def test_lower_thresholds_only_add_objects(detector):
    high, low = (detector.detect(frame(96, 160), score_threshold=t) for t in (0.3, 0.1))
    assert low.above(0.3) == high
    assert len(detector.detect(frame(96, 160), score_threshold=1.0)) == 0


def test_a_frame_of_one_pixel_has_an_answer(detector):
    found = detector.detect(np.zeros((1, 1, 3), np.uint8), score_threshold=0.0)
    assert found.class_names == CLASSES
    assert (found.boxes <= 1).all()


def test_segments_are_the_detections_with_masks():
    detector = detector_of(vitdet_checkpoint(), **FEW)
    pixels, grid = frame(83, 141), detector.region_grid(83, 141)
    mask = np.ones(grid.shape, bool)
    seen = detector.segment(pixels, mask, 1, score_threshold=0.2)
    assert seen.detections == detector.detect(pixels, mask, 1, score_threshold=0.2)
    assert seen.masks.shape == (len(seen.detections), 28, 28)
    assert seen.masks.dtype == np.float32
    assert detector.segment_batch([]) == []
    nothing = detector.segment(pixels, score_threshold=1.0)
    assert (len(nothing.detections), nothing.masks.shape) == (0, (0, 28, 28))


def test_a_model_without_masks_says_so():
    detector = detector_of(vitdet_checkpoint(masks=False))
    with pytest.raises(InputError, match="no mask head"):
        detector.segment(frame(96, 160))


def test_bfloat16_finds_about_the_same_scores():
    detector = detector_of(vitdet_checkpoint(), **FEW)
    exact = detector.detect(frame(96, 160), score_threshold=0.0).scores[:5]
    rough = detector.to(torch.bfloat16).detect(frame(96, 160), score_threshold=0.0).scores[:5]
    np.testing.assert_allclose(rough, exact, atol=0.08)


@pytest.mark.parametrize(
    ("patch", "strides", "message"),
    [
        (8, (4, 16), "powers of two, each twice the one before"),
        (24, (6, 12), "powers of two"),
        (16, (2, 4), "each a quarter or half of a patch of 16 pixels"),
    ],
)
def test_strides_that_levels_cannot_be_chosen_by_are_refused(patch, strides, message):
    with pytest.raises(InputError, match=message):
        RcnnConfig(backbone=BackboneConfig(dim=32, depth=4, heads=2, patch_size=patch), strides=strides)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 0}, "channels must be a whole number of at least 1, got 0"),
        ({"proposals": -1}, "proposals must be a whole number of at least 1, got -1"),
        ({"proposals_per_level": 1.5}, "proposals_per_level must be a whole number of at least 1, got 1.5"),
        ({"most_detections": None}, "most_detections must be a whole number of at least 1, got None"),
        ({"mask_convolutions": -1}, "mask_convolutions must be a whole number of at least 0, got -1"),
        ({"nms_iou": float("nan")}, "nms_iou must lie in 0..1, got nan"),
        ({"proposal_iou": 7}, "proposal_iou must lie in 0..1, got 7"),
        ({"class_names": ()}, "names of its classes, got none"),
        ({"class_names": (1, 2)}, "names of classes must be texts"),
        ({"stages": ((10.0, 10.0, 5.0, 0.0),)}, "four box weights above 0"),
        ({"stages": ("x",)}, "four box weights above 0"),
        ({"anchor_ratios": ()}, "sizes and ratios above 0"),
        ({"anchor_sizes": (32.0, 64.0, 128.0, 256.0, float("nan"))}, "sizes and ratios above 0"),
    ],
)
def test_a_configuration_that_cannot_find_objects_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        RcnnConfig(backbone=BackboneConfig(dim=32, depth=4, heads=2), **changes)
