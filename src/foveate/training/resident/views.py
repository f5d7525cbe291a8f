"""Where crops lie: the draws of `Augmenter`, for a whole batch of crops at a time."""

from dataclasses import dataclass

import torch
from torch import Tensor

from foveate.training.augment import FIRST_SIDE, AugmentConfig
from foveate.training.resident.pool import PicturePool


@dataclass(frozen=True, kw_only=True, eq=False)
class Views:
    """B crops of one size, each put together from up to four windows of pictures; all tensors on one device.

    Windows are numbered upper left, upper right, lower left, lower right; a plain crop is a single upper left one.
    """

    size: tuple[int, int]
    """Height and width of a crop, pixels."""
    slots: Tensor
    """Int64 `(B, 4)`: the pictures."""
    tops: Tensor
    """Float32 `(B, 4, 2)`: row and column in the crop where each part begins."""
    extents: Tensor
    """Float32 `(B, 4, 2)`: rows and columns of each part; 0 = not there."""
    origins: Tensor
    """Float32 `(B, 4, 2)`: row and column in the picture where each window begins."""
    steps: Tensor
    """Float32 `(B, 4, 2)`: rows and columns of the picture per row and column of the crop."""
    flipped: Tensor
    """Bool `(B,)`: mirrored left to right in the end."""


def draw_views(
    pool: PicturePool,
    count: int,
    size: tuple[int, int],
    config: AugmentConfig,
    *,
    class_weights: Tensor,
    generator: torch.Generator,
) -> Views:
    """Random views of the pool's readable pictures. `class_weights`: `(K,)`, as in `Augmenter`."""
    draw = _Draws(generator, pool.torch_device)
    first, last = pool.readable
    slots = draw.integers(first, last, (count, 4)) % pool.slots
    tops, extents = _parts(count, size, config.mosaic_share, draw)
    pictures = pool.sizes[slots]
    box, wanted = _objects(pool, slots, class_weights, draw)
    wanted &= draw.uniform((count, 4)) < config.object_share
    scales = _scales(pictures, extents.clamp(min=1), box, wanted, config=config, draw=draw)
    stretch = config.stretch ** (draw.uniform((count, 4)) - 0.5)
    steps = torch.stack([1 / stretch, stretch], dim=2) / scales[..., None]
    windows = extents.clamp(min=1) * steps
    return Views(
        size=size,
        slots=slots,
        tops=tops,
        extents=extents,
        origins=_origins(pictures, windows, box, wanted, draw),
        steps=steps,
        flipped=draw.uniform((count,)) < config.flip_share,
    )


class _Draws:
    """Random tensors on a device."""

    def __init__(self, generator: torch.Generator, torch_device: torch.device) -> None:
        self._options = {"generator": generator, "device": torch_device}

    def uniform(self, shape: tuple[int, ...]) -> Tensor:
        """Float32 in 0..1."""
        return torch.rand(shape, **self._options)  # type: ignore[call-overload, no-any-return]

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> Tensor:
        """Int64 in low..high - 1."""
        return torch.randint(low, high, shape, **self._options)  # type: ignore[call-overload, no-any-return]


def _parts(count: int, size: tuple[int, int], mosaic_share: float, draw: _Draws) -> tuple[Tensor, Tensor]:
    """Begin and extent `(B, 4, 2)` of the parts of crops, `mosaic_share` of which have four."""
    sides = torch.tensor(size, dtype=torch.float32, device=draw.uniform((1,)).device)
    corner = (sides * (0.35 + 0.3 * draw.uniform((count, 2)))).round()
    mosaic = draw.uniform((count, 1)) < mosaic_share
    corner = torch.where(mosaic, corner, sides)
    second = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.bool, device=sides.device)
    tops = torch.where(second, corner[:, None], 0.0)
    extents = torch.where(second, (sides - corner)[:, None], corner[:, None])
    # A plain crop's other parts have a side of 0: make them empty altogether.
    return tops, torch.where(extents.amin(dim=2, keepdim=True) > 0, extents, 0.0)


def _objects(pool: PicturePool, slots: Tensor, class_weights: Tensor, draw: _Draws) -> tuple[Tensor, Tensor]:
    """A random object `(B, 4, 4)` of each picture, by the weights of the classes, and whether there is one."""
    labels, ignored = pool.labels_of(slots)
    weights = torch.where((labels >= 0) & ~ignored, class_weights[labels.clamp(min=0)], 0.0)
    # The largest of weights over exponential draws is a draw by the weights.
    waits = -torch.log(draw.uniform(tuple(weights.shape)).clamp(min=1e-20))
    best, index = (weights / waits.clamp(min=1e-20)).max(dim=2)
    box = pool.boxes[slots].gather(2, index[..., None, None].expand(-1, -1, 1, 4)).squeeze(2)
    return box, best > 0


def _scales(
    pictures: Tensor,
    extents: Tensor,
    box: Tensor,
    wanted: Tensor,
    *,
    config: AugmentConfig,
    draw: _Draws,
) -> Tensor:
    """Enlargement `(B, 4)` of each window, log-uniform in a range that suits picture and object."""
    smallest, largest = config.scales
    low = (0.8 * (extents / pictures).amin(dim=2)).clamp(min=smallest, max=largest)
    high = torch.full_like(low, largest)
    long_side = torch.maximum(box[..., 2] - box[..., 0], box[..., 3] - box[..., 1]).clamp(min=1)
    fitting = torch.maximum(torch.minimum(high, 1.1 * extents.amin(dim=2) / long_side), low)
    high = torch.where(wanted, fitting, high)
    low = torch.where(wanted, torch.minimum(torch.maximum(low, FIRST_SIDE / long_side), high), low)
    return torch.exp(torch.lerp(low.log(), high.log(), draw.uniform(tuple(low.shape))))


def _origins(pictures: Tensor, windows: Tensor, box: Tensor, wanted: Tensor, draw: _Draws) -> Tensor:
    """Where windows `(B, 4, 2)` begin: inside the picture where they can be, and around the object if wanted."""
    room = pictures - windows
    low, high = room.clamp(max=0), room.clamp(min=0)
    near, far = box[..., [1, 0]], box[..., [3, 2]] - windows
    # An object larger than the window lets it slide along the object instead.
    first, last = torch.minimum(near, far), torch.maximum(near, far)
    around = wanted[..., None]
    low = torch.where(around, torch.maximum(low, first), low)
    high = torch.where(around, torch.minimum(high, last), high)
    # A box that reaches beyond the picture may leave no choice.
    return torch.where(low < high, torch.lerp(low, high, draw.uniform(tuple(low.shape))), high)
