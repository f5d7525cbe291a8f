"""A dense anchor-free head: one prediction per cell of every level (FCOS, Tian et al. 2019).

Class scores carry the localisation quality themselves (trained with soft targets), so there is no centerness branch.
Training looks at every cell. Inference asks for scores first, and for boxes only where a score is worth one.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foveate.models.neighbourhoods import Neighbourhoods, neighbourhoods
from foveate.models.pyramid import ChannelNorm

PRIOR = 0.01
"""Class probability that the bias starts from, so that early training is not drowned by background."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadOutput:
    """Predictions of all levels, finest first, cells in raster order."""

    class_logits: Tensor
    """`(B, P, K)`."""
    box_distances: Tensor
    """`(B, P, 4)`: left, top, right, bottom from the point, pixels, positive."""
    points: Tensor
    """`(P, 2)`: x, y of cell centres, pixels."""
    strides: Tensor
    """`(P,)`: pixels per cell."""

    def boxes(self) -> Tensor:
        """`(B, P, 4)` xyxy, pixels."""
        near = self.points - self.box_distances[..., :2]
        far = self.points + self.box_distances[..., 2:]
        return torch.cat([near, far], dim=-1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """The predictions of one frame that are worth a box."""

    scores: Tensor
    """Float32 `(n,)`."""
    class_id: Tensor
    """Int64 `(n,)`."""
    boxes: Tensor
    """Float32 `(n, 4)` xyxy, pixels, not clipped."""


class DenseHead(nn.Module):
    """Two towers shared by all levels; `convolutions` 3 x 3 convolutions each."""

    def __init__(self, channels: int, classes: int, strides: tuple[int, ...], convolutions: int) -> None:
        super().__init__()
        self.strides = strides
        self.class_tower = _tower(channels, convolutions)
        self.box_tower = _tower(channels, convolutions)
        self.class_logits = nn.Conv2d(channels, classes, 3, padding=1)
        self.box_distances = nn.Conv2d(channels, 4, 3, padding=1)
        self.level_scales = nn.Parameter(torch.ones(len(strides)))
        nn.init.normal_(self.class_logits.weight, std=0.01)
        nn.init.normal_(self.box_distances.weight, std=0.01)
        nn.init.constant_(self.class_logits.bias, -math.log((1 - PRIOR) / PRIOR))  # type: ignore[arg-type]
        nn.init.constant_(self.box_distances.bias, 2.0)  # type: ignore[arg-type]

    def forward(self, levels: list[Tensor], threshold: float, most: int) -> list[Candidates]:
        """One map `(B, C, h_l, w_l)` per stride -> each frame's best `most` cells that score at least `threshold`."""
        if levels[0].device.type != "cpu":
            return candidates_of(self.best(levels, most), threshold)
        found = []
        for number, logits in enumerate(self._all_logits(levels)):
            scores, class_id = logits.float().sigmoid().max(dim=1)
            cells = torch.nonzero(scores >= threshold).squeeze(1)
            if len(cells) > most:
                cells = cells[scores[cells].topk(most).indices]
            boxes = self._boxes_at([level[number] for level in levels], cells)
            found.append(Candidates(scores=scores[cells], class_id=class_id[cells], boxes=boxes))
        return found

    def best(self, levels: list[Tensor], most: int) -> Tensor:
        """Score, class and box of each frame's best `most` cells, on the device alone: `(B, most, 6)`, float32."""
        output = self.dense(levels)
        scores, class_id = output.class_logits.float().sigmoid().max(dim=2)
        best, cells = scores.topk(min(most, scores.shape[1]), dim=1)
        boxes = output.boxes().gather(1, cells[..., None].expand(-1, -1, 4))
        return torch.cat([best[..., None], class_id.gather(1, cells)[..., None].to(best), boxes], dim=2)

    def dense(self, levels: list[Tensor]) -> HeadOutput:
        """One map `(B, C, h_l, w_l)` per stride -> predictions of every cell; distances and points in float32."""
        distances, points, strides = [], [], []
        for level, stride, scale in zip(levels, self.strides, self.level_scales, strict=True):
            raw = _rows(self.box_distances(self.box_tower(level)))
            distances.append(_distances(raw, scale, stride))
            points.append(cell_centres(level.shape[2], level.shape[3], stride, level.device))
            strides.append(torch.full((len(points[-1]),), float(stride), device=level.device))
        return HeadOutput(
            class_logits=self._all_logits(levels),
            box_distances=torch.cat(distances, dim=1),
            points=torch.cat(points),
            strides=torch.cat(strides),
        )

    def _all_logits(self, levels: list[Tensor]) -> Tensor:
        """`(B, P, K)`, finest level first, cells in raster order."""
        return torch.cat([_rows(self.class_logits(self.class_tower(level))) for level in levels], dim=1)

    def _boxes_at(self, levels: list[Tensor], cells: Tensor) -> Tensor:
        """Boxes `(n, 4)` of `cells` `(n,)`, numbers of rows of `HeadOutput`; one map `(C, h_l, w_l)` per stride."""
        boxes = torch.empty((len(cells), 4), device=cells.device)
        first = 0
        for level, stride, scale in zip(levels, self.strides, self.level_scales, strict=True):
            height, width = level.shape[1:]
            mine = torch.nonzero((cells >= first) & (cells < first + height * width)).squeeze(1)
            rows, columns = (cells[mine] - first) // width, (cells[mine] - first) % width
            first += height * width
            if len(mine):
                distances = _distances(self._raw_distances_at(level, rows, columns), scale, stride)
                points = (torch.stack([columns, rows], dim=1) + 0.5) * stride
                boxes[mine] = torch.cat([points - distances[:, :2], points + distances[:, 2:]], dim=1)
        return boxes

    def _raw_distances_at(self, level: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """`(n, 4)`: what `box_distances` makes of these cells of a map `(C, h, w)`, from their surroundings alone."""
        layers = list(self.box_tower)
        near = neighbourhoods(level, rows, columns, len(layers) // 3 + 1)
        for convolution, norm, activation in zip(layers[::3], layers[1::3], layers[2::3], strict=True):
            near = near.convolved(activation(norm(_without_padding(convolution, near))))
        return _without_padding(self.box_distances, near).flatten(1)


def candidates_of(best: Tensor, threshold: float) -> list[Candidates]:
    """Those of `DenseHead.best` that score at least `threshold`, in host memory, after one wait for the batch."""
    kept = [frame[frame[:, 0] >= threshold] for frame in best.cpu()]
    return [Candidates(scores=one[:, 0], class_id=one[:, 1].long(), boxes=one[:, 2:]) for one in kept]


def _without_padding(convolution: nn.Module, near: Neighbourhoods) -> Tensor:
    assert isinstance(convolution, nn.Conv2d)
    return F.conv2d(near.values, convolution.weight, convolution.bias)


def _distances(raw: Tensor, scale: Tensor, stride: int) -> Tensor:
    """Raw predictions `(..., 4)` of a level -> pixels, float32."""
    return F.softplus(raw.float() * scale.float()) * stride


def _tower(channels: int, convolutions: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(convolutions):
        layers += [nn.Conv2d(channels, channels, 3, padding=1, bias=False), ChannelNorm(channels), nn.ReLU()]
    return nn.Sequential(*layers)


def _rows(level: Tensor) -> Tensor:
    """`(B, C, h, w)` -> `(B, h * w, C)`."""
    return level.permute(0, 2, 3, 1).flatten(1, 2)


def cell_centres(rows: int, columns: int, stride: int, torch_device: torch.device | None = None) -> Tensor:
    """`(rows * columns, 2)` x, y in pixels, raster order; made there, for copies from host memory wait."""
    y, x = (torch.arange(count, device=torch_device) for count in (rows, columns))
    both = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
    return (both.reshape(-1, 2).float() + 0.5) * stride
