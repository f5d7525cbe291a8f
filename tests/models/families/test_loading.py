"""Published folders: what is read, what is refused, and that nothing else happens."""

import json
import shutil
import socket
import subprocess
import sys

import pytest

from foveate.core import FoveateError, InputError, WeightsError
from foveate.models import load_detector
from foveate.models.families import FAMILIES, UNSUPPORTED, load_model
from foveate.models.families.checkpoint import class_names, quiet
from foveate.testing.families import random_images, randomise

from . import networks
from .checkpoints import NORMAL, PREPROCESSORS, write_checkpoint

pytestmark = pytest.mark.oracle


@pytest.fixture
def copy(published, tmp_path):
    """A folder of its own to spoil."""
    return lambda kind="yolos": shutil.copytree(published(kind)[0], tmp_path / kind)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_importing_the_models_does_not_import_transformers():
    code = "import sys, foveate.models, foveate.models.families; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_family_loads_from_its_folder_without_a_network(kind, published, no_network):
    folder, _ = published(kind)
    model = load_model(folder, dtype="float32")
    assert model.name == f"tiny-{kind}"
    assert len(model.weights_hash) == 16
    assert model.weights_hash == load_model(folder).weights_hash


def test_there_is_a_network_for_every_family():
    assert set(networks.NETWORKS) == set(FAMILIES)


def test_a_detector_loads_by_path_and_by_the_name_of_its_folder(published, foveate_home):
    folder, _ = published("rf_detr")
    assert load_detector(folder).class_names == ("person", "car", "N/A")
    home = foveate_home / "weights" / "my-rf-detr"
    shutil.copytree(folder, home)
    try:
        assert load_detector("my-rf-detr").name == load_model("my-rf-detr").name == "my-rf-detr"
        with pytest.raises(InputError, match=r"models on this machine: .*my-rf-detr"):
            load_detector("other")
    finally:
        shutil.rmtree(home)


def test_what_is_no_detector_is_told_so(published):
    with pytest.raises(InputError, match=r"a detector is required, got a DepthEstimator; use foveate.load_model"):
        load_detector(published("depth_anything")[0])


def test_windows_of_published_models_cannot_be_changed(published):
    with pytest.raises(InputError, match="keeps its windows"):
        load_detector(published("yolos")[0], window_size=9)


def test_shards_and_their_index_load(tmp_path):
    write_checkpoint("yolos", tmp_path, max_shard_size="100KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    assert load_model(tmp_path).class_names[0] == "person"


@pytest.mark.parametrize("kind", ["Dinov2Model", "Dinov2ForImageClassification"])
def test_backbones_load_from_what_was_published_with_another_head(kind, tmp_path):
    """With the names of weights that the hub's files have, which the classes of today no longer use."""
    import torch
    import transformers
    from safetensors import safe_open

    config = transformers.Dinov2Config(**networks.VIT, image_size=56, patch_size=14)
    network = randomise(getattr(transformers, kind)(config))
    with quiet():
        network.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert any("attention.attention.query" in key for key in file.keys())  # noqa: SIM118 - not a dict
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(NORMAL))
    model, images = load_model(tmp_path, dtype="float32"), random_images(1, (84, 112))
    base = network if kind == "Dinov2Model" else network.dinov2
    with torch.inference_mode():
        expected = base(images).last_hidden_state[:, 1:].reshape(1, 6, 8, -1).permute(0, 3, 1, 2)
        torch.testing.assert_close(model.network(images).feature_maps[-1], expected, atol=1e-4, rtol=1e-4)


def test_a_segmenting_rf_detr_loads_as_the_detector_that_it_contains(tmp_path):
    import transformers

    network = randomise(transformers.RfDetrForInstanceSegmentation(networks.rf_detr().config))
    with quiet():
        network.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(NORMAL | PREPROCESSORS["rf_detr"]))
    assert load_model(tmp_path).class_names == ("person", "car", "N/A")


def test_a_missing_shard_is_one_clear_line(tmp_path):
    write_checkpoint("yolos", tmp_path, max_shard_size="100KB")
    sorted(tmp_path.glob("model-*.safetensors"))[1].unlink()
    with pytest.raises(WeightsError, match="not a whole checkpoint for YolosForObjectDetection") as error:
        load_model(tmp_path)
    assert "\n" not in str(error.value)


def test_a_truncated_file_is_one_clear_line(copy):
    folder = copy()
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="not a whole checkpoint for YolosForObjectDetection") as error:
        load_model(folder)
    assert "\n" not in str(error.value)


def test_weights_of_another_model_are_one_clear_line(copy, published):
    folder = copy()
    shutil.copy(published("lw_detr")[0] / "model.safetensors", folder / "model.safetensors")
    with pytest.raises(WeightsError, match=r"not weights for YolosForObjectDetection; missing: .* and [0-9]+ more"):
        load_model(folder)


