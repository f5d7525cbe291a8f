"""Mixed resolution is exact: restoration, batches, padding and position codes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from foveate.core import InputError
from foveate.models import Backbone, BackboneConfig
from foveate.models.attention import attend
from foveate.models.layout import BatchLayout, frame_layout
from foveate.models.pixels import _copy_tiles, _index_tiles, blank_beyond
from foveate.models.positions import fit_table, key_code, query_code, relative_axis, token_positions
from foveate.models.restore import restore_windows

SIZES = [(720, 1280), (1080, 1920), (301, 507)]


def backbone(**changes: object) -> Backbone:
    values: dict[str, object] = {"dim": 16, "depth": 8, "heads": 2} | changes
    torch.manual_seed(1)
    model = Backbone(BackboneConfig(**values)).eval()  # type: ignore[arg-type]
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return model


VARIANTS = [
    {"stem": "linear", "positions": "stretched"},
    {"stem": "linear", "positions": "stretched", "relative_size": (14, 14), "heads": 1},
    {"stem": "convolutional", "positions": "tiled"},
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_every_restoration_point_equals_the_plain_path_when_nothing_is_downsampled(size, variant):
    model = backbone(**variant)
    image = torch.randn(1, 3, *size)
    nothing = torch.zeros(1, *model.config.grid(*size).shape, dtype=torch.bool)
    plain = model(image)
    for point in range(6):
        torch.testing.assert_close(model(image, nothing, [point]), plain, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", SIZES[:1] + SIZES[2:])
@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_a_batch_equals_its_frames_one_by_one(size, variant):
    model = backbone(**variant)
    images = torch.randn(6, 3, *size)
    masks = torch.rand(6, *model.config.grid(*size).shape) < 0.5
    points = [0, 1, 2, 3, 4, 5]
    batch = model(images, masks, points)
    for i in range(6):
        alone = model(images[i : i + 1], masks[i : i + 1], points[i : i + 1])
        torch.testing.assert_close(batch[i : i + 1], alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("points", [[1, 1, 1, 2, 1], [0, 0, 4, 4, 4], [5, 5, 5, 5, 5]])
@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_neighbours_of_equal_mask_equal_their_frames_one_by_one(points, variant):
    model = backbone(**variant)
    images = torch.randn(5, 3, 301, 507)
    masks = (torch.rand(2, *model.config.grid(301, 507).shape) < 0.5)[[0, 0, 0, 0, 1]]
    alone = [model(images[i : i + 1], masks[i : i + 1], points[i : i + 1]) for i in range(5)]
    torch.testing.assert_close(model(images, masks, points), torch.cat(alone), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_tiles_by_index_equal_tiles_that_are_copied(size):
    grid = backbone().config.grid(*size)
    images = torch.randn(4, 3, *size)
    layouts = [frame_layout(grid, mask) for mask in np.random.default_rng(0).random((2, *grid.shape)) < 0.5]
    batch = BatchLayout([layouts[0], layouts[0], layouts[1], layouts[0]], images.device)
    copied, indexed = (select(images, grid, batch.frames) for select in (_copy_tiles, _index_tiles))
    for tiles in (copied, indexed):
        blank_beyond(*tiles, batch)
    torch.testing.assert_close(indexed, copied)


@pytest.mark.parametrize("size", SIZES[2:])
@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_restoring_after_the_last_block_differs_from_point_n_by_what_that_block_does(size, variant):
    """A last block that adds nothing may as well come before restoration as after it."""
    model = backbone(**variant)
    image, mask = torch.randn(1, 3, *size), torch.rand(1, *model.config.grid(*size).shape) < 0.5
    before, after = (model(image, mask, [point]) for point in (4, 5))
    assert (before - after).abs().max() > 1e-4  # random weights: a block adds little
    for layer in (model.blocks[-1].attention.proj, model.blocks[-1].fc2):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    before, after = (model(image, mask, [point]) for point in (4, 5))
    torch.testing.assert_close(before, after, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_whatever_the_masks_products_have_the_rows_of_whole_windows():
    """A library keeps code for each shape: a server's memory must not grow with every new mask (docs/log.md)."""
    model = backbone(stem="linear", positions="none")
    rows = set()
    for module in model.blocks.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(lambda _, args, out: rows.add(args[0].numel() // args[0].shape[-1]))
    for _ in range(5):
        masks = torch.rand(2, *model.config.grid(301, 507).shape) < 0.5
        model(torch.randn(2, 3, 301, 507), masks, [2, 4])
    assert rows
    assert {count % model.config.window_size**2 for count in rows} == {0}


@pytest.mark.parametrize("size", SIZES)
@torch.inference_mode()
def test_downsampled_everywhere_at_point_0_equals_the_image_down_and_upsampled_region_by_region(size):
    model = backbone()
    grid = model.config.grid(*size)
    image = torch.randn(1, 3, *size)
    blurred = image.clone()
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            top, left, bottom, right = grid.box(row, column)
            tile = image[:, :, top:bottom, left:right]
            side = grid.region_pixels
            tile = F.pad(tile, (0, side - tile.shape[3], 0, side - tile.shape[2]), mode="replicate")
            small = F.interpolate(tile, scale_factor=0.5, mode="area")
            large = F.interpolate(small, scale_factor=2, mode="bilinear")
            blurred[:, :, top:bottom, left:right] = large[:, :, : bottom - top, : right - left]
    everywhere = torch.ones(1, *grid.shape, dtype=torch.bool)
    torch.testing.assert_close(model(image, everywhere, [0]), model(blurred), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_a_low_region_sees_only_its_downsampled_pixels():
    model = backbone()
    image = torch.randn(1, 3, 576, 576)
    mask = torch.tensor([[[True, False], [False, False]]])
    shuffled = image.clone()
    shuffled[:, :, 0:288:2, 0:288], shuffled[:, :, 1:288:2, 0:288] = (
        image[:, :, 1:288:2, :288],
        image[:, :, 0:288:2, :288],
    )
    torch.testing.assert_close(model(image, mask, [4]), model(shuffled, mask, [4]), atol=1e-4, rtol=0)
    assert (model(image) - model(shuffled)).abs().max() > 0.1


@torch.inference_mode()
def test_pixels_beyond_the_frame_are_the_mean_colour():
    model = backbone()
    image = torch.randn(1, 3, 300, 500)
    padded = F.pad(image, (0, 12, 0, 4))
    torch.testing.assert_close(model(image), model(padded), atol=1e-5, rtol=0)


def test_windows_without_a_real_token_are_left_out():
    layout = frame_layout(backbone().config.grid(720, 1280))
    assert layout.windows == 5 * 9
    assert layout.real.sum() == 45 * 80


@pytest.mark.parametrize("size", SIZES)
def test_every_patch_is_covered_once_at_any_mask(size):
    grid = backbone().config.grid(*size)
    mask = np.random.default_rng(0).random(grid.shape) < 0.5
    layout = frame_layout(grid, mask)
    covered = np.zeros(grid.patches, int)
    for row, column, scale, real in zip(layout.row, layout.column, layout.scale, layout.real, strict=True):
        for y, x in zip(row[real], column[real], strict=True):
            covered[y : y + scale, x : x + scale] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize("size", SIZES)
def test_a_low_token_has_the_mean_position_of_its_real_patches(size):
    grid = backbone().config.grid(*size)
    table = torch.randn(*grid.patches, 4, dtype=torch.float64)
    layout = frame_layout(grid, np.ones(grid.shape, bool))
    codes = token_positions(table, layout)
    for window, token in ((0, 0), (layout.windows - 1, 0), (grid.shape[1] - 1, 2 * 9 + 1)):
        y, x = layout.row[window, token], layout.column[window, token]
        expected = table[y : y + 2, x : x + 2].reshape(-1, 4).mean(0)
        torch.testing.assert_close(codes[window, token], expected)


def test_relative_codes_are_the_mean_of_the_childrens_biases():
    grid = backbone().config.grid(301, 507)
    mask = np.zeros(grid.shape, bool)
    mask[1, 1] = mask[0, 0] = True
    layout = frame_layout(grid, mask)
    rows = grid.patches[0]
    query = torch.randn(1, int(layout.real.sum()), 8, dtype=torch.float64)
    table = torch.randn(2 * rows - 1, 8, dtype=torch.float64)
    axis = relative_axis(layout, 0, query)
    bias = query_code(query, table, axis)[0] @ key_code(axis).t()
    start, count = layout.spans(0)
    for i, j in np.random.default_rng(0).integers(0, len(start), (200, 2)):
        pairs = [
            query[0, i] @ table[a - b + rows - 1]
            for a in range(start[i], start[i] + count[i])
            for b in range(start[j], start[j] + count[j])
        ]
        torch.testing.assert_close(bias[i, j], torch.stack(pairs).mean(), atol=1e-12, rtol=0)


def test_restoring_a_plane_of_values_is_linear_inside_a_window():
    grid = backbone().config.grid(576, 576)
    layout = frame_layout(grid, np.array([[True, False], [False, True]]))
    tokens = torch.from_numpy(layout.row.astype(np.float32) + (layout.scale[:, None] - 1) / 2)[..., None]
    restored = restore_windows(tokens[None], layout)[0][..., 0]
    full = frame_layout(grid)
    inner = (full.row % 18 >= 1) & (full.row % 18 < 17)
    np.testing.assert_allclose(restored.numpy()[inner], full.row[inner], atol=1e-4)


def test_restoration_never_uses_tokens_beyond_the_frame():
    grid = backbone().config.grid(301, 507)
    layout = frame_layout(grid, np.ones(grid.shape, bool))
    tokens = torch.full((layout.windows, 81, 1), float("nan"))
    tokens[torch.from_numpy(layout.real)] = 1.0
    poisoned = torch.nan_to_num(tokens, nan=1e9)
    restored = restore_windows(poisoned[None], layout)[0]
    real = torch.from_numpy(frame_layout(grid).real)
    torch.testing.assert_close(restored[real], torch.ones_like(restored[real]))


@pytest.mark.parametrize("tokens", [1, 511, 512, 1300])
def test_chunked_attention_equals_fused_attention(tokens):
    query, key = (torch.randn(2, 3, tokens, 24) / 5).bfloat16(), torch.randn(2, 3, tokens, 24).bfloat16()
    value = torch.randn(2, 3, tokens, 16).bfloat16()
    expected = (query.float() @ key.float().transpose(2, 3)).softmax(-1) @ value.float()
    with torch.inference_mode():
        got = attend(query, key, value)
    torch.testing.assert_close(got.float(), expected, atol=0.05, rtol=0.05)
    torch.testing.assert_close(attend(query.float(), key.float(), value.float()), expected)


def test_a_relative_table_for_a_smaller_window_can_be_cut_or_stretched():
    table = torch.arange(27.0)[:, None]
    assert fit_table(table, 9, how="cut")[:, 0].tolist() == list(range(5, 22))
    assert len(fit_table(table, 9)) == 17
    with pytest.raises(InputError, match="cannot be cut"):
        fit_table(table, 20, how="cut")


@pytest.mark.parametrize(
    ("images", "masks", "points", "message"),
    [
        (torch.zeros(1, 4, 32, 32), None, None, "images must be"),
        (torch.zeros(0, 3, 32, 32), None, None, "non-empty"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), None, None, "floating-point tensor .* got torch.uint8"),
        (np.zeros((1, 3, 32, 32), np.float32), None, None, "floating-point tensor .* got ndarray"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.float64), None, None, "float32 like the weights, got torch.float64"),
        (torch.zeros(1, 3, 32, 32), torch.zeros(1, 2, 2, dtype=torch.bool), None, r"must be bool \(1, 1, 1\)"),
        (torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 1), None, "must be bool"),
        (torch.zeros(1, 3, 32, 32), None, [6], r"must lie in 0\.\.5, got 6"),
        (torch.zeros(1, 3, 32, 32), None, [1, 2], "one restoration point per image"),
    ],
)
def test_bad_input_is_one_clear_error(images, masks, points, message):
    with pytest.raises(InputError, match=message):
        backbone()(images, masks, points)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subsets": 0}, "subsets must be a whole number of at least 1, got 0"),
        ({"heads": 0}, "heads must be"),
        ({"depth": -8}, "depth must be"),
        ({"dim": 16.0}, "dim must be"),
        ({"window_size": 0}, "window_size must be"),
        ({"window_table_size": 0}, "window_table_size must be"),
        ({"relative_size": (0, 3)}, "relative_size rows must be"),
        ({"mlp_ratio": -1}, "mlp_ratio must give"),
        ({"window_table": "x"}, "window_table must be one of interpolate, cut"),
        ({"stem": "convolutional", "patch_size": 12}, "power of two"),
        ({"stem": "convolutional", "patch_size": 1}, "power of two above 1"),
        ({"stem": "convolutional", "patch_size": 64}, "needs a dim of 32, got 16"),
    ],
)
def test_a_shape_that_cannot_be_is_one_clear_error(changes, message):
    with pytest.raises(InputError, match=message):
        backbone(**changes)


