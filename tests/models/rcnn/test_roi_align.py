"""RoI Align: against loops over bins and samples, against torchvision where it can be had, and how it chooses."""

from types import SimpleNamespace

import pytest
import torch

from foveate.models.rcnn import roi_align as module
from foveate.models.rcnn.pooling import choose_levels, pool_boxes
from foveate.models.rcnn.roi_align import roi_align, roi_align_plain

from .reference import naive_roi_align


def boxes_on(width: float, height: float, count: int, seed: int = 0) -> torch.Tensor:
    """Boxes of all sizes, some beyond the frame, one empty, one far outside."""
    torch.manual_seed(seed)
    centre = torch.rand(count, 2) * torch.tensor([width, height])
    side = torch.exp(torch.rand(count, 2) * 5)
    boxes = torch.cat([centre - side / 2, centre + side / 2], dim=1)
    boxes[0] = torch.tensor([3.0, 3, 3, 3])
    boxes[1] = torch.tensor([-900.0, -900, -800, -800])
    boxes[2] = torch.tensor([-9.0, -9, width + 9, height + 9])
    return boxes


@pytest.mark.parametrize(("rows", "columns", "stride"), [(7, 12, 8), (5, 3, 16), (1, 1, 32), (20, 2, 4)])
@pytest.mark.parametrize("size", [3, 7])
def test_it_equals_loops_over_bins_and_samples(rows, columns, stride, size):
    features = torch.randn(1, 3, rows, columns)
    boxes = boxes_on(columns * stride, rows * stride, 12)
    expected = torch.stack([naive_roi_align(features[0], box, 1 / stride, size) for box in boxes.tolist()])
    torch.testing.assert_close(roi_align_plain(features, boxes, 1 / stride, size), expected, atol=1e-4, rtol=0)


def test_few_values_at_a_time_change_nothing(monkeypatch):
    features, boxes = torch.randn(1, 4, 9, 14), boxes_on(224, 144, 40)
    at_once = roi_align_plain(features, boxes, 1 / 16, 7)
    monkeypatch.setattr(module, "VALUES_AT_ONCE", 300)
    torch.testing.assert_close(roi_align_plain(features, boxes, 1 / 16, 7), at_once, atol=1e-6, rtol=0)


def test_no_boxes_give_no_features():
    assert roi_align_plain(torch.randn(1, 4, 9, 14), torch.zeros(0, 4), 1 / 16, 7).shape == (0, 4, 7, 7)


def test_features_of_bfloat16_are_averaged_in_float32():
    features, boxes = torch.randn(1, 4, 9, 14).bfloat16(), boxes_on(224, 144, 10)
    got = roi_align_plain(features, boxes, 1 / 16, 7)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got, roi_align_plain(features.float(), boxes, 1 / 16, 7).bfloat16(), atol=0, rtol=0)


def test_torchvision_is_used_off_the_cpu_where_it_loads(monkeypatch):
    asked = {}

    def theirs(features, boxes, size, **options):
        asked.update(options, size=size, boxes=boxes)
        return torch.ones(len(boxes[0]), 4, size, size, device=features.device)

    monkeypatch.setattr(module, "torchvision_ops", lambda: SimpleNamespace(roi_align=theirs))
    features, boxes = torch.randn(1, 4, 9, 14).bfloat16(), boxes_on(224, 144, 3)
    roi_align(features, boxes, 1 / 16, 7)
    assert not asked
    got = roi_align(features.to("meta"), boxes.to("meta"), 1 / 16, 7)
    assert got.dtype == torch.bfloat16
    assert {key: asked[key] for key in ("size", "spatial_scale", "sampling_ratio", "aligned")} == {
        "size": 7,
        "spatial_scale": 1 / 16,
        "sampling_ratio": 0,
        "aligned": True,
    }


@pytest.mark.torchvision
def test_it_equals_torchvision():
    from torchvision import ops

    features, boxes = torch.randn(1, 4, 19, 34), boxes_on(272, 152, 60)
    expected = ops.roi_align(features, [boxes], 7, 1 / 8, sampling_ratio=0, aligned=True)
    torch.testing.assert_close(roi_align_plain(features, boxes, 1 / 8, 7), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("side", "level"), [(0, 0), (1, 0), (111, 0), (113, 1), (223, 1), (225, 2), (447, 2), (449, 3), (9000, 3)]
)
def test_a_box_of_224_pixels_and_more_is_read_at_stride_16(side, level):
    boxes = torch.tensor([[10.0, 10, 10 + side, 10 + side]])
    assert choose_levels(boxes, (4, 8, 16, 32)).tolist() == [level]


def test_boxes_of_all_levels_keep_their_order():
    levels = [torch.full((1, 2, 512 // stride, 512 // stride), float(stride)) for stride in (4, 8, 16, 32)]
    sides = torch.tensor([500.0, 30, 240, 130, 20])
    boxes = torch.stack([torch.zeros(5), torch.zeros(5), sides, sides], dim=1)
    pooled = pool_boxes(levels, (4, 8, 16, 32), boxes, 3)
    assert pooled[:, 0, 1, 1].tolist() == [32, 4, 16, 8, 4]
