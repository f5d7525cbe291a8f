"""The fused path equals the plain one: in the interpreter of Triton, and on CUDA where there is one."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from foveate.core import RegionGrid
from foveate.models import Backbone, BackboneConfig, cuda_blocks, pixels
from foveate.models.cuda_blocks import run_blocks
from foveate.models.cuda_keys import KEYS, banded_blocks, cell_blocks, key_codes
from foveate.models.cuda_restore import restoration
from foveate.models.cuda_tables import window_places
from foveate.models.layout import BatchLayout, frame_layout, map_index
from foveate.models.restore import restore_windows

SIZES = [(301, 507), (720, 1280)]
VARIANTS = [
    {"relative_size": (14, 14)},
    {"relative_size": (14, 14), "window_table_size": 14, "window_table": "cut"},
    {"stem": "convolutional", "positions": "tiled"},
]


def backbone(**changes: object) -> Backbone:
    values: dict[str, object] = {"dim": 128, "depth": 8, "heads": 2} | changes
    torch.manual_seed(1)
    model = Backbone(BackboneConfig(**values)).eval()  # type: ignore[arg-type]
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.06)
    return model


def mixed(grid: RegionGrid, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(grid.shape) < 0.5


@pytest.mark.parametrize("size", SIZES)
def test_blocks_of_keys_hold_every_token_once_and_pick_its_own_row_and_column(size):
    layout = frame_layout(backbone().config.grid(*size), mixed(backbone().config.grid(*size)))
    blocks, codes = banded_blocks(layout), key_codes(layout)
    there = blocks.key >= 0
    assert sorted(blocks.key[there]) == list(range(layout.real_tokens))
    number = np.flatnonzero(there) // KEYS
    for axis, picked in enumerate((blocks.picked_row, blocks.picked_column)):
        code = codes[blocks.slots[number, picked[there]]]
        start, count = layout.spans(axis)
        assert (code[:, 0] == start[blocks.key[there]]).all()
        assert (code[:, 1] == count[blocks.key[there]]).all()
        assert (code[:, 3] == axis).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize("cell", [(8, 8), (8, 16)])
def test_cells_hold_every_token_once_and_its_own_row_and_column(size, share, cell):
    grid = backbone().config.grid(*size)
    layout = frame_layout(grid, np.random.default_rng(3).random(grid.shape) < share)
    blocks = cell_blocks(layout, cell)
    key = blocks.key.reshape(-1, *cell)
    there = key >= 0
    assert sorted(key[there]) == list(range(layout.real_tokens))
    assert len(blocks.codes) % 16 == 0
    for axis in (0, 1):
        number = blocks.groups[:, axis, None] * 8 + np.arange(cell[axis])
        code = blocks.codes[np.broadcast_to(np.expand_dims(number, 2 - axis), key.shape)]
        start, count = layout.spans(axis)
        assert (code[there][:, 0] == start[key[there]]).all()
        assert (code[there][:, 1] == count[key[there]]).all()
        assert (code[there][:, 3] == axis).all()
    rows, columns = (blocks.codes[blocks.groups[:, a, None] * 8 + np.arange(cell[a]), 1] > 0 for a in (0, 1))
    assert (there == (rows[:, :, None] & columns[:, None, :])).all()


@pytest.mark.parametrize("size", SIZES)
def test_restoration_by_sources_equals_restoration_by_windows(size):
    grid = backbone().config.grid(*size)
    layout = frame_layout(grid, mixed(grid))
    tokens = torch.randn(layout.windows, 81, 3, generator=torch.Generator().manual_seed(0))
    source, weight = restoration((layout,), (True,), tokens.device)
    flat = tokens.flatten(0, 1)[torch.from_numpy(np.flatnonzero(layout.real))]
    got = (flat[source.long()] * weight[..., None]).sum(dim=1)
    expected = restore_windows(tokens[None], layout)[0].flatten(0, 1)
    places = torch.from_numpy(map_index(grid))
    order = torch.from_numpy(window_places(frame_layout(grid))[map_index(grid)].astype(np.int64))
    torch.testing.assert_close(got[order], expected[places])


@pytest.mark.parametrize("size", SIZES)
def test_filling_beyond_the_frame_at_once_equals_tile_by_tile(size):
    grid = backbone().config.grid(*size)
    layouts = [frame_layout(grid, mixed(grid, seed)) for seed in (0, 0, 1)]
    batch = BatchLayout(layouts, torch.device("cpu"))
    expected = pixels.select_tiles(torch.randn(3, 3, *size), grid, layouts)
    got = [tiles.clone() for tiles in expected]
    pixels.blank_beyond(*expected, batch)
    for tiles, name in zip(got, ("full_regions", "low_regions"), strict=True):
        pixels.fill_beyond(tiles, batch, name)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def fused_error(
    model: Backbone, size: tuple[int, int], torch_device: str, dtype: torch.dtype, points: list[int]
) -> float:
    """||fused - plain|| / ||plain|| of a ragged batch; plain in float32 on the CPU."""
    images = torch.randn(len(points), 3, *size, generator=torch.Generator().manual_seed(0))
    grid = model.config.grid(*size)
    masks = torch.stack([torch.from_numpy(mixed(grid, seed)) for seed in range(len(points))])
    with torch.inference_mode():
        expected = model(images, masks, points)
        other = model.to(torch_device, dtype)
        batch = BatchLayout(
            [frame_layout(grid, m) for m in (masks & (torch.tensor(points) > 0)[:, None, None]).numpy()],
            torch.device(torch_device),
        )
        inside = images.to(torch_device, dtype)
        inside = pixels.degrade_regions(inside, grid, masks & (torch.tensor(points) == 0)[:, None, None])
        full, low = pixels.select_tiles(inside, grid, batch.frames)
        pixels.blank_beyond(full, low, batch)
        got = torch.cat(run_blocks(other, other._embed(full, low, batch), batch, points))
    difference = torch.linalg.vector_norm(got.float().cpu() - expected)
    return float(difference / torch.linalg.vector_norm(expected))


def interpreted() -> None:
    """In a process where Triton interprets: all variants and launches, one ragged batch of small frames each."""
    for launch in cuda_blocks.FRAME_LAUNCHES:
        if "3 stages" not in launch:
            continue  # the same for the interpreter
        cuda_blocks.FRAME_LAUNCH = launch
        for variant in VARIANTS[: 3 if "bands" in launch else 2]:
            error = fused_error(backbone(depth=4, subsets=2, **variant), (301, 507), "cpu", torch.float32, [0, 1, 2, 3])
            print(launch, variant, error, flush=True)
            assert error < 1e-3, (launch, variant, error)


@pytest.mark.long
def test_the_fused_path_equals_the_plain_one_in_tritons_interpreter():
    pytest.importorskip("triton")
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    code = "from tests.models.test_cuda_blocks import interpreted; interpreted()"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("launch", cuda_blocks.FRAME_LAUNCHES)
def test_the_fused_path_equals_the_plain_one_on_cuda(size, variant, launch, monkeypatch):
    monkeypatch.setattr(cuda_blocks, "FRAME_LAUNCH", launch)
    assert fused_error(backbone(**variant), size, "cuda", torch.bfloat16, [0, 1, 2, 3, 4, 5]) < 0.02
