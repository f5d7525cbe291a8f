import pytest
import torch

from foveate.core import InputError
from foveate.models import BackboneConfig, Detector, DetectorConfig, with_window
from foveate.models.positions import fit_table, stretched_positions, tiled_positions


def detector(**changes: object) -> Detector:
    values: dict[str, object] = {"dim": 32, "depth": 4, "heads": 2, "window_size": 7} | changes
    torch.manual_seed(0)
    made = Detector(
        DetectorConfig(backbone=BackboneConfig(**values), pyramid_channels=16, head_convolutions=1),  # type: ignore[arg-type]
        name="other",
    )
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return made.eval()


def test_a_crop_of_one_region_keeps_the_position_codes_of_a_stretched_table() -> None:
    old = detector(positions="stretched", position_size=14)
    new = with_window(old, 9)
    assert new.config.backbone.positions == "tiled"
    grid = new.region_grid(288, 288)
    codes = tiled_positions(new.backbone.positions, grid)
    torch.testing.assert_close(codes, stretched_positions(old.backbone.positions, grid))


def test_window_tables_are_fitted_and_global_ones_stay() -> None:
    old = detector(relative_size=(14, 14), subsets=2)
    new = with_window(old, 9)
    for before, after in zip(old.backbone.blocks, new.backbone.blocks, strict=True):
        table = before.attention.relative_rows
        wanted = table if before.is_global else fit_table(table, 9)
        torch.testing.assert_close(after.attention.relative_rows, wanted)
        assert len(after.attention.relative_columns) == (27 if before.is_global else 17)


def test_tables_of_a_larger_window_can_be_cut() -> None:
    old = detector(relative_size=(14, 14), subsets=2, window_size=14, window_table="cut")
    new = with_window(old, 9)
    torch.testing.assert_close(
        new.backbone.blocks[0].attention.relative_rows, old.backbone.blocks[0].attention.relative_rows[5:-5]
    )


@pytest.mark.parametrize("changes", [{}, {"positions": "tiled"}, {"positions": "none"}, {"relative_size": (14, 14)}])
@torch.inference_mode()
def test_the_new_model_answers_in_its_own_regions_at_mixed_resolution(changes: dict[str, object]) -> None:
    new = with_window(detector(**changes), 9).eval()
    assert new.region_grid(576, 576).shape == (2, 2)
    masks = torch.tensor([[[True, False], [False, True]]])
    output = new(torch.randint(0, 256, (1, 3, 576, 576), dtype=torch.uint8), masks, [2])
    assert torch.isfinite(output.class_logits).all()


@torch.inference_mode()
def test_the_same_window_gives_the_same_answers() -> None:
    old = detector(positions="tiled", window_size=9)
    image = torch.randint(0, 256, (1, 3, 300, 400), dtype=torch.uint8)
    torch.testing.assert_close(with_window(old, 9).eval()(image).class_logits, old(image).class_logits)


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1 token wide, got 0"):
        with_window(detector(), 0)
