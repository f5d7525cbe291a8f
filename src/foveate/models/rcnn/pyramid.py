"""The simple feature pyramid with a top level for proposals of large objects (Li et al. 2022, section 3)."""

from torch import Tensor

from foveate.models.pyramid import SimplePyramid
from foveate.models.rcnn.layers import NORM_EPS


class ProposalPyramid(SimplePyramid):
    """Maps at `strides` and one of twice the last stride, which takes every other cell of the last map."""

    def __init__(self, dim: int, channels: int, strides: tuple[int, ...], *, patch_size: int) -> None:
        super().__init__(dim, channels, strides, patch_size=patch_size, eps=NORM_EPS)

    def forward(self, features: Tensor) -> list[Tensor]:
        """`(1, dim, h, w)`, a cell for each patch -> one `(1, channels, h_l, w_l)` per level, finest first."""
        levels = super().forward(features)
        return [*levels, levels[-1][:, :, ::2, ::2]]