def test_weights_of_another_width_are_one_clear_line(copy):
    folder = copy()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": 64}))
    with pytest.raises(WeightsError, match="YolosForObjectDetection") as error:
        load_model(folder)
    assert "\n" not in str(error.value)


ENDLESS = json.dumps(NORMAL | PREPROCESSORS["depth_anything"] | {"ensure_multiple_of": float("inf")})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("config.json", "{", "config.json: a readable JSON file is required"),
        ("config.json", "[" * 100_000, "config.json: a readable JSON file is required"),
        ("config.json", "[1]", "a JSON object is required, got list"),
        ("config.json", "{}", "a model_type is required, got None"),
        ("preprocessor_config.json", "no", "preprocessor_config.json: a readable JSON file is required"),
        ("preprocessor_config.json", '{"size": 3, "resample": 9}', "the preprocessor's settings: resample must be"),
        ("preprocessor_config.json", '{"size": 3, "resample": [2]}', "the preprocessor's settings: "),
        ("preprocessor_config.json", ENDLESS, "the preprocessor's settings: cannot convert float infinity"),
        ("preprocessor_config.json", '{"size": 3, "rescale_factor": "x"}', "the preprocessor's settings: "),
        ("preprocessor_config.json", '{"size": 3, "image_mean": ["a", 0, 0]}', "the preprocessor's settings: "),
    ],
)
def test_files_that_say_nothing_are_named(copy, name, text, message):
    folder = copy()
    (folder / name).write_text(text)
    with pytest.raises(WeightsError, match=message):
        load_model(folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("config.json", "config.json, preprocessor_config.json and safetensors is required"),
        ("preprocessor_config.json", "preprocessor_config.json: a readable JSON file is required"),
        ("model.safetensors", r"model.safetensors is required \(weights in other forms are not read\)"),
    ],
)
def test_missing_files_are_named(copy, name, message):
    folder = copy()
    (folder / name).unlink()
    with pytest.raises(WeightsError, match=message):
        load_model(folder)


def test_a_pickle_is_not_read(copy):
    folder = copy()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="weights in other forms are not read"):
        load_model(folder)


def test_code_in_a_checkpoint_is_not_run(copy):
    folder = copy()
    config = json.loads((folder / "config.json").read_text())
    code = {"AutoConfig": "code.Config", "AutoModelForObjectDetection": "code.Model"}
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": code}))
    (folder / "code.py").write_text("raise SystemExit('code of a checkpoint ran')")
    assert load_model(folder).class_names == ("person", "car", "N/A")


def test_other_families_are_named_with_what_is_known(copy):
    folder = copy()
    (folder / "config.json").write_text('{"model_type": "swin"}')
    with pytest.raises(InputError, match=r"model_type must be one of depth_anything, .*yolos, got 'swin'"):
        load_model(folder)


@pytest.mark.parametrize("kind", UNSUPPORTED)
def test_what_a_family_cannot_do_is_said(copy, kind):
    folder = copy()
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    with pytest.raises(InputError, match=f"no {kind}: {UNSUPPORTED[kind][:20]}"):
        load_model(folder)


def test_without_transformers_the_extra_is_named(published, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(FoveateError, match=r"pip install 'foveate\[transformers\]'"):
        load_model(published("yolos")[0])


def test_settings_may_lie_in_a_processor_config(copy):
    folder = copy("sam")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": settings}))
    assert load_model(folder).path.preprocessing.canvas == (160, 160)


@pytest.mark.parametrize("settings", [None, [1], "x"])
def test_a_processor_config_without_settings_is_one_clear_line(copy, settings):
    folder = copy("sam")
    (folder / "preprocessor_config.json").unlink()
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": settings}))
    with pytest.raises(WeightsError, match="image_processor must be a JSON object, got"):
        load_model(folder)


def test_the_hash_follows_every_file_and_the_region_size(copy, published):
    known = {
        load_model(published("yolos")[0]).weights_hash,
        load_model(published("yolos")[0], window_size=2).weights_hash,
    }
    folder = copy()
    settings = folder / "preprocessor_config.json"
    settings.write_text(settings.read_text() + " ")
    known.add(load_model(folder).weights_hash)
    assert len(known) == 3


def test_class_names_must_be_numbered_from_0():
    from types import SimpleNamespace

    assert class_names(SimpleNamespace(id2label={"1": "car", "0": "person"})) == ("person", "car")
    with pytest.raises(InputError, match=r"number its 2 classes from 0, got \[1, 2\]"):
        class_names(SimpleNamespace(id2label={1: "car", 2: "person"}))
