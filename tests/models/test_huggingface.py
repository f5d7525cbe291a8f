"""The backbone equals Hugging Face's VitDet where nothing is downsampled."""

import pytest
import torch

from foveate.core import InputError, WeightsError
from foveate.models import convert_huggingface, load_huggingface_backbone

pytestmark = pytest.mark.oracle


def vitdet(*, relative: bool, size: tuple[int, int] = (1088, 1920), dim: int = 48) -> torch.nn.Module:
    import transformers

    config = transformers.VitDetConfig(
        hidden_size=dim,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=list(size),
        patch_size=16,
        window_size=9,
        window_block_indices=[0, 2],
        use_relative_position_embeddings=relative,
        out_indices=[4],
    )
    torch.manual_seed(0)
    model = transformers.VitDetBackbone(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return model


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("size", [(1088, 1920), (720, 1280), (304, 496)])
@torch.inference_mode()
def test_same_weights_give_the_same_map(size, relative):
    theirs = vitdet(relative=relative)
    ours = convert_huggingface(theirs.state_dict(), theirs.config.to_dict())
    image = torch.randn(1, 3, *size)
    expected = theirs(image).feature_maps[0]
    assert expected.std() > 0.1
    torch.testing.assert_close(ours(image), expected, atol=1e-4, rtol=0)


@torch.inference_mode()
def test_a_saved_folder_loads(tmp_path):
    theirs = vitdet(relative=True, size=(224, 224))
    theirs.save_pretrained(tmp_path)
    ours = load_huggingface_backbone(tmp_path)
    image = torch.randn(1, 3, 224, 224)
    torch.testing.assert_close(ours(image), theirs(image).feature_maps[0], atol=1e-4, rtol=0)


def test_missing_and_unexpected_keys_are_named():
    theirs = vitdet(relative=False)
    state = theirs.state_dict()
    state["encoder.layer.0.surprise"] = state.pop("encoder.layer.3.norm1.weight")
    with pytest.raises(WeightsError, match=r"missing: blocks\.3\.norm1\.weight; unexpected: blocks\.0\.surprise"):
        convert_huggingface(state, theirs.config.to_dict())


@pytest.mark.parametrize("shape", [(1, 14 * 14 + 5, 48), (2, 197, 48), (197, 48), (1, 0, 48)])
def test_positions_that_are_no_square_are_refused_and_not_cut(shape):
    theirs = vitdet(relative=False)
    state = theirs.state_dict() | {"embeddings.position_embeddings": torch.zeros(shape)}
    with pytest.raises(WeightsError, match="a square of patches, with or without a class token, got shape"):
        convert_huggingface(state, theirs.config.to_dict())


def test_global_blocks_must_end_subsets():
    theirs = vitdet(relative=False)
    config = theirs.config.to_dict() | {"window_block_indices": [1, 3]}
    with pytest.raises(InputError, match="global blocks must end equal subsets"):
        convert_huggingface(theirs.state_dict(), config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer_norm_eps": 1e-5}, "layer_norm_eps must be 1e-06 for a mixed-resolution backbone, got 1e-05"),
        ({"num_channels": 1}, "num_channels must be 3"),
        ({"hidden_act": "relu"}, "hidden_act must be 'gelu'"),
        ({"residual_block_indices": [1]}, "residual_block_indices must be"),
        ({"pretrain_image_size": [224, 320]}, "pretrain_image_size must be square, got 224 x 320"),
        ({"patch_size": [16, 8]}, "patch_size must be square"),
        ({"patch_size": 0}, "the configuration of a VitDet is required"),
        ({"window_block_indices": None}, "the configuration of a VitDet is required"),
        ({"image_size": "x"}, "the configuration of a VitDet is required"),
        ({"mlp_ratio": float("inf")}, "mlp_ratio must give a hidden layer"),
    ],
)
def test_what_the_backbone_here_does_not_have_is_refused(changes, message):
    theirs = vitdet(relative=False, size=(224, 224))
    with pytest.raises(InputError, match=message):
        convert_huggingface(theirs.state_dict(), theirs.config.to_dict() | changes)


def test_sizes_may_be_given_as_two_equal_numbers():
    theirs = vitdet(relative=True, size=(224, 224))
    pairs = {"patch_size": [16, 16], "pretrain_image_size": [224, 224], "image_size": 224}
    made = convert_huggingface(theirs.state_dict(), theirs.config.to_dict() | pairs)
    assert made.config == convert_huggingface(theirs.state_dict(), theirs.config.to_dict()).config


def test_a_configuration_without_its_entries_is_one_clear_error(tmp_path):
    with pytest.raises(InputError, match="missing: hidden_size, image_size"):
        convert_huggingface({}, {"model_type": "vitdet"})
    vitdet(relative=False, size=(224, 224)).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(WeightsError, match="a JSON object is required, got list"):
        load_huggingface_backbone(tmp_path)
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(WeightsError, match=r"config\.json and model\.safetensors are required"):
        load_huggingface_backbone(tmp_path)


def test_a_truncated_folder_is_one_clear_error(tmp_path):
    theirs = vitdet(relative=False, size=(224, 224))
    theirs.save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"model\.safetensors are required"):
        load_huggingface_backbone(tmp_path)
