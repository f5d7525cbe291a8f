import numpy as np
import pytest

from foveate.core import InputError
from foveate.models import BackboneConfig, backbone_flops
from foveate.models.ceilings import Rates
from foveate.models.flops import backbone_operations

CONFIG = BackboneConfig(dim=32, depth=4, heads=2, subsets=2, window_size=2)


def test_kinds_of_operations_add_up_to_those_of_the_frame():
    grid = CONFIG.grid(128, 192)
    kinds = backbone_operations(CONFIG, grid)
    assert kinds.total == backbone_flops(CONFIG, grid)
    tokens = 8 * 12
    assert kinds.linear == 4 * 2 * tokens * 12 * 32**2
    assert kinds.global_attention == 2 * 4 * tokens**2 * 32
    assert kinds.window_attention == 2 * 4 * tokens * 4 * 32


def test_downsampling_saves_operations_of_every_kind():
    grid = CONFIG.grid(128, 192)
    mask = np.ones(grid.shape, np.bool_)
    full, mixed = backbone_operations(CONFIG, grid), backbone_operations(CONFIG, grid, mask, 2)
    assert mixed.linear < full.linear
    assert mixed.global_attention < full.global_attention
    assert mixed.window_attention < full.window_attention


def test_restoring_after_the_last_block_saves_in_that_block_as_well():
    """Downsampled everywhere, its tokens are a quarter, and pairs of tokens a sixteenth."""
    grid = CONFIG.grid(128, 192)
    mask, tokens = np.ones(grid.shape, np.bool_), 8 * 12
    late, last = (backbone_operations(CONFIG, grid, mask, point) for point in (3, 2))
    assert last.linear - late.linear == 2 * tokens * 12 * 32**2 * 3 / 4
    assert last.global_attention - late.global_attention == 4 * tokens**2 * 32 * 15 / 16
    assert last.window_attention == late.window_attention


@pytest.mark.parametrize("point", [-1, 4, 1.5, None])
def test_points_that_no_pass_has_are_refused(point):
    with pytest.raises(InputError, match=r"restoration point"):
        backbone_operations(CONFIG, CONFIG.grid(128, 192), None, point)


def test_the_ceiling_is_each_kind_at_its_own_rate():
    grid = CONFIG.grid(128, 192)
    kinds = backbone_operations(CONFIG, grid)
    rates = Rates(product=2e9, global_attention=5e8, window_attention=1e8)
    wanted = kinds.linear / 2e9 + kinds.global_attention / 5e8 + kinds.window_attention / 1e8
    assert rates.backbone_s(CONFIG, grid) == pytest.approx(wanted)
    assert rates.products_alone_s(CONFIG, grid) == pytest.approx((kinds.total - kinds.embedding) / 2e9)
