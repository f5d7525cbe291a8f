import json

import pytest
from typer.testing import CliRunner

from foveate.cli.app import app
from foveate.experiments.inputs import SAMPLES
from foveate.testing.classifiers import coloured_images, tiny_training

RECIPE = "from foveate.testing.classifiers import tiny_recipe\nrecipe = tiny_recipe(16)\n"


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def data(monkeypatch, tmp_path):
    parts = {"train": coloured_images(), "test": coloured_images(6, seed=3)}
    for module in ("foveate.codec.image_sets", "foveate.evaluation.experts.run"):
        monkeypatch.setattr(f"{module}.read_images", lambda _, part: parts[part])
    monkeypatch.setattr("foveate.evaluation.experts.run.TRAIN_PER_CLASS", 10)
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    return tmp_path / "data"


def test_a_recipe_is_trained_under_the_home_folder(data, tmp_path):
    (tmp_path / "mine.py").write_text(RECIPE)
    done = call("train", "experts", tmp_path / "mine.py", "--data", data, "--kinds", "progressive", "--threads", 1)
    assert done.exit_code == 0, done.output
    folder = tmp_path / "home" / "training" / "mine" / "seed-0"
    assert f"{folder}: all stages are done" in done.output
    assert (folder / "progressive-1.safetensors").is_file()


def test_a_file_without_a_recipe_is_refused(data, tmp_path):
    (tmp_path / "empty.py").write_text("")
    assert "must define recipe" in call("train", "experts", tmp_path / "empty.py", "--data", data).output
    assert "no recipe file" in call("train", "experts", tmp_path / "none.py", "--data", data).output


def test_a_stream_is_simulated_and_an_expert_that_dies_is_answered_for(data, tmp_path):
    models = tiny_training(tmp_path, pictures=16)
    out = tmp_path / "out"
    done = call(
        *("run-experts", models, "--data", data, "--trace", SAMPLES / "uplink.csv", "--simulate", "--out", out),
        *("--samples", 30, "--router", "ask-expert:threshold=1.0", "--change", "1:die:progressive-0"),
        *("--change", "1:die:progressive-1"),
    )
    assert done.exit_code == 0, done.output
    summary = json.loads((out / "summary.json").read_text())
    assert summary["answered_by"]["expert"] > 0
    assert summary["answered_by"]["generalist"] > 0
    assert summary["reasons"]["alone"] > 0


def test_kinds_that_were_not_trained_are_named(data, tmp_path):
    models = tiny_training(tmp_path, kinds=("progressive",), pictures=16)
    words = ("--trace", SAMPLES / "uplink.csv", "--simulate", "--out", tmp_path / "out", "--kind", "static")
    assert "there are progressive" in call("run-experts", models, "--data", data, *words).output


def test_times_are_measured_into_a_file(data, tmp_path):
    models = tiny_training(tmp_path, kinds=(), pictures=16)
    done = call("profile", "experts", models, "--out", tmp_path / "times.json")
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "times.json").read_text())["sample_s"] > 0


def test_a_kind_that_is_none_is_told_before_pictures_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("foveate.codec.image_sets.read_images", lambda *_: pytest.fail("pictures were read"))
    (tmp_path / "mine.py").write_text(RECIPE)
    done = call("train", "experts", tmp_path / "mine.py", "--data", tmp_path, "--kinds", "wise")
    assert done.exit_code == 2, done.output
    assert "kinds are progressive" in done.stderr


def test_times_of_a_folder_without_models_say_how_to_train_them(tmp_path):
    done = call("profile", "experts", tmp_path, "--out", tmp_path / "times.json")
    assert (done.exit_code, done.stderr) == (
        2,
        f"foveate: {tmp_path} holds no generalist: train one with `foveate train experts`\n",
    )


def test_a_router_that_is_none_is_told_before_models_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("foveate.evaluation.experts.run.find_models", lambda _: pytest.fail("models were read"))
    words = ("--data", tmp_path, "--trace", SAMPLES / "uplink.csv", "--out", tmp_path / "out")
    done = call("run-experts", tmp_path, *words, "--router", "wise")
    assert done.exit_code == 2, done.output
    assert "unknown router 'wise'" in done.stderr
