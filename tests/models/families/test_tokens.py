"""Lists of tokens: places, centres, restoration."""

import numpy as np
import pytest
import torch

from foveate.core import RegionGrid
from foveate.models.families.tokens import restore_tokens, run_alike, spread_patches, token_list
from foveate.models.layout import frame_layout, map_index
from foveate.models.restore import restore_windows


def grid_of(height: int, width: int, w: int, d: int = 2) -> RegionGrid:
    return RegionGrid(height=height, width=width, patch_size=4, window_size=w, downsampling_factor=d)


def mask_of(grid: RegionGrid, seed: int = 0) -> np.ndarray:
    mask = np.random.default_rng(seed).random(grid.shape) < 0.5
    mask[0, 0], mask[-1, -1] = True, True
    return mask


GRIDS = [grid_of(64, 96, 1), grid_of(60, 84, 1), grid_of(60, 84, 3), grid_of(72, 72, 2, 3), grid_of(61, 30, 4)]


@pytest.mark.parametrize("grid", GRIDS)
def test_spreading_equals_the_restoration_of_windows(grid):
    """The backbone of foveate restores the same tokens window by window."""
    mask = mask_of(grid)
    order, layout = token_list(grid, mask, specials=2), frame_layout(grid, mask)
    windows = torch.randn(layout.windows, grid.window_size**2, 3, generator=torch.Generator().manual_seed(0))
    windows[torch.from_numpy(~layout.real)] = float("nan")  # what is beyond the frame must not matter
    tokens = torch.zeros(len(order), 3)
    tokens[order.patch_rows] = windows.flatten(0, 1)[order.place]
    clean = torch.nan_to_num(windows)
    restored = restore_windows(clean[None], layout)[0].flatten(0, 1)[torch.from_numpy(map_index(grid))]
    torch.testing.assert_close(spread_patches(tokens, order, None), restored)


@pytest.mark.parametrize("grid", GRIDS)
def test_every_patch_is_covered_once(grid):
    order = token_list(grid, mask_of(grid))
    seen = np.zeros(grid.patches, int)
    for (row, column), (rows, columns) in zip(order.first_patch, order.covered, strict=True):
        seen[row : row + rows, column : column + columns] += 1
    assert (seen == 1).all()
    assert np.allclose((order.centres * order.covered.prod(axis=1)[:, None]).sum(axis=0), _moment(grid))


def _moment(grid: RegionGrid) -> np.ndarray:
    rows, columns = grid.patches
    return np.array([rows**2 / 2 * columns, columns**2 / 2 * rows])


@pytest.mark.parametrize("grid", GRIDS)
def test_a_patch_keeps_its_own_code_where_tokens_carry_means(grid):
    """Tokens that are nothing but their codes are restored to the codes of the patches, exactly."""
    from foveate.models.families.tokens import mean_codes

    mask = mask_of(grid)
    order, full = token_list(grid, mask, specials=1), token_list(grid, specials=1)
    codes = torch.randn(*grid.patches, 5, generator=torch.Generator().manual_seed(0))
    tokens = torch.zeros(len(order), 5)
    tokens[order.patch_rows] = mean_codes(codes, order)
    tokens[0] = 7
    restored = restore_tokens(tokens, order, full, codes)
    assert (restored[0] == 7).all()
    torch.testing.assert_close(restored[1:], codes.flatten(0, 1))


def test_parts_hold_their_own_tokens_behind_their_special_tokens():
    grid = grid_of(48, 64, 1)  # 12 x 16 patches, parts of 6 x 8
    mask = np.zeros(grid.shape, bool)
    mask[:3, :4] = True  # the first part
    order = token_list(grid, mask, parts_per_side=2, specials=1)
    assert order.part_lengths.tolist() == [13, 49, 49, 49]
    assert order.special_rows.reshape(-1).tolist() == [0, 13, 62, 111]
    part = np.searchsorted(order.special_rows[:, 0], order.patch_rows, side="right") - 1
    expected = order.first_patch[:, 0] // 6 * 2 + order.first_patch[:, 1] // 8
    assert (part == expected).all()


def test_a_frame_of_one_part_without_low_regions_stands_in_raster_order():
    order = token_list(GRIDS[1], specials=3)
    assert order.is_full
    assert order.patch_rows.tolist() == list(range(3, len(order)))
    rows, columns = GRIDS[1].patches
    assert (order.first_patch == np.stack(np.divmod(np.arange(rows * columns), columns), axis=1)).all()


def test_stretches_of_equal_length_run_at_once_and_return_to_their_places():
    tokens = torch.arange(14.0)[:, None]
    calls = []

    def mean(parts: list[torch.Tensor], which: np.ndarray) -> torch.Tensor:
        (stretch,) = parts
        calls.append((tuple(stretch.shape), which.tolist()))
        return stretch.mean(dim=1, keepdim=True).expand_as(stretch)

    result = run_alike([tokens], np.array([3, 4, 3, 4]), mean)
    assert calls == [((2, 3, 1), [0, 2]), ((2, 4, 1), [1, 3])]
    assert result[:, 0].tolist() == [1] * 3 + [4.5] * 4 + [8] * 3 + [11.5] * 4
