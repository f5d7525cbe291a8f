"""Importance read beside a pass equals attention matrices made at full length, and changes no detection."""

import re

import numpy as np
import pytest
import torch

from foveate.core import InputError, RegionGrid, box_importance, carry_importance
from foveate.models import (
    BackboneConfig,
    Detector,
    DetectorConfig,
    GlancingDetector,
    ImportanceOptions,
    convert_huggingface,
    detect_with_importance,
)
from foveate.models.importance import ImportanceReader, attention_received, chosen_queries
from foveate.models.layout import frame_layout

EXACT = ImportanceOptions(queries="all")


@pytest.fixture(scope="module")
def detector() -> Detector:
    torch.manual_seed(0)
    shape = BackboneConfig(dim=32, depth=4, heads=2, subsets=2, window_size=3, stem="convolutional", positions="tiled")
    model = Detector(DetectorConfig(backbone=shape, pyramid_channels=16, score_threshold=0.05))
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2 if "head" in name else 0.15)
    return model.eval()


def frame(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


@pytest.mark.oracle
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("size", [(160, 256), (96, 304)])
@torch.inference_mode()
def test_the_exact_mode_is_the_mean_of_hugging_faces_attention_matrices(relative, size):
    import transformers

    config = transformers.VitDetConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=list(size),
        window_size=9,
        window_block_indices=[0, 2],
        use_relative_position_embeddings=relative,
        out_indices=[4],
    )
    torch.manual_seed(0)
    theirs = transformers.VitDetBackbone(config).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    image = torch.randn(1, 3, *size)
    attention = theirs(image, output_attentions=True).attentions
    ours = convert_huggingface(theirs.state_dict(), theirs.config.to_dict())
    reader = ImportanceReader(ImportanceOptions(queries="all", subsets=(1, 2)), 2)
    layout = frame_layout(ours.config.grid(*size))
    full = tiles_of(image, layout.grid)
    ours.forward_tiles(full, full[:0], [layout], [2], reader.readers())
    patches = layout.grid.patches
    expected = [attention[block].reshape(-1, patches[0] * patches[1], *patches).mean(dim=(0, 1)) for block in (1, 3)]
    assert expected[1].std() > 0.03 * expected[1].mean()
    np.testing.assert_allclose(reader.importance()[0], (expected[0] + expected[1]) / 2, rtol=1e-4)


def tiles_of(image: torch.Tensor, grid: RegionGrid) -> torch.Tensor:
    """Regions of one image `(1, 3, H, W)`, raster order, zeros beyond it."""
    side, (rows, columns) = grid.region_pixels, grid.shape
    canvas = image.new_zeros(3, rows * side, columns * side)
    canvas[:, : grid.height, : grid.width] = image[0]
    tiles = canvas.reshape(3, rows, side, columns, side).permute(1, 3, 0, 2, 4)
    return tiles.reshape(-1, 3, side, side)


def test_attention_received_is_the_mean_over_heads_and_queries():
    torch.manual_seed(0)
    query, key = torch.randn(2, 300, 8), torch.randn(2, 700, 8)
    expected = (query @ key.transpose(1, 2)).softmax(dim=-1).mean(dim=(0, 1))
    received = attention_received(query, key)
    torch.testing.assert_close(received, expected, atol=1e-7, rtol=1e-4)
    assert received.sum().item() == pytest.approx(1, abs=1e-5)


def test_more_scores_than_are_held_at_once_give_the_same(monkeypatch):
    torch.manual_seed(0)
    query, key = torch.randn(2, 50, 8), torch.randn(2, 60, 8)
    whole = attention_received(query, key)
    monkeypatch.setattr("foveate.models.importance.SCORES_AT_ONCE", 150)
    torch.testing.assert_close(attention_received(query, key), whole)


@pytest.mark.parametrize("queries", ["lattice", "sample", "all"])
@pytest.mark.parametrize("size", [(96, 192), (100, 150), (40, 40)])
def test_one_pass_gives_the_same_objects_and_a_map_of_the_frames_patches(detector, queries, size):
    image = frame(*size)
    found, importance = detect_with_importance(detector, image, ImportanceOptions(queries=queries, step=2))
    assert found == detector.detect(image)
    assert importance.shape == detector.region_grid(*size).patches
    assert importance.dtype == np.float32
    assert importance.min() > 0
    assert importance.sum() == pytest.approx(1, abs=1e-4)


