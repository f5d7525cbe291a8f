"""`foveate device`: what is refused before a camera is opened."""

import pytest
from typer.testing import CliRunner

from foveate.cli.app import app
from foveate.core import TransportError
from foveate.testing import write_clip


@pytest.mark.parametrize("words", [["--sink", "CLIP"], ["--json", "CLIP"], ["--json", "OTHER", "--sink", "OTHER"]])
def test_outputs_take_the_place_neither_of_the_camera_nor_of_each_other(tmp_path, words):
    clip = write_clip(tmp_path / "clip.mp4", frames=3)
    before = clip.read_bytes()
    places = {"CLIP": str(clip), "OTHER": str(tmp_path / "other.mp4")}
    words = [places.get(word, word) for word in words]
    ran = CliRunner().invoke(app, ["device", "--server", "127.0.0.1:9", "--camera", str(clip), *words])
    assert ran.exit_code == 2
    assert "would take the place of" in ran.stderr
    assert clip.read_bytes() == before


def test_lines_of_an_earlier_run_stay_where_no_server_answers(tmp_path, monkeypatch):
    def unanswered(*_, **__):
        raise TransportError("no answer from the server within 10 s")

    monkeypatch.setattr("foveate.device.run_live", unanswered)
    clip, lines = write_clip(tmp_path / "clip.mp4", frames=3), tmp_path / "lines.json"
    lines.write_text("of an earlier run\n")
    ran = CliRunner().invoke(app, ["device", "--server", "127.0.0.1:9", "--camera", str(clip), "--json", str(lines)])
    assert (ran.exit_code, ran.stderr) == (1, "foveate: no answer from the server within 10 s\n")
    assert lines.read_text() == "of an earlier run\n"
