import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from foveate.cli.app import app
from foveate.testing import write_clip

pytest.importorskip("faster_coco_eval")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = write_clip(tmp_path / "clip.mp4", frames=4)
    images = [{"id": i, "file_name": "clip.mp4", "height": 128, "width": 192, "frame": i} for i in range(4)]
    annotations = [{"image_id": i, "category_id": 1, "bbox": [8 + 2 * i, 16, 24, 24]} for i in range(4)]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
    path.with_suffix(".json").write_text(json.dumps(content))
    return path


def test_accuracy_leaves_the_figures_that_the_manual_names(clip: Path, tiny_weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "accuracy.json"
    words = ["bench", "accuracy", "--annotations", clip.with_suffix(".json"), "--images", clip, "--every", "3"]
    ran = CliRunner().invoke(app, [*map(str, words), "--out", str(out), "--model", str(tiny_weights)])
    assert ran.exit_code == 0, ran.output
    report = json.loads(out.read_text())
    assert report.keys() >= {"ap", "ap50", "classes", "images", "threshold", "model", "version", "sizes"}
    assert report["classes"]["person"].keys() == {"ap", "ap50", "n"}
    assert (report["images"], report["threshold"], report["model"]) == (2, 0.1, "tiny-random")
    assert "bicycle" in report["missing_classes"]
    assert "no objects of: bicycle" in ran.stdout


@pytest.mark.parametrize("given", [("--model", "vitdet-nano-world"), ("--model", "vitdet-tiny-world"), ("--out", "x")])
def test_an_option_before_the_subcommand_is_refused(clip: Path, tmp_path: Path, given: tuple[str, str]) -> None:
    words = ["accuracy", "--annotations", clip.with_suffix(".json"), "--images", clip, "--out", tmp_path / "a.json"]
    ran = CliRunner().invoke(app, ["bench", *given, *map(str, words)])
    assert ran.exit_code == 2
    assert f"{given[0]} before accuracy is for `foveate bench` alone" in ran.stderr
    assert not (tmp_path / "a.json").exists()


def test_a_missing_annotation_file_is_one_line(tiny_weights: Path, tmp_path: Path) -> None:
    words = ["bench", "accuracy", "--annotations", "none.json", "--images", ".", "--out", str(tmp_path / "x.json")]
    ran = CliRunner().invoke(app, [*words, "--model", str(tiny_weights)])
    assert ran.exit_code == 2
    assert ran.stderr.startswith("foveate: cannot read annotations none.json")


def test_the_way_of_a_frame_is_printed_and_written(clip: Path, tiny_weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "bench.json"
    words = ["bench", "--video", clip, "--model", tiny_weights, "--size", "clip", "--rounds", "2", "--objects", "3"]
    ran = CliRunner().invoke(app, [*map(str, words), "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    report = json.loads(out.read_text())
    assert report["frame_size"] == [128, 192]
    assert {row["stage"] for row in report["rows"]} >= {"grey and motion", "pack and encode", "backbone"}
    assert "bare ms" in ran.stdout
    assert "most memory held" in ran.stdout


def test_a_size_that_is_none_is_one_line() -> None:
    ran = CliRunner().invoke(app, ["bench", "--size", "big"])
    assert ran.exit_code == 2
    assert ran.stderr.startswith("foveate: a size is HEIGHTxWIDTH in pixels, such as 720x1280, got 'big'")


@pytest.mark.parametrize("taken", ["annotations", "images", "video"])
def test_figures_never_take_the_place_of_what_is_read(clip, monkeypatch, taken):
    monkeypatch.setattr("foveate.models.load_detector", lambda _: pytest.fail("the model was loaded"))
    out = clip.with_suffix(".json") if taken == "annotations" else clip
    before = out.read_bytes()
    words = ["--video", clip] if taken == "video" else ["accuracy", "--annotations", clip.with_suffix(".json")]
    words += [] if taken == "video" else ["--images", clip]
    ran = CliRunner().invoke(app, ["bench", *map(str, words), "--out", str(out)])
    assert ran.exit_code == 2, ran.output
    assert ran.stderr == f"foveate: {out} would take the place of {out}, which is read: name another place\n"
    assert out.read_bytes() == before


def test_a_place_for_the_figures_that_cannot_be_is_told_before_the_work(clip, tmp_path, monkeypatch):
    monkeypatch.setattr("foveate.models.load_detector", lambda _: pytest.fail("the model was loaded"))
    words = ("--annotations", clip.with_suffix(".json"), "--images", clip, "--out", tmp_path)
    for command in (["bench", "--out", tmp_path], ["bench", "accuracy", *words]):
        ran = CliRunner().invoke(app, [*map(str, command)])
        assert ran.exit_code == 2, ran.output
        assert ran.stderr == f"foveate: a file is needed, and {tmp_path} is a folder: name a file in it\n"
