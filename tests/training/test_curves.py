import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from foveate.cli.train import app
from foveate.codec import read_image
from foveate.core import MediaError
from foveate.training import ImageSet, Mixture, TrainConfig, Trainer
from foveate.training.curves import read_log, smoothed

from .conftest import tiny_detector
from .test_trainer import SHORT

pytest.importorskip("matplotlib")


def write_log(folder: Path, steps: int, *, evaluated: bool = True) -> Path:
    folder.mkdir()
    lines = [
        {"step": 50 * i, "loss": 5 / i, "class_loss": 3 / i, "box_loss": 2 / i, "rate": 1e-3, "images_per_s": 9.0}
        for i in range(1, steps + 1)
    ]
    if evaluated:
        classes = {"person": {"ap": 0.1, "ap50": 0.3, "n": 7}}
        lines.append({"step": 100, "evaluation": {"street": {"ap": 0.2, "ap50": 0.4, "classes": classes}}})
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return folder


def drawn_height(folder: Path, out: Path) -> int:
    ran = CliRunner().invoke(app, ["curves", str(folder), "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    return read_image(out).shape[0]


def test_curves_are_a_picture_with_a_part_of_its_own_for_precision(tmp_path: Path) -> None:
    plain = drawn_height(write_log(tmp_path / "a", 30, evaluated=False), tmp_path / "a.png")
    assert drawn_height(write_log(tmp_path / "b", 30), tmp_path / "new" / "b.png") > 1.2 * plain


def test_a_log_tells_steps_values_and_precision(tmp_path: Path) -> None:
    log = read_log(write_log(tmp_path / "run", 3))
    steps, values = log.series("loss")
    assert steps.tolist() == [50, 100, 150]
    np.testing.assert_allclose(values, [5, 2.5, 5 / 3])
    assert {name: values.tolist() for name, (_, values) in log.precision().items()} == {
        "street mean": [0.4],
        "street person": [0.3],
    }


def test_steps_that_a_resumed_training_repeats_count_once(tmp_path: Path) -> None:
    folder = write_log(tmp_path / "run", 3)
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps({"step": 100, "loss": 7.0}) + "\n")
    assert read_log(folder).series("loss")[1].tolist() == [5, 7, pytest.approx(5 / 3)]


def test_a_folder_without_a_whole_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no training log"):
        read_log(tmp_path)
    (tmp_path / "log.jsonl").write_text('{"step": 1')
    with pytest.raises(MediaError, match="is not a training log"):
        read_log(tmp_path)


def test_smoothing_is_a_mean_of_neighbours() -> None:
    values = np.arange(20.0)
    np.testing.assert_allclose(smoothed(values, 5)[2:-2], values[2:-2])
    assert smoothed(values, 5)[0] == pytest.approx(1)
    assert smoothed(values, 5)[-1] == pytest.approx(18)


def test_a_training_evaluates_itself_on_the_way_if_so_wanted(street_set: ImageSet, tmp_path: Path) -> None:
    pytest.importorskip("faster_coco_eval")
    config = TrainConfig(schedule=replace(SHORT, steps=2), threads=1, evaluate_s=1e-6, evaluate_images=2)
    mixture = Mixture(sets=(street_set,), weights=(1.0,))
    assert Trainer(tiny_detector(), mixture, config, tmp_path, {"street": street_set}).run()
    steps, values = read_log(tmp_path).precision()["street mean"]
    assert steps.tolist() == [1, 2]
    assert (values >= 0).all()
