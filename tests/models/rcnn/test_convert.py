"""Checkpoints in detectron2's layout become detectors; what does not fit is named in its own words."""

import numpy as np
import pytest
import torch

from foveate.core import InputError, WeightsError
from foveate.models import COCO_CLASSES, RcnnDetector, convert_detectron2, load_detector, read_checkpoint, save_detector
from foveate.models.rcnn import CASCADE_WEIGHTS, SINGLE_WEIGHTS
from foveate.models.rcnn.published_names import published_name
from foveate.testing.vitdet_checkpoints import CHANNELS, CLASSES, FC, TRAINED, WINDOW, vitdet_checkpoint, write_pickle


def frame(height: int = 96, width: int = 160) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


@pytest.mark.parametrize("form", [{}, {"stages": 3}, {"masks": False}, {"subsets": 4}])
def test_the_shape_is_read_from_the_weights(form):
    config = convert_detectron2(vitdet_checkpoint(**form), class_names=CLASSES).config
    assert config.stages == (CASCADE_WEIGHTS if "stages" in form else (SINGLE_WEIGHTS,))
    assert config.class_agnostic_boxes is ("stages" in form)
    assert config.with_masks is form.get("masks", True)
    assert (config.channels, config.fc_dim) == (CHANNELS, FC)
    assert (config.proposal_convolutions, config.box_convolutions) == (2, 4)
    backbone = config.backbone
    assert (backbone.dim, backbone.depth, backbone.heads) == (32, 2 * form.get("subsets", 2), 2)
    assert backbone.subsets == form.get("subsets", 2)
    assert (backbone.window_size, backbone.relative_size) == (WINDOW, (TRAINED, TRAINED))
    assert (backbone.position_size, backbone.patch_size, backbone.mlp_ratio) == (14, 16, 4)


@pytest.mark.parametrize("form", [{}, {"stages": 3}])
def test_every_value_arrives_once(form):
    state = vitdet_checkpoint(**form)
    made = convert_detectron2(state, class_names=CLASSES).state_dict()
    assert sum(value.numel() for value in made.values()) == sum(v.numel() for v in state.values()) - 32  # class token
    total = sum(value.double().sum() for value in state.values()) - state["backbone.net.pos_embed"][:, 0].double().sum()
    torch.testing.assert_close(sum(value.double().sum() for value in made.values()), total)


def test_names_missing_and_unexpected_are_said_in_the_checkpoints_words():
    state = vitdet_checkpoint()
    state["roi_heads.box_head.fc2.weight"] = torch.zeros(1)
    del state["backbone.simfp_2.4.norm.bias"], state["roi_heads.mask_head.deconv.weight"]
    with pytest.raises(
        WeightsError,
        match=r"missing: backbone\.simfp_2\.4\.norm\.bias, roi_heads\.mask_head\.deconv\.weight; "
        r"unexpected: roi_heads\.box_head\.fc2\.weight$",
    ):
        convert_detectron2(state, class_names=CLASSES)


@pytest.mark.parametrize(
    "name",
    ["backbone.net.patch_embed.proj.weight", "backbone.net.pos_embed", "roi_heads.box_predictor.cls_score.weight"],
)
def test_weights_that_give_the_shape_are_missed_by_name(name):
    state = vitdet_checkpoint()
    del state[name]
    with pytest.raises(WeightsError, match=f"missing: {name}"):
        convert_detectron2(state, class_names=CLASSES)


def test_other_networks_are_refused():
    with pytest.raises(WeightsError, match="not the weights of a ViTDet"):
        convert_detectron2({"conv1.weight": torch.zeros(64, 3, 7, 7)})


def test_a_weight_of_another_shape_is_named():
    state = vitdet_checkpoint()
    state["roi_heads.mask_head.mask_fcn2.weight"] = torch.zeros(CHANNELS, CHANNELS, 1, 1)
    with pytest.raises(WeightsError, match=r"of another shape: roi_heads\.mask_head\.mask_fcn2\.weight"):
        convert_detectron2(state, class_names=CLASSES)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("backbone.net.patch_embed.proj.weight", (32, 768)),
        ("backbone.net.blocks.1.attn.rel_pos_h", (31,)),
        ("backbone.net.blocks.0.attn.rel_pos_h", (7, 0)),
        ("backbone.simfp_4.0.weight", ()),
        ("backbone.net.pos_embed", (197, 32)),
        ("roi_heads.box_head.fc1.weight", (FC,)),
    ],
)
def test_a_weight_that_gives_the_shape_and_has_other_sides_is_named(name, shape):
    state = vitdet_checkpoint()
    state[name] = torch.zeros(shape)
    with pytest.raises(WeightsError, match=f"{name} must have . sides of at least 1, got shape"):
        convert_detectron2(state, class_names=CLASSES)


