"""A published model at another window: the choice is explicit and shows in name and hash."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foveate.core import InputError
from foveate.models import (
    BackboneConfig,
    Detector,
    DetectorConfig,
    convert_detectron2,
    load_detector,
    run_at_window,
    save_detector,
)
from foveate.testing.vitdet_checkpoints import CLASSES, vitdet_checkpoint

PUBLISHED = BackboneConfig(dim=32, depth=4, heads=2, window_size=14, relative_size=(64, 64))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_detector(convert_detectron2(vitdet_checkpoint(), class_names=CLASSES), path, dtype=torch.float32)
    return path


def frame() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (100, 170, 3), np.uint8)


@pytest.mark.parametrize(("window", "pixels"), [(14, 448), (9, 288)])
def test_windows_of_14_and_9_make_regions_of_448_and_288_pixels(window, pixels):
    assert run_at_window(PUBLISHED, window, "cut").grid(1080, 1920).region_pixels == pixels


def test_another_window_needs_to_say_how_tables_serve_it():
    with pytest.raises(InputError, match="made for windows of 14 tokens; for 9, say how"):
        run_at_window(PUBLISHED, 9)
    assert run_at_window(PUBLISHED, 14) == replace(PUBLISHED, window_table_size=14)
    assert run_at_window(PUBLISHED) is PUBLISHED


@pytest.mark.parametrize(
    ("window", "table", "message"),
    [
        (0, "cut", "at least 1 token wide, got 0"),
        (9, "stretch", "must be 'cut' or 'interpolate', got 'stretch'"),
        (20, "cut", "windows of 14 tokens cannot be cut for 20"),
    ],
)
def test_windows_that_cannot_be_are_refused(window, table, message):
    with pytest.raises(InputError, match=message):
        run_at_window(PUBLISHED, window, table)


def test_positions_that_repeat_per_region_bind_the_window():
    tiled = BackboneConfig(dim=32, depth=4, heads=2, positions="tiled")
    with pytest.raises(InputError, match="needs training"):
        run_at_window(tiled, 7)


def test_name_and_hash_say_which_window_a_model_runs_at(weights):
    own, cut = load_detector(weights), load_detector(weights, window_size=2, window_table="cut")
    assert (own.name, cut.name) == ("small", "small-w2-cut")
    assert cut.weights_hash == f"{own.weights_hash}-w2-cut"
    assert load_detector(weights, window_size=3).name == "small"
    assert cut.region_grid(96, 96).window_size == 2


@pytest.mark.parametrize("table", ["cut", "interpolate"])
def test_another_window_gives_other_answers_with_masks_at_every_point(weights, table):
    own = load_detector(weights, dtype="float32")
    other = load_detector(weights, dtype="float32", window_size=2, window_table=table)
    assert other.detect(frame(), score_threshold=0.1) != own.detect(frame(), score_threshold=0.1)
    mask = np.ones(other.region_grid(100, 170).shape, bool)
    for point in other.restoration_points:
        assert len(other.detect(frame(), mask, point, score_threshold=0.1)) > 0


def test_at_window_1_it_does_not_matter_how_tables_are_used(weights):
    """A token that attends to itself alone has one weight, whatever the table says."""
    cut, stretched = (
        load_detector(weights, dtype="float32", window_size=1, window_table=t) for t in ("cut", "interpolate")
    )
    images = torch.from_numpy(frame()).permute(2, 0, 1)[None].float()
    normal = cut.normalised(images.clone())
    with torch.inference_mode():
        torch.testing.assert_close(cut.backbone(normal.clone()), stretched.backbone(normal.clone()))


def test_a_file_written_for_another_window_keeps_it(tmp_path, weights):
    made = convert_detectron2(vitdet_checkpoint(), class_names=CLASSES)
    path = tmp_path / "small-cut.safetensors"
    save_detector(made.with_backbone(run_at_window(made.config.backbone, 2, "cut")), path, dtype=torch.float32)
    chosen = load_detector(weights, dtype="float32", window_size=2, window_table="cut")
    loaded = load_detector(path, dtype="float32")
    assert loaded.name == "small-cut"
    assert loaded.detect(frame(), score_threshold=0.1) == chosen.detect(frame(), score_threshold=0.1)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_another_backbone_computes_and_is_called_as_if_loaded_so(weights, dtype):
    chosen = load_detector(weights, dtype=dtype, window_size=2, window_table="cut")
    own = load_detector(weights, dtype=dtype)
    made = own.with_backbone(chosen.config.backbone)
    assert (made.name, made.weights_hash) == (chosen.name, chosen.weights_hash)
    assert made.detect(frame(), score_threshold=0.1) == chosen.detect(frame(), score_threshold=0.1)
    back = made.with_backbone(own.config.backbone)
    assert (back.name, back.weights_hash) == (own.name, own.weights_hash)
    assert made.to("meta").with_backbone(own.config.backbone).torch_device.type == "meta"


def test_a_dense_detector_without_relative_tables_runs_at_any_window(tmp_path):
    config = DetectorConfig(backbone=BackboneConfig(dim=32, depth=4, heads=2), pyramid_channels=16)
    save_detector(Detector(config), tmp_path / "dense.safetensors")
    assert load_detector(tmp_path / "dense.safetensors", window_size=4).region_grid(9, 9).window_size == 4