@torch.no_grad()
def test_position_codes_that_are_kept_take_bounded_memory(monkeypatch):
    model, most = backbone(), 200_000
    monkeypatch.setattr("foveate.models.backbone.KEPT_CODES_BYTES", most)
    for _ in range(12):
        mask = torch.rand(1, *model.config.grid(301, 507).shape) < 0.5
        model(torch.randn(1, 3, 301, 507), mask, [2])
        assert 0 < sum(codes.nbytes for codes in model._position_cache.values()) <= most


@torch.no_grad()
def test_position_codes_follow_tables_that_take_the_memory_of_others():
    """The allocator gives a freed table's address to the next one."""
    model, image = Backbone(BackboneConfig(dim=64, depth=4, heads=2, window_size=3)).eval(), torch.randn(1, 3, 96, 96)
    for scale in range(1, 30):
        model.positions = torch.nn.Parameter(torch.randn(model.positions.shape) * scale)
        fresh = Backbone(model.config).eval()
        fresh.load_state_dict(model.state_dict())
        torch.testing.assert_close(model(image), fresh(image))


@pytest.mark.parametrize("frozen", [False, True])
def test_position_codes_follow_a_fused_optimiser(frozen):
    model = backbone()
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
    image, mask = torch.randn(1, 3, 301, 507), torch.tensor([[[True, False], [False, True]]])
    with torch.no_grad():
        model.requires_grad_(requires_grad=not frozen)(image, mask, [2])
    for parameter in model.requires_grad_(requires_grad=True).parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    with torch.no_grad():
        kept = model.requires_grad_(requires_grad=not frozen)(image, mask, [2])
    torch.testing.assert_close(kept, model(image, mask, [2]), atol=1e-4, rtol=0)


