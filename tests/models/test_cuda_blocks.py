"""The fused path equals the plain one: in the interpreter of Triton, and on CUDA where there is one."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from foveate.core import RegionGrid
from foveate.models import Backbone, BackboneConfig, pixels
from foveate.models.cuda_blocks import relative_tables
from foveate.models.cuda_keys import CELL, cell_blocks
from foveate.models.cuda_pass import FusedPass, plan_of, run_fused
from foveate.models.cuda_restore import restoration_tables
from foveate.models.cuda_tables import TOKENS, embedding_tables, map_places, token_starts
from foveate.models.layout import BatchLayout, batch_layout, frame_layout, map_index
from foveate.models.positions import fit_table
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
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8, 1.0])
def test_cells_hold_every_token_once_and_its_own_row_and_column(size, share):
    grid = backbone().config.grid(*size)
    layout = frame_layout(grid, np.random.default_rng(3).random(grid.shape) < share)
    blocks = cell_blocks(layout)
    key = blocks.key.reshape(-1, *CELL)
    there = key >= 0
    assert sorted(key[there]) == list(range(layout.real_tokens))
    assert len(blocks.codes) % 16 == 0
    for axis in (0, 1):
        number = blocks.groups[:, axis, None] * 8 + np.arange(CELL[axis])
        code = blocks.codes[np.broadcast_to(np.expand_dims(number, 2 - axis), key.shape)]
        start, count = layout.spans(axis)
        assert (code[there][:, 0] == start[key[there]]).all()
        assert (code[there][:, 1] == count[key[there]]).all()
        assert (code[there][:, 3] == axis).all()
    rows, columns = (blocks.codes[blocks.groups[:, a, None] * 8 + np.arange(CELL[a]), 1] > 0 for a in (0, 1))
    assert (there == (rows[:, :, None] & columns[:, None, :])).all()


@pytest.mark.parametrize("size", SIZES)
def test_restoration_by_sources_equals_restoration_by_windows(size):
    grid = backbone().config.grid(*size)
    layout = frame_layout(grid, mixed(grid))
    tokens = torch.randn(layout.windows, 81, 3, generator=torch.Generator().manual_seed(0))
    tables = {name: torch.from_numpy(table) for name, table in restoration_tables([layout], [True]).items()}
    flat = tokens.flatten(0, 1)[torch.from_numpy(np.flatnonzero(layout.real))]
    got = (flat[tables["sources"].long()] * tables["weights"][..., None]).sum(dim=1)
    expected = restore_windows(tokens[None], layout)[0].flatten(0, 1)
    places = torch.from_numpy(map_index(grid))
    torch.testing.assert_close(got[torch.from_numpy(map_places(frame_layout(grid))).long()], expected[places])


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


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_tokens_of_the_fused_path_are_those_of_the_plain_one(variant, share):
    model, sizes = backbone(**variant), SIZES[:1] if "relative_size" in variant else SIZES
    layouts, images = [], []
    for number, size in enumerate([*sizes, *sizes]):
        grid = model.config.grid(*size)
        layouts.append(frame_layout(grid, np.random.default_rng(number).random(grid.shape) < share))
        images.append(torch.randn(1, 3, *size))
    parts = [pixels.select_tiles(image, layout.grid, [layout]) for image, layout in zip(images, layouts, strict=True)]
    full, low = (torch.cat(of) for of in zip(*parts, strict=True))
    batch = batch_layout(layouts, full.device)
    plan = plan_of(model, layouts, [4] * len(layouts), full.device)
    with torch.inference_mode():
        tables = plan.shape.packing.unpack(plan.packed)
        got = FusedPass.of(model, plan.shape).embed(full.clone(), low.clone(), tables)
        pixels.blank_beyond(full, low, batch)
        expected = batch.whole.take_real(model._embed(full, low, batch))
    assert len(got) % TOKENS == 0
    torch.testing.assert_close(got[: len(expected)], expected)


@torch.inference_mode()
def test_kept_relative_tables_follow_a_fused_optimiser():
    block = backbone(relative_size=(14, 14)).blocks[0]
    rows = block.attention.relative_rows
    before = relative_tables(block, (9, 9))
    assert relative_tables(block, (9, 9)) is before
    rows.grad = torch.ones_like(rows)
    torch.optim.AdamW([rows], lr=0.1, fused=True).step()
    torch.testing.assert_close(relative_tables(block, (9, 9))[:17], fit_table(rows, 9))


def test_masks_alike_in_size_have_one_shape_and_a_batch_the_sum_of_its_tokens():
    model = backbone(relative_size=(14, 14))
    grid = model.config.grid(720, 1280)

    def shape(mask: np.ndarray) -> object:
        return plan_of(model, [frame_layout(grid, mask)], [3], torch.device("cpu")).shape

    inside = np.zeros(grid.shape, bool)
    inside[0, :2] = True
    other = np.zeros(grid.shape, bool)
    other[0, 2:4] = True
    assert shape(inside) == shape(other)
    assert shape(inside) != shape(np.zeros(grid.shape, bool))
    frames = [frame_layout(grid, inside), frame_layout(grid, other)]
    assert token_starts(frames)[-1] == sum(layout.real_tokens for layout in frames)
    assert len(embedding_tables(frames)["full_regions"]) == 2 * (len(grid) - 2)


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
        layouts = [frame_layout(grid, m) for m in (masks & (torch.tensor(points) > 0)[:, None, None]).numpy()]
        inside = images.to(torch_device, dtype)
        inside = pixels.degrade_regions(inside, grid, masks & (torch.tensor(points) == 0)[:, None, None])
        full, low = pixels.select_tiles(inside, grid, layouts)
        got = torch.cat(run_fused(other, full, low, layouts, points))
    difference = torch.linalg.vector_norm(got.float().cpu() - expected)
    return float(difference / torch.linalg.vector_norm(expected))


def interpreted() -> None:
    """In a process where Triton interprets: all variants, one ragged batch of small frames each."""
    for variant in VARIANTS:
        error = fused_error(backbone(depth=4, subsets=2, **variant), (301, 507), "cpu", torch.float32, [0, 1, 2, 3])
        print(variant, error, flush=True)
        assert error < 1e-3, (variant, error)


@pytest.mark.long
def test_the_fused_path_equals_the_plain_one_in_tritons_interpreter():
    """Triton 3.6 interprets with numpy below 2.4 alone."""
    pytest.importorskip("triton")
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    code = "from tests.models.test_cuda_blocks import interpreted; interpreted()"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_fused_path_equals_the_plain_one_on_cuda(size, variant):
    assert fused_error(backbone(**variant), size, "cuda", torch.bfloat16, [0, 1, 2, 3, 4, 5]) < 0.02
