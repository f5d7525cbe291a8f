"""Boxes of views: what `resample`, `join_four` and `flip` do to a crop's boxes, for a batch."""

import torch
from torch import Tensor

from foveate.training.augment import AugmentConfig
from foveate.training.resident.pool import PicturePool
from foveate.training.resident.views import Views
from foveate.training.targets import Targets


def move_boxes(pool: PicturePool, views: Views, config: AugmentConfig) -> Targets:
    """Boxes in the crops, padded to four times the pool's number of boxes: cut them with `compact`."""
    labels, ignored = pool.labels_of(views.slots)
    origin, top = views.origins.flip(-1).repeat(1, 1, 2)[:, :, None], views.tops.flip(-1).repeat(1, 1, 2)[:, :, None]
    limit = views.extents.flip(-1).repeat(1, 1, 2)[:, :, None]
    moved = (pool.boxes[views.slots] - origin) / views.steps.flip(-1).repeat(1, 1, 2)[:, :, None]
    boxes = torch.minimum(moved.clamp(min=0), limit)
    kept_area, area = _areas(boxes), _areas(moved).clamp(min=1e-6)
    sides = boxes[..., 2:] - boxes[..., :2]
    small = (sides.amax(dim=-1) < config.min_long_side) | (sides.amin(dim=-1) < config.min_short_side)
    ignored = ignored | small | (kept_area < config.min_area_share * area)
    there = (labels >= 0) & (kept_area > 0)
    boxes = _mirrored(boxes + top, views).flatten(1, 2)
    return Targets(
        boxes=boxes,
        labels=torch.where(there & ~ignored, labels, -1).flatten(1),
        ignored_boxes=boxes,
        ignored_labels=torch.where(there & ignored, labels, -1).flatten(1),
    )


def counts(targets: Targets) -> Tensor:
    """Int64 `(2,)`: most objects and most ignore regions of a crop."""
    return torch.stack([(found >= 0).sum(dim=1).amax() for found in (targets.labels, targets.ignored_labels)])


def compact(targets: Targets, most: tuple[int, int]) -> Targets:
    """The same boxes in as few columns as `counts` says."""
    boxes, labels = _compact(targets.boxes, targets.labels, most[0])
    ignored_boxes, ignored_labels = _compact(targets.ignored_boxes, targets.ignored_labels, most[1])
    return Targets(boxes=boxes, labels=labels, ignored_boxes=ignored_boxes, ignored_labels=ignored_labels)


def _compact(boxes: Tensor, labels: Tensor, most: int) -> tuple[Tensor, Tensor]:
    index = (labels >= 0).byte().topk(max(1, most), dim=1).indices
    labels = labels.gather(1, index)
    boxes = boxes.gather(1, index[..., None].expand(-1, -1, 4))
    return torch.where(labels[..., None] >= 0, boxes, 0.0), labels


def _mirrored(boxes: Tensor, views: Views) -> Tensor:
    x1, y1, x2, y2 = boxes.unbind(-1)
    width = views.size[1]
    return torch.where(views.flipped[:, None, None, None], torch.stack([width - x2, y1, width - x1, y2], dim=-1), boxes)


def _areas(boxes: Tensor) -> Tensor:
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    return sides[..., 0] * sides[..., 1]
