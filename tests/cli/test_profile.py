"""`foveate profile`: from a clip to a profile, and its parts one by one."""

import pytest
from typer.testing import CliRunner

import foveate.models
import foveate.profiling.fit
from foveate.cli.app import app
from foveate.core import ImportanceWish, MediaError
from foveate.estimators import read_profile, write_profile
from foveate.testing import FakeDetector, write_clip
from foveate.testing.profiles import round_profile

WIDE = {"COLUMNS": "160"}


@pytest.fixture
def clip(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(foveate.models, "load_detector", lambda name: FakeDetector(name=name))
    monkeypatch.setattr(foveate.profiling.fit, "_train", lambda *_, **__: None)  # how well it fits is not asked here
    return write_clip(tmp_path / "clip.mp4", frames=24)


def profile(*arguments):
    result = CliRunner().invoke(app, ["profile", *map(str, arguments)], env=WIDE)
    assert result.exit_code == 0, result.output
    return result.output


def test_all_leaves_a_profile_and_prints_times_and_the_quality_of_its_fits(clip, tmp_path):
    out = tmp_path / "mine.json"
    printed = profile("all", clip, "--out", out, "--every", 4, "--per-frame", 4, "--repeats", 1)
    for word in ("inference, whole frame", "fit", "KiB", "F1", "device's inputs", "offline mean", "R2"):
        assert word in printed
    made = read_profile(out)
    assert made.name == "mine"
    assert made.content.paper is not None
    assert made.content.means is not None
    assert "clip.mp4" in made.content.provenance.sources[0]


def test_content_measures_and_train_fits_into_a_profile(clip, tmp_path):
    into = tmp_path / "round.json"
    write_profile(round_profile(), into)
    options = ("--every", 4, "--per-frame", 4)
    assert "24 rows" in profile("content", clip, *options)
    assert "device's inputs" in profile("train", clip, "--into", into, *options)
    made = read_profile(into)
    assert made.codec == round_profile().codec
    assert made.content != round_profile().content


def test_server_replaces_its_part_alone(clip, tmp_path):
    into = tmp_path / "round.json"
    write_profile(round_profile(), into)
    profile("server", clip, "--into", into, "--repeats", 1)
    made = read_profile(into)
    assert made.server != round_profile().server
    assert (made.codec, made.content) == (round_profile().codec, round_profile().content)


def test_machine_leaves_times_without_content(clip, tmp_path):
    out = tmp_path / "times.json"
    assert "inference, whole frame" in profile("machine", clip, "--out", out, "--repeats", 1)
    assert read_profile(out).content is None


def test_classes_measures_and_fits_into_a_profile(clip, tmp_path, monkeypatch, tiny_weights):
    from foveate.models.weights import load_detector

    monkeypatch.setattr(foveate.models, "load_detector", load_detector)
    into, model = tmp_path / "round.json", str(tiny_weights)
    write_profile(round_profile(), into)
    other = tmp_path / "other.mp4"
    other.write_bytes(clip.read_bytes())
    options = ("--model", model, "--device-model", model, "--every", 12, "--subsets", 1, "--scale", "log")
    printed = profile("classes", clip, other, "--into", into, *options)
    assert "size table correlation" in printed
    assert "classes from 4 frames of 2 clips" in printed
    made = read_profile(into)
    assert made.codec == round_profile().codec
    assert made.classes.provenance.model == "tiny-random"
    assert made.classes.quality_of_fit["size_line_correlation"] > 0.5
    assert made.classes.importance == ImportanceWish(layers="first", scale="log")


@pytest.mark.parametrize("command", ["all", "machine", "codec", "server", "content", "train", "classes"])
def test_a_clip_that_is_missing_is_told_before_a_model_is_loaded(tmp_path, monkeypatch, command):
    monkeypatch.setattr(foveate.models, "load_detector", lambda _: pytest.fail("the model was loaded"))
    write_profile(round_profile(), tmp_path / "round.json")
    option = [] if command == "content" else ["--out" if command in {"all", "machine"} else "--into"]
    words = [command, tmp_path / "none.mp4", *option, *([tmp_path / "round.json"] if option else [])]
    ran = CliRunner().invoke(app, ["profile", *map(str, words)])
    assert (ran.exit_code, ran.stderr) == (2, f"foveate: no video file {tmp_path / 'none.mp4'}\n")


def test_a_profile_that_cannot_be_written_is_told_before_the_measurement(clip, tmp_path):
    ran = CliRunner().invoke(app, ["profile", "machine", str(clip), "--out", str(clip / "mine.json")])
    assert (ran.exit_code, ran.stderr) == (
        2,
        f"foveate: results need a folder, and {clip} is a file: name another place\n",
    )


@pytest.mark.parametrize("command", ["all", "machine"])
def test_a_profile_never_takes_the_place_of_a_clips_truth(clip, command):
    ran = CliRunner().invoke(app, ["profile", command, str(clip), "--out", str(clip.with_suffix(".json"))])
    assert ran.exit_code == 2
    assert f"would be read as the truth of {clip}" in ran.stderr
    assert not clip.with_suffix(".json").exists()


def test_a_profile_never_takes_the_place_of_a_clip(clip):
    before = clip.read_bytes()
    ran = CliRunner().invoke(app, ["profile", "machine", str(clip), "--out", str(clip)])
    assert (ran.exit_code, ran.stderr) == (
        2,
        f"foveate: {clip} would take the place of {clip}, which is read: name another place\n",
    )
    assert clip.read_bytes() == before


def test_a_profile_that_fails_half_way_leaves_the_one_before(clip, tmp_path, monkeypatch):
    def fails(*_, **__):
        raise MediaError("the second clip cannot be read")

    monkeypatch.setattr(foveate.profiling, "content_observations", fails)
    out = tmp_path / "mine.json"
    write_profile(round_profile(), out)
    before = out.read_bytes()
    ran = CliRunner().invoke(app, ["profile", "all", str(clip), "--out", str(out), "--repeats", "1"])
    assert ran.exit_code == 2
    assert ran.stderr.endswith("\nfoveate: the second clip cannot be read\n")
    assert out.read_bytes() == before
