"""Relative positions as a bias of scores, against codes folded into queries and keys."""

import numpy as np
import pytest
import torch

from foveate.core import RegionGrid
from foveate.models import attention
from foveate.models.attention import attend_with_bias
from foveate.models.layout import FrameLayout, frame_layout
from foveate.models.positions import key_code, query_code, relative_axis
from foveate.models.relative_bias import RelativeBias, key_grids

GRIDS = [
    RegionGrid(height=301, width=507),
    RegionGrid(height=1088, width=1920),
    RegionGrid(height=17, width=900, window_size=3, downsampling_factor=3),
    RegionGrid(height=500, width=170, window_size=5, downsampling_factor=1),
]


def layouts() -> list[FrameLayout]:
    """Each grid without a mask, all low, and with a random half of its regions low."""
    found = []
    for seed, grid in enumerate(GRIDS):
        half = np.random.default_rng(seed).random(grid.shape) < 0.5
        found += [frame_layout(grid, mask) for mask in (None, np.ones(grid.shape, bool), half)]
    return found


def bias_of(layout: FrameLayout, dtype: torch.dtype, *, spread: float = 1.0) -> RelativeBias:
    generator = torch.Generator().manual_seed(3)
    tables = tuple(
        (spread * torch.randn(2 * length - 1, 8, generator=generator)).to(dtype) for length in layout.grid.patches
    )
    query = torch.randn(2, layout.real_tokens, 8, generator=generator).to(dtype)
    return RelativeBias(query=query, tables=tables, layout=layout)


def products_of_codes(bias: RelativeBias, queries: torch.Tensor) -> torch.Tensor:
    """The same scores by query and key codes, keys in the order of the frame's tokens."""
    axes = [relative_axis(bias.layout, axis, bias.query) for axis in (0, 1)]
    codes = [query_code(bias.query, table, axis) for table, axis in zip(bias.tables, axes, strict=True)]
    return torch.cat(codes, dim=-1)[:, queries] @ torch.cat([key_code(axis) for axis in axes], dim=-1).t()


@pytest.mark.parametrize("layout", layouts(), ids=lambda layout: f"{layout.grid.height} {len(layout.low_regions)}")
def test_biases_are_the_products_of_codes(layout):
    bias, some = bias_of(layout, torch.float64), slice(5, 5 + min(40, layout.real_tokens))
    expected = products_of_codes(bias, torch.arange(layout.real_tokens)[some])
    assert sorted(bias.order.tolist()) == list(range(layout.real_tokens))
    for head in range(2):
        scores = torch.full((expected.shape[1], layout.real_tokens), torch.nan, dtype=torch.float64)
        with torch.no_grad():
            bias.write(head, some, scores)
        torch.testing.assert_close(scores, expected[head][:, bias.order], atol=1e-12, rtol=0)
        assert scores.abs().max() <= bias.largest()


def test_a_plain_frame_is_one_grid_and_equal_rows_of_a_mask_are_joined():
    grid = GRIDS[1]
    mask = np.zeros(grid.shape, bool)
    mask[1:3, 2] = True
    assert [one.shape for one in key_grids(frame_layout(grid))] == [(68, 120)]
    assert sorted(one.shape for one in key_grids(frame_layout(grid, mask))) == [
        (14, 120), (18, 9), (18, 120), (36, 102)
    ]  # fmt: skip


@pytest.mark.parametrize("spread", [0.3, 20.0], ids=["small biases", "biases that need centring"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_attention_of_frames_with_different_masks_is_softmax_of_all_scores(dtype, spread, monkeypatch):
    monkeypatch.setattr(attention, "SCORES_AT_ONCE", 40_000)
    grid = RegionGrid(height=576, width=576)
    masks = [np.array([[True, False], [False, False]]), np.array([[False, False], [False, True]])]
    biases = [bias_of(frame_layout(grid, mask), dtype, spread=spread) for mask in masks]
    n = biases[0].layout.real_tokens
    query, key, value = (torch.randn(2, 2, n, dim).to(dtype) for dim in (8, 8, 4))
    with torch.inference_mode():
        got = attend_with_bias(query, key, value, biases)
        extra = torch.stack([products_of_codes(bias, torch.arange(n)).double() for bias in biases])
        expected = (query.double() @ key.double().transpose(2, 3) + extra).softmax(dim=-1) @ value.double()
    error = (got - expected).square().mean().sqrt() / expected.square().mean().sqrt()
    assert error < (1e-5 if dtype == torch.float32 else 0.02 * max(1.0, spread / 3))
