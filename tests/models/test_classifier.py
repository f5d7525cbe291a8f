import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from foveate.core import InputError, WeightsError
from foveate.models import load_classifier, read_card, save_classifier, save_detector, vit_classifier, vitdet_nano


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    made = vit_classifier(("a", "b", "c"), image_size=32, dim=32, depth=2)
    torch.nn.init.normal_(made.head.weight)
    return made.eval()


def pictures(count, side=32):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


@pytest.mark.parametrize(("side", "patch"), [(64, 8), (32, 4)])
def test_a_picture_is_one_region_of_eight_by_eight_patches(side, patch):
    backbone = vit_classifier(("a",), image_size=side, dim=32, depth=1).config.backbone
    grid = backbone.grid(side, side)
    assert (backbone.patch_size, grid.patches, grid.shape) == (patch, (8, 8), (1, 1))


def test_every_block_attends_to_the_whole_picture(model):
    assert all(block.is_global for block in model.backbone.blocks)


def test_logits_do_not_depend_on_the_rest_of_the_batch(model):
    images = pictures(70)
    together = model.logits(images)
    assert together.shape == (70, 3)
    assert together[[3, 69]] == pytest.approx(model.logits(images[[3, 69]]), abs=1e-4)


def test_no_pictures_give_no_logits(model):
    assert model.logits(pictures(0)).shape == (0, 3)


def test_inference_agrees_with_the_path_that_is_trained(model):
    images = pictures(3)
    trained = model(torch.from_numpy(images).permute(0, 3, 1, 2)).detach().numpy()
    assert model.logits(images) == pytest.approx(trained, abs=1e-4)


def test_pictures_of_another_size_are_refused(model):
    with pytest.raises(InputError, match=r"uint8 \(n, 32, 32, 3\)"):
        model.logits(pictures(1, side=64))


@pytest.mark.parametrize(("side", "dim"), [(48, 32), (96, 32), (64, 40)])
def test_shapes_that_do_not_fit_are_refused(side, dim):
    with pytest.raises(InputError, match="must be"):
        vit_classifier(("a",), image_size=side, dim=dim, depth=1)


def test_weights_come_back_from_their_file(model, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_classifier(model, path, card={"seed": 3}, dtype=torch.float32)
    loaded = load_classifier(path, dtype="float32")
    assert loaded.class_names == ("a", "b", "c")
    assert read_card(path) == {"seed": 3}
    assert loaded.logits(pictures(2)) == pytest.approx(model.logits(pictures(2)), abs=1e-6)


def test_a_detectors_weights_are_no_classifiers(tmp_path):
    path = tmp_path / "detector.safetensors"
    save_detector(vitdet_nano(), path)
    with pytest.raises(WeightsError, match="'foveate-classifier-1' are required, got 'foveate-detector-1'"):
        load_classifier(path)


@pytest.mark.parametrize("config", ["{", "null", "[]", '{"class_names": ["a"]}'])
def test_a_header_that_is_no_classifiers_is_one_clear_error(model, tmp_path, config):
    path = tmp_path / "x.safetensors"
    header = {"format": "foveate-classifier-1", "config": config}
    save_file({"x": torch.zeros(1)}, path, metadata=header)
    with pytest.raises(WeightsError, match="does not describe a classifier"):
        load_classifier(path)


@pytest.mark.parametrize("card", ["{", "null", "[1]"])
def test_a_damaged_card_is_one_clear_error(tmp_path, card):
    path = tmp_path / "x.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata={"card": card})
    with pytest.raises(WeightsError, match="holds no card"):
        read_card(path)
