"""Patch embedding: pixels of a tile to one vector per patch."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn


class LinearEmbedding(nn.Module):
    """One linear map per patch, as in the plain ViT (Dosovitskiy et al. 2021)."""

    def __init__(self, dim: int, patch_size: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(3, dim, patch_size, stride=patch_size)

    def forward(self, tiles: Tensor) -> Tensor:
        """`(n, 3, s, s)` -> `(n, s / patch, s / patch, dim)`."""
        if tiles.device.type != "cpu":
            return self._as_product(tiles)
        patches: Tensor = self.projection(tiles)
        return patches.permute(0, 2, 3, 1)

    def _as_product(self, tiles: Tensor) -> Tensor:
        """The same as one matrix product, which accelerators do better than a convolution of this stride."""
        (count, _, side, _), patch = tiles.shape, self.projection.stride[0]
        split = tiles.reshape(count, 3, side // patch, patch, side // patch, patch).permute(0, 2, 4, 1, 3, 5)
        return F.linear(split.flatten(3), self.projection.weight.flatten(1), self.projection.bias)


class ConvolutionalStem(nn.Module):
    """Halving 3 x 3 convolutions down to the patch size (Xiao et al. 2021, "Early convolutions").

    Run on each tile by itself with zero padding, so that a tile's tokens depend on its own pixels alone and a
    mosaic gives the same tokens as the whole frame.
    """

    def __init__(self, dim: int, patch_size: int) -> None:
        super().__init__()
        halvings = patch_size.bit_length() - 1
        widths = [3, *(dim >> (halvings - 1 - i) for i in range(halvings))]
        self.stages = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.projection = nn.Conv2d(dim, dim, 1)
        for stage in self.stages:
            nn.init.kaiming_normal_(stage.weight, nonlinearity="relu")  # type: ignore[arg-type]
            nn.init.zeros_(stage.bias)  # type: ignore[arg-type]

    def forward(self, tiles: Tensor) -> Tensor:
        """`(n, 3, s, s)` -> `(n, s / patch, s / patch, dim)`."""
        for stage in self.stages:
            tiles = F.relu(stage(tiles), inplace=True)
        projected: Tensor = self.projection(tiles)
        return projected.permute(0, 2, 3, 1)