def test_gradients_reach_every_parameter_through_mixed_resolution():
    model = backbone(stem="convolutional", positions="tiled", relative_size=(14, 14))
    images, masks = torch.randn(2, 3, 301, 507), torch.tensor([[[True, False], [False, True]]] * 2)
    model(images, masks, [2, 4]).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("point", [0, 2])
def test_gradients_reach_the_pixels_with_any_number_of_threads(threads, point):
    model, before = backbone().double(), torch.get_num_threads()
    image = torch.randn(1, 3, 301, 507, dtype=torch.float64, requires_grad=True)
    mask, step = torch.tensor([[[True, False], [False, True]]]), torch.zeros_like(image)
    torch.set_num_threads(threads)
    try:
        model(image, mask, [point]).square().sum().backward()
        step[0, :, [150, 300, 10], [150, 500, 400]] = 1e-4
        with torch.no_grad():
            ends = [model(image + sign * step, mask, [point]).square().sum() for sign in (1, -1)]
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close((image.grad * step).sum(), (ends[0] - ends[1]) / 2, rtol=1e-3, atol=0)


def test_gradients_reach_tiles():
    model = backbone()
    layout = frame_layout(model.config.grid(301, 507), np.array([[True, False], [False, True]]))
    full, low = torch.randn(2, 3, 288, 288, requires_grad=True), torch.randn(2, 3, 144, 144, requires_grad=True)
    model.forward_tiles(full, low, [layout], [2])[0].square().sum().backward()
    assert all(float(tiles.grad.abs().sum()) > 0 for tiles in (full, low))


