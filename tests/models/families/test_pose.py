"""Keypoints of persons, against the processor of transformers from end to end."""

import re

import numpy as np
import pytest
import torch

from foveate.core import Detections, InputError
from foveate.models.families import PoseEstimator, load_model
from foveate.models.families.pose import refined_peaks

from .checkpoints import NORMAL, PREPROCESSORS

pytestmark = pytest.mark.oracle
BOXES = np.array([[100, 40, 160, 220], [300, 100, 420, 160], [200, 150, 260, 250]], np.float32)
"""Crops inside the frame: at its border scipy and OpenCV, with which ViTPose was published, blend with black apart."""


def gaussian_filter(values, sigma, radius, axes):
    """What scipy's does, written out; scipy is not installed for tests."""
    steps = np.arange(-radius[0], radius[0] + 1)
    kernel = np.exp(-(steps**2) / (2 * sigma**2))
    for axis in axes:
        padded = np.pad(values, [(radius[0],) * 2 if i == axis else (0, 0) for i in (0, 1)], mode="symmetric")
        values = np.apply_along_axis(lambda line: np.convolve(line, kernel / kernel.sum(), "valid"), axis, padded)
    return values


def affine_transform(values, matrix, output_shape, order):
    """The same: the value at `matrix @ place`, linear between pixels, 0 beyond them, rounded."""
    assert order == 1
    places = np.stack([*np.mgrid[: output_shape[0], : output_shape[1]], np.ones(output_shape)], axis=-1)
    row, column = np.moveaxis((places @ matrix.T)[..., :2], -1, 0)
    inside = (row >= 0) & (row <= values.shape[0] - 1) & (column >= 0) & (column <= values.shape[1] - 1)
    top, left = np.floor(row).astype(int), np.floor(column).astype(int)
    total = np.zeros(output_shape)
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = (1 - np.abs(row - top - i)) * (1 - np.abs(column - left - j))
        total += share * values[np.clip(top + i, 0, values.shape[0] - 1), np.clip(left + j, 0, values.shape[1] - 1)]
    return (total * inside + 0.5).astype(values.dtype)


@pytest.fixture
def reader(monkeypatch):
    import transformers
    from transformers.models.vitpose import image_processing_pil_vitpose

    for function in (gaussian_filter, affine_transform):
        monkeypatch.setattr(image_processing_pil_vitpose, function.__name__, function, raising=False)
    return transformers.VitPoseImageProcessorPil(**NORMAL | PREPROCESSORS["vitpose"])


@torch.inference_mode()
def test_keypoints_are_as_transformers_finds_them(published, frame, reader):
    folder, network = published("vitpose")
    model = load_model(folder, dtype="float32")
    assert isinstance(model, PoseEstimator)
    coco = [np.concatenate([BOXES[:, :2], BOXES[:, 2:] - BOXES[:, :2]], axis=1).tolist()]
    inputs = reader(frame, boxes=coco, return_tensors="pt")
    outputs = network(inputs["pixel_values"], dataset_index=torch.zeros(3, dtype=torch.long))
    expected = reader.post_process_pose_estimation(outputs, boxes=coco)[0]
    poses = model.predict(frame, BOXES)
    assert poses.names == ("nose", "left eye", "right eye")
    scores = np.stack([one["scores"].numpy() for one in expected])
    np.testing.assert_allclose(poses.scores, scores, atol=0.05 * scores.std())
    places = np.stack([one["keypoints"].numpy() for one in expected])
    assert np.median(np.abs(poses.keypoints - places)) < 0.5  # pixels; peaks of nearly equal height may change places


@pytest.mark.usefixtures("reader")
def test_peaks_are_refined_as_transformers_refines_them():
    from transformers.models.vitpose.image_processing_pil_vitpose import (
        get_keypoint_predictions,
        post_dark_unbiased_data_processing,
    )

    y, x = np.mgrid[:16, :12]
    centres = np.random.default_rng(0).uniform(2, 9, (2, 3, 2))
    heatmaps = np.exp(-((x - centres[..., :1, None]) ** 2 + (y - centres[..., 1:, None]) ** 2) / 4).astype(np.float32)
    coordinates, scores = get_keypoint_predictions(heatmaps)
    expected = post_dark_unbiased_data_processing(coordinates.copy(), heatmaps, kernel=11)
    got, heights = refined_peaks(heatmaps)
    np.testing.assert_allclose(got, expected, atol=1e-3)
    np.testing.assert_allclose(heights, scores[..., 0])
    assert np.abs(got - centres).max() < 0.05  # the tops of the Gaussians, between pixels


def test_masks_matter_where_the_person_is(published, frame):
    model = load_model(published("vitpose")[0], dtype="float32")
    here, elsewhere = (np.zeros(model.region_grid(300, 500).shape, bool) for _ in range(2))
    here[:, :2], elsewhere[:, 3] = True, True
    plain = model.predict(frame, BOXES[:1])
    assert np.array_equal(model.predict(frame, BOXES[:1], elsewhere).scores, plain.scores)
    for point in model.restoration_points:
        assert not np.array_equal(model.predict(frame, BOXES[:1], here, point).scores, plain.scores)


def test_detections_of_persons_go_in_and_none_is_fine(published, frame):
    model = load_model(published("vitpose")[0], dtype="float32")
    persons = Detections(boxes=BOXES, scores=np.ones(3), class_id=np.zeros(3), class_names=("person",))
    assert np.array_equal(model.predict(frame, persons).keypoints, model.predict(frame, BOXES).keypoints)
    assert model.predict(frame, persons.above(2.0)).keypoints.shape == (0, 3, 2)


def test_persons_at_the_border_are_seen(published, frame):
    model = load_model(published("vitpose")[0], dtype="float32")
    poses = model.predict(frame, np.array([[-20, 200, 60, 320], [450, -30, 520, 100]], np.float32), None, 0)
    assert np.isfinite(poses.keypoints).all()
    assert poses.keypoints.shape == (2, 3, 2)


@pytest.mark.parametrize("box", [[5.0, 5.0, 5.0, 9.0], [5.0, 5.0, float("nan"), 9.0], [5.0, 5.0, float("inf"), 9.0]])
def test_boxes_without_an_area_are_refused(published, frame, box):
    model = load_model(published("vitpose")[0], dtype="float32")
    with pytest.raises(InputError, match=f"must have an area, got {re.escape(str(box))}"):
        model.predict(frame, np.array([box], np.float32))