def test_tokens_beyond_the_frame_neither_ask_nor_are_asked(detector):
    """The regions of this frame have two windows and a half of padding; attention is among real tokens alone."""
    image, seen = frame(100, 150), []

    def reader(query, key, group):
        seen.append((query, key))

    detector.detect_batch([image], readers={2: reader})
    (query, key), rows_columns = seen[0], detector.region_grid(100, 150).patches
    assert query.shape[2] == key.shape[2] == rows_columns[0] * rows_columns[1]
    naive = (query[0] @ key[0].transpose(1, 2)).softmax(dim=-1).mean(dim=(0, 1))
    _, importance = detect_with_importance(detector, image, EXACT)
    np.testing.assert_allclose(np.sort(importance.reshape(-1)), np.sort(naive.numpy()), rtol=1e-4)


def test_a_step_of_one_asks_everybody(detector):
    image = frame(96, 192)
    _, exact = detect_with_importance(detector, image, EXACT)
    for queries in ("lattice", "sample"):
        _, running = detect_with_importance(detector, image, ImportanceOptions(queries=queries, step=1))
        np.testing.assert_allclose(running, exact, rtol=1e-4)


def test_a_few_queries_rank_patches_as_all_do(detector):
    image = frame(192, 288)
    exact, lattice, sample = (
        detect_with_importance(detector, image, options)[1].reshape(-1)
        for options in (EXACT, ImportanceOptions(), ImportanceOptions(queries="sample"))
    )
    ranks = [np.argsort(np.argsort(values)) for values in (exact, lattice, sample)]
    assert np.corrcoef(ranks[0], ranks[1])[0, 1] > 0.95
    assert np.corrcoef(ranks[0], ranks[2])[0, 1] > 0.95


def test_the_lattice_is_regular_and_a_sample_repeats_with_its_seed(detector):
    layout = frame_layout(detector.region_grid(192, 288))
    chosen = chosen_queries(layout, ImportanceOptions(step=4)).numpy()
    rows, columns = (axis[layout.real][chosen] for axis in (layout.row, layout.column))
    expected = {(row, column) for row in range(2, 12, 4) for column in range(2, 18, 4)}
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == expected
    drawn = [chosen_queries(layout, ImportanceOptions(queries="sample", seed=seed)).tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == len(drawn[0]) == 12 * 18 // 16


def test_patches_under_a_token_of_low_resolution_share_what_it_receives(detector):
    image, mask = frame(96, 192), np.array([[True, False]])
    early = ImportanceOptions(queries="all", subsets=(1,))
    _, importance = detect_with_importance(detector, image, early, downsampling_mask=mask)
    low = importance[:, :6].reshape(3, 2, 3, 2)
    np.testing.assert_array_equal(low, np.broadcast_to(low[:, :1, :, :1], low.shape))
    assert np.ptp(importance[0, 6:8]) > 0
    assert importance.sum() == pytest.approx(1, abs=1e-4)
    # A restored frame has every patch as a token again in its last block.
    _, late = detect_with_importance(detector, image, EXACT, downsampling_mask=mask)
    assert np.ptp(late[0, :2]) > 0


def test_layers_are_averaged(detector):
    image = frame(96, 192)
    maps = [
        detect_with_importance(detector, image, ImportanceOptions(queries="all", subsets=subsets))[1]
        for subsets in ((1,), (2,), (1, 2))
    ]
    assert np.abs(maps[0] - maps[1]).max() > 1e-4
    np.testing.assert_allclose(maps[2], (maps[0] + maps[1]) / 2, rtol=1e-5)


def test_frames_of_a_batch_have_a_map_each_in_their_order(detector):
    frames = [frame(96, 192), frame(100, 150), frame(96, 192, 1)]
    reader = ImportanceReader(EXACT, 2)
    detector.detect_batch(frames, readers=reader.readers())
    for image, together in zip(frames, reader.importance(), strict=True):
        np.testing.assert_allclose(together, detect_with_importance(detector, image, EXACT)[1], rtol=1e-3)


def test_a_glance_at_a_reduced_frame_is_carried_to_the_frame(detector):
    image = np.kron(frame(96, 192), np.ones((2, 2, 1), np.uint8))
    glance = GlancingDetector(detector, seen_size=(96, 192), options=EXACT)(image)
    found, importance = detect_with_importance(detector, frame(96, 192), EXACT)
    assert glance.detections == found.scaled(2, 2)
    assert len(found) > 0
    expected = carry_importance(importance, seen_size=(96, 192), frame_size=(192, 384))
    np.testing.assert_array_equal(glance.importance, expected)


def test_importance_by_boxes_counts_what_is_suspected_and_shows_what_is_seen(detector):
    image = np.kron(frame(96, 192), np.ones((2, 2, 1), np.uint8))
    glance = GlancingDetector(detector, seen_size=(96, 192), importance="boxes", score_threshold=0.3)(image)
    suspected = detector.detect(frame(96, 192), score_threshold=0.05).scaled(2, 2)
    assert 0 < len(glance.detections) < len(suspected)
    assert glance.detections == suspected.above(0.3)
    np.testing.assert_array_equal(glance.importance, box_importance(suspected, frame_size=(192, 384)))
    with pytest.raises(InputError, match="attention, boxes, got 'luck'"):
        GlancingDetector(detector, importance="luck")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"seen_size": (0, 0)}, "of at least 1 pixel, got (0, 0)"),
        ({"seen_size": (96,)}, "a height and a width"),
        ({"score_threshold": 7}, "score_threshold must lie in 0..1, got 7"),
    ],
)
@pytest.mark.parametrize("importance", ["attention", "boxes"])
def test_a_glance_that_could_show_nothing_is_refused(detector, importance, wrong, says):
    with pytest.raises(InputError, match=re.escape(says)):
        GlancingDetector(detector, importance=importance, **wrong)