def test_positions_that_are_no_square_are_refused_and_not_cut():
    state = vitdet_checkpoint()
    state["backbone.net.pos_embed"] = torch.zeros(1, 14 * 14 + 5, 32)
    with pytest.raises(WeightsError, match=r"a square of patches.* got shape \(1, 201, 32\)"):
        convert_detectron2(state, class_names=CLASSES)


def test_constants_that_old_checkpoints_hold_must_be_the_known_ones():
    state = vitdet_checkpoint()
    state["pixel_mean"] = torch.tensor([123.675, 116.28, 103.53]).reshape(3, 1, 1)
    state["proposal_generator.anchor_generator.cell_anchors.1"] = torch.tensor(
        [[-45.2548, -22.6274, 45.2548, 22.6274], [-32, -32, 32, 32], [-22.6274, -45.2548, 22.6274, 45.2548]]
    )
    convert_detectron2(state, class_names=CLASSES)
    state["pixel_mean"] = state["pixel_mean"].flip(0)  # a model for BGR
    with pytest.raises(InputError, match="pixel_mean must be"):
        convert_detectron2(state, class_names=CLASSES)


def test_class_names_are_needed_unless_they_are_cocos():
    state = vitdet_checkpoint()
    with pytest.raises(InputError, match="knows 4 classes and needs as many names; COCO's 80"):
        convert_detectron2(state)
    with pytest.raises(InputError, match="as many names; 2 were given"):
        convert_detectron2(state, class_names=("a", "b"))
    assert len(COCO_CLASSES) == len(set(COCO_CLASSES)) == 80
    assert [COCO_CLASSES[i] for i in (0, 2, 9, 79)] == ["person", "car", "traffic light", "toothbrush"]


def test_two_stages_are_no_known_cascade():
    with pytest.raises(InputError, match="1 stage or 3, got 2"):
        convert_detectron2(vitdet_checkpoint(stages=2), class_names=CLASSES)


def test_blocks_that_are_all_global_in_tables_are_taken_for_four_subsets():
    state = vitdet_checkpoint(subsets=4)
    for key in [key for key in state if "rel_pos" in key]:
        state[key] = torch.zeros(2 * WINDOW - 1, 16)
    backbone = convert_detectron2(state, class_names=CLASSES).config.backbone
    assert (backbone.subsets, backbone.window_size, backbone.relative_size) == (4, WINDOW, (WINDOW, WINDOW))


@pytest.mark.parametrize("form", [{}, {"stages": 3}, {"masks": False}])
def test_pickle_to_file_to_detector(tmp_path, form):
    checkpoint = write_pickle(tmp_path / "model_final.pkl", vitdet_checkpoint(**form))
    made = convert_detectron2(read_checkpoint(checkpoint), class_names=CLASSES, score_threshold=0.25)
    path = tmp_path / "mine.safetensors"
    save_detector(made, path, dtype=torch.float32)
    loaded = load_detector(path, dtype="float32", torch_device="cpu")
    assert isinstance(loaded, RcnnDetector)
    assert (loaded.name, loaded.config, loaded.score_threshold) == ("mine", made.config, 0.25)
    assert len(loaded.weights_hash) == 16
    ours, theirs = loaded.detect(frame()), made.detect(frame())
    assert ours.class_id.tolist() == theirs.class_id.tolist()
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-5)


def test_one_proposal_convolution_has_the_name_without_a_number():
    names = {"stages": 1, "proposal_convolutions": 1}
    assert published_name("proposals.tower.0.bias", **names) == "proposal_generator.rpn_head.conv.bias"
    with pytest.raises(KeyError):
        published_name("something.else", **names)
