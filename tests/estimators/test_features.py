"""What the estimators read, on cases worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from foveate.core import Candidates, Detections, FrameContent, LastOffload, RegionGrid
from foveate.estimators import (
    ACCURACY_FEATURES,
    DEVICE_ACCURACY_FEATURES,
    DEVICE_SIZE_FEATURES,
    detail_share,
    features,
    lost_share,
    mean_detail,
)
from foveate.estimators.features import GROWTH, LOW_COST, QUALITY_COST, USUAL_AGREEMENT, Covered

GRID = RegionGrid(height=160, width=320, window_size=5)
"""1 x 2 regions of 160 pixels."""
LEFT = np.array([[True, False]])
NONE = np.zeros((1, 2), np.bool_)
LAST = LastOffload(
    bytes_per_pixel=0.1, jpeg_quality=95, downsampled_share=0.5, detail=2.0, downsampled_detail=0.25, frames_ago=7
)


def objects(*boxes, scores=None):
    return Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array([0.5] * len(boxes) if scores is None else scores),
        class_id=np.zeros(len(boxes)),
        class_names=("object",),
    )


def content(found=None, detail=((4.0, 4.0),)):
    found = objects((150, 0, 190, 64), scores=[0.45]) if found is None else found
    return FrameContent(
        region_motion=np.array([[0.25, 0.75]], np.float32),
        frame_motion=0.1,
        task_relevance=np.ones((1, 2), np.float32),
        region_detail=np.array(detail, np.float32),
        objects=found,
        agreement=0.6,
        last=LAST,
    )


def two_candidates():
    return Candidates(
        masks={0: NONE, 2: LEFT},
        downsampling_type=np.array([0, 2]),
        downsampled_regions=np.array([0, 1]),
        downsampled_motion=np.array([0.0, 0.25]),
        jpeg_quality=np.array([95, 70]),
        restoration_point=np.array([0, 4]),
        frame_scale=np.ones(2),
    )


def test_the_share_of_a_box_in_a_mask_is_by_area():
    boxes = np.array([[150, 0, 190, 20], [0, 0, 10, 10], [170, 0, 180, 9], [5, 5, 5, 5]], np.float32)
    assert Covered(GRID, boxes).inside(LEFT).tolist() == [0.25, 1.0, 0.0, 0.0]
    assert not Covered(GRID, boxes).inside(NONE).any()


def test_detail_counts_by_pixels():
    grid = RegionGrid(height=160, width=240, window_size=5)  # the right region is half as wide
    detail = np.array([[2.0, 8.0]], np.float32)
    assert mean_detail(grid, detail) == pytest.approx(4.0)
    assert detail_share(grid, LEFT, detail) == pytest.approx(1 / 3, abs=0.01)
    assert detail_share(grid, LEFT, np.zeros((1, 2), np.float32)) == pytest.approx(2 / 3)


def test_the_papers_inputs_need_no_more_than_motion_and_relevance():
    bare = replace(content(), region_detail=None, objects=None, last=None)
    assert set(features(two_candidates(), grid=GRID, content=bare)) == set(ACCURACY_FEATURES)


def test_a_device_reads_all_that_its_networks_take():
    columns = features(two_candidates(), grid=GRID, content=content())
    assert set(columns) >= {"expected_size", *DEVICE_SIZE_FEATURES, *DEVICE_ACCURACY_FEATURES}
    assert all(values.shape == (2,) for values in columns.values())


def test_features_of_the_frame_are_equal_for_all_and_those_of_masks_differ():
    columns = features(two_candidates(), grid=GRID, content=content())
    assert columns["detail_growth"].tolist() == pytest.approx([np.log(2)] * 2)
    assert columns["last_size"].tolist() == pytest.approx([np.log(0.1)] * 2)
    assert columns["agreement"].tolist() == [0.6, 0.6]
    assert columns["objects"].tolist() == pytest.approx([np.log(2)] * 2)
    assert columns["objects_downsampled"].tolist() == [0.0, 0.25]
    assert columns["downsampled_detail"].tolist() == pytest.approx([0.0, 0.5])


def test_small_objects_are_lost_most():
    columns = features(two_candidates(), grid=GRID, content=content())
    assert columns["small_downsampled"].tolist() == [0.0, pytest.approx(0.25 * 0.5)]  # 64 pixels high


def test_without_objects_every_feature_is_a_number():
    columns = features(two_candidates(), grid=GRID, content=content(objects()))
    assert all(np.isfinite(values).all() for values in columns.values())
    assert columns["objects"].tolist() == [0, 0]
    assert columns["objects_downsampled"].tolist() == [0, 0]


def test_before_a_second_result_the_usual_agreement_is_taken():
    columns = features(two_candidates(), grid=GRID, content=replace(content(), agreement=None))
    assert columns["agreement"].tolist() == [USUAL_AGREEMENT] * 2


def test_a_picture_without_steps_has_finite_features():
    columns = features(two_candidates(), grid=GRID, content=content(detail=((0.0, 0.0),)))
    assert all(np.isfinite(values).all() for values in columns.values())


def test_a_size_is_expected_from_the_last_one_by_quality_mask_and_detail():
    same = replace(LAST, detail=4.0, downsampled_share=0.0, downsampled_detail=0.0)
    columns = features(two_candidates(), grid=GRID, content=replace(content(), last=same))
    assert columns["expected_size"][0] == pytest.approx(np.log(0.1))  # nothing changed
    half_of_the_detail = np.log(1 - 0.5 * (1 - LOW_COST))
    assert columns["expected_size"][1] == pytest.approx(np.log(0.1) + QUALITY_COST[0] + half_of_the_detail, abs=1e-3)
    finer = features(two_candidates(), grid=GRID, content=replace(content(), last=replace(same, detail=1.0)))
    assert finer["expected_size"][0] == pytest.approx(np.log(0.1) + GROWTH * np.log(4))


def test_a_smaller_frame_reads_as_regions_that_are_all_downsampled_in_part():
    """Half size has the pixels of a frame that is downsampled everywhere; three quarters loses 7/12 of that."""
    everywhere = np.ones((1, 2), np.bool_)
    asked = Candidates(
        masks={0: NONE, 2: everywhere},
        downsampling_type=np.array([0, 2, 2, 2]),
        downsampled_regions=np.array([0, 2, 2, 2]),
        downsampled_motion=np.array([0.0, 1.0, 1.0, 1.0]),
        jpeg_quality=np.full(4, 95),
        restoration_point=np.array([0, 4, 4, 4]),
        frame_scale=np.array([1.0, 1.0, 0.5, 0.75]),
    )
    columns = features(asked, grid=GRID, content=content())
    for name in ("downsampled_share", "downsampled_motion", "downsampled_detail", "objects_downsampled"):
        assert columns[name].tolist() == pytest.approx([0, 1, 1, 7 / 12]), name
    assert columns["small_downsampled"].tolist() == pytest.approx([0, 0.5, 0.5, 0.5 * 7 / 12])
    assert columns["expected_size"][1] == columns["expected_size"][2] < columns["expected_size"][3]


@pytest.mark.parametrize(("scale", "factor", "share"), [(1, 2, 0), (0.5, 2, 1), (0.25, 2, 1), (0.5, 4, 0.8)])
def test_the_lost_share_is_that_of_the_pixels(scale, factor, share):
    assert lost_share(scale, factor) == pytest.approx(share)