def test_attention_of_other_patches_than_a_frames_is_refused():
    shape = BackboneConfig(dim=32, depth=4, heads=2, patch_size=8)
    other = Detector(DetectorConfig(backbone=shape, pyramid_channels=16)).eval()
    with pytest.raises(InputError, match="needs a model with patches of 16 pixels, got 8"):
        GlancingDetector(other)
    assert GlancingDetector(other, importance="boxes")(frame(64, 48)).importance.shape == (4, 3)


@pytest.mark.parametrize("seen_size", [None, (192, 400)])
def test_a_frame_that_is_small_enough_is_seen_as_it_is(detector, seen_size):
    image = frame(96, 192)
    glance = GlancingDetector(detector, seen_size=seen_size)(image)
    assert glance.detections == detector.detect(image)
    np.testing.assert_array_equal(glance.importance, detect_with_importance(detector, image)[1])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"queries": "some"}, "lattice, sample or all"),
        ({"step": 0}, "at least 1"),
        ({"step": 1.5}, "step must be a whole number of at least 1, got 1.5"),
        ({"queries": "sample", "seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"subsets": (1.5,)}, r"whole numbers, got \(1.5,\)"),
        ({"subsets": ()}, "at least one subset"),
        ({"subsets": (1, 1)}, "each once"),
    ],
)
def test_options_that_cannot_be_are_refused(wrong, says):
    with pytest.raises(InputError, match=says):
        ImportanceOptions(**wrong)


def test_a_block_that_the_model_lacks_is_refused(detector):
    with pytest.raises(InputError, match=r"subsets 1\.\.2, got \(3,\)"):
        detect_with_importance(detector, frame(96, 96), ImportanceOptions(subsets=(3,)))


def test_an_rcnn_on_the_same_backbone_shows_its_attention_too():
    from foveate.models import RcnnConfig, RcnnDetector

    torch.manual_seed(0)
    backbone = BackboneConfig(dim=32, depth=4, heads=2, subsets=2, window_size=3)
    model = RcnnDetector(RcnnConfig(backbone=backbone, with_masks=False, channels=16, fc_dim=32, proposals=50)).eval()
    image = frame(100, 150)
    found, importance = detect_with_importance(model, image, EXACT)
    assert found == model.detect(image)
    assert importance.shape == (7, 10)
    assert importance.sum() == pytest.approx(1, abs=1e-4)
