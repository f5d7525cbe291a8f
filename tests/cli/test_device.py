"""`foveate device`: what is refused before a camera is opened."""

import pytest
from typer.testing import CliRunner

from foveate.cli.app import app
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
