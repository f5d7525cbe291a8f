"""Published models: what the table says holds, and fetching leaves a detector. The server is on this machine."""

import hashlib
import json
from dataclasses import replace

import pytest
import torch

from foveate.core import InputError, TransportError, WeightsError
from foveate.models import (
    RcnnDetector,
    convert_detectron2,
    fetch_published,
    load_detector,
    published_models,
    read_card,
)
from foveate.models.download import digest
from foveate.testing.http import served_file
from foveate.testing.vitdet_checkpoints import vitdet_checkpoint, write_pickle


def quiet(done, total):
    pass


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """The smallest model "published" at an address of this machine, with the classes of COCO."""
    state = vitdet_checkpoint()
    for kind, rows in (("cls_score", 81), ("bbox_pred", 320)):
        for leaf in ("weight", "bias"):
            name = f"roi_heads.box_predictor.{kind}.{leaf}"
            state[name] = torch.zeros(rows, *state[name].shape[1:])
    for leaf, shape in (("weight", (80, 16, 1, 1)), ("bias", (80,))):
        state[f"roi_heads.mask_head.predictor.{leaf}"] = torch.zeros(shape)
    checkpoint = write_pickle(tmp_path / "model_final.pkl", state)
    with served_file(checkpoint.read_bytes()) as file:
        known = published_models()["vitdet-b-mask"]
        small = replace(known, address=file.address, config=convert_detectron2(state).config)
        monkeypatch.setattr("foveate.models.fetch.published_models", lambda: {"small": small})
        file.published = small
        yield file


def test_the_table_describes_models_that_can_be_built():
    known = published_models()
    assert set(known) == {f"vitdet-{size}-{kind}" for size in "blh" for kind in ("mask", "cascade")}
    for name, model in known.items():
        with torch.device("meta"):
            detector = RcnnDetector(model.config)
        assert sum(p.numel() for p in detector.parameters()) == model.parameters, name
        assert len(detector.class_names) == 80
        assert detector.region_grid(1024, 1024).region_pixels == 448
        assert model.address.startswith("https://dl.fbaipublicfiles.com/detectron2/ViTDet/COCO/")
    assert len({model.address for model in known.values()}) == 6


def test_fetching_leaves_a_detector_with_its_card_and_the_checksum(home, server):
    fetched = fetch_published("small", progress=quiet, score_threshold=0.4)
    path, sha256 = fetched.path, fetched.sha256
    assert path == home / "weights" / "small.safetensors"
    assert fetched.md5 == hashlib.md5(server.content, usedforsecurity=False).hexdigest()
    assert fetched.name_says == "final"
    detector = load_detector("small", dtype="float32")
    assert (detector.name, detector.score_threshold, len(detector.class_names)) == ("small", 0.4, 80)
    card = read_card(path)
    assert card["source"] == server.address
    assert card["source_sha256"] == sha256
    assert card["published_box_ap"] == 51.6
    assert json.loads((home / "weights" / "checksums.json").read_text()) == {"small": sha256}
    assert not list((home / "weights" / "checkpoints").iterdir())


def test_the_first_checksum_seen_is_required_from_then_on(home, server, tmp_path):
    path = fetch_published("small", progress=quiet).path
    path.unlink()
    state = vitdet_checkpoint(seed=1)
    server.content = write_pickle(tmp_path / "other.pkl", state).read_bytes()
    with pytest.raises(TransportError, match=r"SHA-256 .* is required, got"):
        fetch_published("small", progress=quiet)
    assert not path.exists()


def test_a_published_checksum_is_required_at_once(home, server, monkeypatch):
    strict = replace(server.published, sha256="0" * 64)
    monkeypatch.setattr("foveate.models.fetch.published_models", lambda: {"small": strict})
    with pytest.raises(TransportError, match=f"SHA-256 {'0' * 64} is required"):
        fetch_published("small", progress=quiet)


def test_another_model_than_the_published_one_is_refused(home, server, monkeypatch):
    other = replace(server.published, config=published_models()["vitdet-b-mask"].config)
    monkeypatch.setattr("foveate.models.fetch.published_models", lambda: {"small": other})
    with pytest.raises(WeightsError, match="a model of shape"):
        fetch_published("small", progress=quiet)
    assert not (home / "weights" / "small.safetensors").exists()
    assert not (home / "weights" / "checksums.json").exists()


def test_a_file_that_was_brought_by_other_means_is_taken(home, server, tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_OFFLINE", "1")
    with pytest.raises(TransportError, match=r"put the file at .*checkpoints/model_final\.pkl by other means"):
        fetch_published("small", progress=quiet)
    brought = home / "weights" / "checkpoints" / "model_final.pkl"
    brought.parent.mkdir(parents=True)
    brought.write_bytes((tmp_path / "model_final.pkl").read_bytes())
    fetched = fetch_published("small", progress=quiet)
    assert fetched.sha256 == digest(tmp_path / "model_final.pkl")
    assert fetched.path.exists()


def test_names_that_are_unknown_or_there_are_said(home, server):
    with pytest.raises(InputError, match="no published model named 'large'; there are: small"):
        fetch_published("large", progress=quiet)
    fetch_published("small", progress=quiet)
    with pytest.raises(InputError, match="small is there already"):
        fetch_published("small", progress=quiet)


def test_a_published_model_that_is_not_here_says_how_to_get_it(home):
    with pytest.raises(InputError, match="not on this machine; foveate models fetch vitdet-b-mask"):
        load_detector("vitdet-b-mask")
