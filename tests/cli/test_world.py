import json

import pytest
from typer.testing import CliRunner

from foveate.cli.app import app
from foveate.codec import VideoReader
from foveate.world import sets


@pytest.mark.egl
def test_a_clip_of_the_asked_size_and_length_is_rendered_with_its_truth(tmp_path):
    out = tmp_path / "walk.mp4"
    words = ["walk-sunny", "--seconds", "0.2", "--size", "96x160", "--fps", "10", "--out", str(out)]
    ran = CliRunner().invoke(app, ["world", "render", *words])
    assert ran.exit_code == 0, ran.output
    with VideoReader(out) as clip:
        assert (clip.size, clip.fps, clip.frame_count) == ((96, 160), 10.0, 2)
    assert len(json.loads(out.with_suffix(".json").read_text())["images"]) == 2
    again = CliRunner().invoke(app, ["world", "render", *words])
    assert again.exit_code == 0, again.output


@pytest.mark.egl
def test_stills_are_rendered_with_their_truth(tmp_path):
    words = ["walk-sunny", "--count", "2", "--size", "96x160", "--processes", "1", "--out", str(tmp_path)]
    ran = CliRunner().invoke(app, ["world", "stills", *words])
    assert ran.exit_code == 0, ran.output
    assert len(list((tmp_path / "images").glob("*.jpg"))) == 2
    assert len(json.loads((tmp_path / "annotations.json").read_text())["images"]) == 2


@pytest.mark.parametrize(
    ("words", "says", "code"),
    [
        (["render", "moon", "--out", "moon.mp4"], "unknown scenario 'moon'; known: cycle-sunny", 2),
        (["render", "walk-sunny", "--out", "walk.avi"], "--out is a .mp4 file, got 'walk.avi'", 2),
        (["render", "walk-sunny", "--size", "720p", "--out", "a.mp4"], "a size is HEIGHTxWIDTH in pixels", 2),
        (["render", "walk-sunny", "--out", "file/a.mp4"], "file is a file", 2),
        (["sheet", "moon", "--out", "a.jpg"], "unknown scenario 'moon'", 2),
        (["sheet", "--out", "a.txt"], "--out is a .jpg file", 2),
        (["stills", "moon", "--count", "1", "--out", "stills"], "unknown scenario 'moon'", 2),
        (["render", "walk-sunny", "--size", "63x96", "--out", "a.mp4"], "needs an even height and width", 2),
        (["render", "walk-sunny", "--seconds", "nan", "--out", "a.mp4"], "a clip needs seconds > 0", 2),
        (["stills", "walk-sunny", "--count", "1", "--size", "8x8", "--out", "stills"], "got 8x8", 2),
        (["stills", "walk-sunny", "--count", "1", "--out", "taken"], "taken holds another set of stills", 2),
        (["stills", "walk-sunny", "--count", "1", "--out", "boxes"], "annotations.json is no truth of rendered", 2),
        (
            ["render", "walk-sunny", "--seconds", "0.1", "--out", "boxes/annotations.mp4"],
            "is no truth of a rendered",
            2,
        ),
        (["dataset", "walk-sunny-eval", "--seconds", "0"], "needs more than 0 seconds", 2),
        (
            ["dataset", "walk-rain-eval", "drive-night-eval", "--count", "3"],
            "--count is the length of sets of stills",
            2,
        ),
        (["dataset", "val-mixed", "--seconds", "3"], "--seconds is the length of sets of clips, and val-mixed", 2),
        (
            ["dataset", "--list", "val-mixed", "--count", "3"],
            "--count is the length of sets of stills, and the list",
            2,
        ),
        (["dataset", "moon"], "unknown set 'moon'; known: train-mixed", 2),
    ],
)
def test_what_cannot_be_rendered_is_refused_in_one_line(words, says, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "order.json").write_text("{}")
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes" / "annotations.json").write_text("{}")
    ran = CliRunner().invoke(app, ["world", *words])
    assert ran.exit_code == code, ran.output
    assert ran.stderr.startswith("foveate: ")
    assert ran.stderr.count("\n") == 1
    assert says in ran.stderr
    assert [path.name for path in (tmp_path / "boxes").iterdir()] == ["annotations.json"]
    assert (tmp_path / "boxes" / "annotations.json").read_text() == "{}"


@pytest.mark.parametrize("width", ["80", "200"])
def test_the_standard_sets_are_listed_with_their_length_and_cost(tmp_path, monkeypatch, width):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", width)
    ran = CliRunner().invoke(app, ["world", "dataset", "--list"])
    assert ran.exit_code == 0, ran.output
    assert "walk-rain-eval" in ran.stdout
    assert "…" not in ran.stdout
    assert "60 s" in ran.stdout


def test_sets_of_both_kinds_each_take_their_own_length(monkeypatch):
    lengths = {}
    monkeypatch.setattr(sets, "render_set", lambda name, *, length, **_: lengths.update({name: length}))
    words = ["world", "dataset", "val-mixed", "walk-rain-eval", "--count", "3", "--seconds", "2"]
    ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 0, ran.output
    assert lengths == {"val-mixed": 3, "walk-rain-eval": 2.0}


@pytest.mark.egl
def test_a_standard_set_is_rendered_under_home_and_found_there_again(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    words = ["world", "dataset", "val-mixed", "--count", "1", "--processes", "1"]
    ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 0, ran.output
    (picture,) = (tmp_path / "world" / "val-mixed" / "images").glob("*.jpg")
    before = picture.stat().st_mtime_ns
    assert CliRunner().invoke(app, words).exit_code == 0
    assert picture.stat().st_mtime_ns == before