def test_mixed_resolution_trains_under_autocast():
    model = backbone(stem="convolutional", positions="tiled")
    masks = torch.tensor([[[True, False], [False, True]]])
    with torch.autocast("cpu", torch.bfloat16):
        features = model(torch.randn(1, 3, 301, 507), masks, [3])
    features.float().square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("variant", VARIANTS)
def test_inference_under_autocast_is_that_of_training(threads, variant):
    model, image, before = backbone(**variant), torch.randn(1, 3, 301, 507), torch.get_num_threads()
    mask = torch.tensor([[[True, False], [False, True]]])
    torch.set_num_threads(threads)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            expected = model(image, mask, [3])
            with torch.inference_mode():
                got = model(image, mask, [3])
    finally:
        torch.set_num_threads(before)
    assert got.dtype == expected.dtype
    torch.testing.assert_close(got, expected.detach(), atol=0.1, rtol=0.1)


@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`")
def test_a_compiled_backbone_gives_the_same():
    model, image = backbone(depth=2, subsets=1, window_size=3), torch.randn(1, 3, 90, 150)
    mask = torch.tensor([[[True, False]]])
    torch.compiler.reset()
    compiled = torch.compile(model, backend="eager")
    with torch.no_grad():
        torch.testing.assert_close(compiled(image, mask, [1]), model(image, mask, [1]), atol=1e-5, rtol=0)
