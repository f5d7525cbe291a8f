"""Equation 6 of Hyperion, against the printed rule and against weighted boxes fusion where the definitions meet."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from foveate.core import Detections, InputError
from foveate.metrics import EnsembleOptions, ensemble


def found(*rows: tuple[float, ...], names: tuple[str, ...] = ("person", "car")) -> Detections:
    """Rows of x1, y1, x2, y2, score and class."""
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(boxes=table[:, :4], scores=table[:, 4], class_id=table[:, 5].astype(int), class_names=names)


def test_a_pair_fuses_by_weight_times_confidence_and_its_confidence_by_weight_alone():
    fused = ensemble(found((0, 0, 10, 10, 0.5, 0)), found((2, 0, 12, 10, 0.9, 0)))
    device, cloud = 0.4 * 0.5, 0.6 * 0.9
    share = cloud / (device + cloud)
    np.testing.assert_allclose(fused.boxes, [[2 * share, 0, 10 + 2 * share, 10]], rtol=1e-6)
    np.testing.assert_allclose(fused.scores, [device + cloud], rtol=1e-6)


def test_a_box_without_a_partner_keeps_its_place_at_its_models_weight():
    fused = ensemble(found((0, 0, 10, 10, 0.5, 0)), found((50, 50, 60, 60, 0.5, 0)))
    assert fused.boxes.tolist() == [[50, 50, 60, 60], [0, 0, 10, 10]]
    np.testing.assert_allclose(fused.scores, [0.3, 0.2], rtol=1e-6)


def test_boxes_of_different_classes_never_fuse():
    fused = ensemble(found((0, 0, 10, 10, 0.5, 0)), found((0, 0, 10, 10, 0.5, 1)))
    assert sorted(fused.class_id.tolist()) == [0, 1]


def test_classes_go_by_name_and_unknown_ones_join_at_the_end():
    device = found((0, 0, 10, 10, 0.8, 0), (30, 30, 40, 40, 0.8, 1), names=("car", "dog"))
    fused = ensemble(device, found((0, 0, 10, 10, 0.8, 1)))
    assert fused.class_names == ("person", "car", "dog")
    assert fused.class_id.tolist() == [1, 2]
    np.testing.assert_allclose(fused.scores, [0.8, 0.32], rtol=1e-6)


def test_only_the_ratio_of_the_weights_matters():
    device, cloud = found((0, 0, 10, 10, 0.5, 0)), found((1, 0, 11, 10, 0.9, 0), (30, 0, 40, 9, 0.3, 0))
    one = ensemble(device, cloud, EnsembleOptions(device_weight=0.4, cloud_weight=0.6))
    other = ensemble(device, cloud, EnsembleOptions(device_weight=2, cloud_weight=3))
    np.testing.assert_allclose(one.boxes, other.boxes, rtol=1e-6)
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-6)


def test_one_model_alone_is_that_model():
    cloud = found((1, 0, 11, 10, 0.9, 0), (30, 0, 40, 9, 0.3, 1))
    assert ensemble(Detections.empty(("person", "car")), cloud, EnsembleOptions(device_weight=0)) == cloud
    assert len(ensemble(Detections.empty(("person",)), Detections.empty(("person",)))) == 0


def test_boxes_without_confidence_fuse_in_the_middle():
    fused = ensemble(found((0, 0, 10, 10, 0, 0)), found((2, 0, 12, 10, 0, 0)))
    assert fused.boxes.tolist() == [[1, 0, 11, 10]]
    assert fused.scores.tolist() == [0]


def test_fused_boxes_of_a_class_are_suppressed():
    device = found((0, 0, 100, 100, 0.9, 0))
    cloud = found((0, 0, 100, 100, 0.9, 0), (0, 0, 100, 80, 0.5, 0))
    assert len(ensemble(device, cloud)) == 1
    assert len(ensemble(device, cloud, EnsembleOptions(nms_iou=0.9))) == 2


def fusion() -> ModuleType:
    """The file of `ensemble_boxes` that needs numpy alone: the package imports numba."""
    spec = importlib.util.find_spec("ensemble_boxes")
    assert spec is not None
    assert spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "ensemble_boxes_wbf.py"
    found_spec = importlib.util.spec_from_file_location("ensemble_boxes_wbf", path)
    assert found_spec is not None
    assert found_spec.loader is not None
    module = importlib.util.module_from_spec(found_spec)
    found_spec.loader.exec_module(module)
    return module


@pytest.mark.oracle
@pytest.mark.parametrize("seed", range(5))
def test_it_is_weighted_boxes_fusion_where_at_most_one_box_of_each_model_meets(seed):
    rng = np.random.default_rng(seed)
    corners = rng.permutation(100)[:40]  # objects on a grid, far enough apart not to meet
    places = np.stack([corners % 10, corners // 10], axis=1) * 100.0 + 10
    boxes = np.concatenate([places, places + rng.uniform(40, 70, (40, 2))], axis=1)
    sets = []
    for _ in range(2):
        seen = rng.random(40) < 0.7
        moved = boxes[seen] + rng.uniform(-3, 3, (seen.sum(), 4))
        scores = rng.uniform(0.1, 0.9, seen.sum())
        sets.append(found(*np.column_stack([moved, scores, (corners[seen] % 2)]).tolist()))
    ours = ensemble(*sets, EnsembleOptions(match_iou=0.5))
    expected, scores, labels = fusion().weighted_boxes_fusion(
        [(s.boxes / 1100).tolist() for s in sets],
        [s.scores.tolist() for s in sets],
        [s.class_id.tolist() for s in sets],
        weights=[0.4, 0.6],
        iou_thr=0.5,
    )
    order = np.argsort(-ours.scores, kind="stable"), np.argsort(-scores, kind="stable")
    assert len(sets[0]) + len(sets[1]) > len(ours) > 25
    np.testing.assert_allclose(ours.boxes[order[0]], expected[order[1]] * 1100, atol=1e-2)
    np.testing.assert_allclose(ours.scores[order[0]], scores[order[1]], atol=1e-5)
    assert ours.class_id[order[0]].tolist() == labels[order[1]].astype(int).tolist()


@pytest.mark.parametrize(
    "wrong",
    [
        {"device_weight": -1},
        {"device_weight": float("nan")},
        {"device_weight": 0, "cloud_weight": 0},
        {"match_iou": 0},
        {"nms_iou": 1.1},
    ],
)
def test_weights_and_overlaps_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError):
        EnsembleOptions(**wrong)
