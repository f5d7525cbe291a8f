"""What this machine could do at most: bare matrix products and bare attention, at the shapes that a backbone has."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F

from foveate.core import Mask, RegionGrid
from foveate.models.backbone import BackboneConfig
from foveate.models.flops import backbone_operations
from foveate.models.layout import frame_layout


@dataclass(frozen=True, kw_only=True, eq=False)
class Probe:
    """Bare work to be timed: operations / seconds is a rate that no program exceeds."""

    call: Callable[[], object]
    operations: float
    """Floating-point operations of one call."""


def product_probe(config: BackboneConfig, grid: RegionGrid, dtype: torch.dtype) -> Probe:
    """The largest product of a block: tokens of a frame through the first layer of the MLP."""
    tokens, hidden = int(frame_layout(grid).real.sum()), int(config.dim * config.mlp_ratio)
    left, right = torch.randn(tokens, config.dim, dtype=dtype), torch.randn(config.dim, hidden, dtype=dtype)
    out = torch.empty(tokens, hidden, dtype=dtype)
    return Probe(call=partial(torch.mm, left, right, out=out), operations=2.0 * tokens * config.dim * hidden)


def global_attention_probe(config: BackboneConfig, grid: RegionGrid, dtype: torch.dtype) -> Probe:
    """Torch's fused attention over all tokens of a frame."""
    return _attention(1, config, int(frame_layout(grid).real.sum()), dtype)


def window_attention_probe(config: BackboneConfig, grid: RegionGrid, dtype: torch.dtype) -> Probe:
    """Torch's fused attention inside every window of a frame."""
    layout = frame_layout(grid)
    return _attention(layout.windows, config, config.window_size**2, dtype)


def _attention(batch: int, config: BackboneConfig, tokens: int, dtype: torch.dtype) -> Probe:
    query, key, value = (
        torch.randn(batch, config.heads, tokens, config.dim // config.heads, dtype=dtype) for _ in range(3)
    )
    return Probe(
        call=partial(F.scaled_dot_product_attention, query, key, value),
        operations=4.0 * batch * tokens * tokens * config.dim,
    )


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Operations per second of the probes, in one dtype."""

    product: float
    global_attention: float
    window_attention: float

    def backbone_s(
        self, config: BackboneConfig, grid: RegionGrid, mask: Mask | None = None, restoration_point: int = 0
    ) -> float:
        """Least seconds for a frame: linear operations at the rate of products, attention at that of attention."""
        work = backbone_operations(config, grid, mask, restoration_point)
        attention = work.window_attention / self.window_attention + work.global_attention / self.global_attention
        return work.linear / self.product + attention

    def products_alone_s(
        self, config: BackboneConfig, grid: RegionGrid, mask: Mask | None = None, restoration_point: int = 0
    ) -> float:
        """The same with all operations at the rate of products, which softmax puts out of reach."""
        work = backbone_operations(config, grid, mask, restoration_point)
        return (work.total - work.embedding) / self.product
