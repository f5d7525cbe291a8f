import shutil

import pytest
from typer.testing import CliRunner

from foveate.cli.app import app
from foveate.models import Fetched, describe_weights, load_detector
from foveate.testing.vitdet_checkpoints import CLASSES, vitdet_checkpoint, write_pickle


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "weights").mkdir()
    return tmp_path


def test_a_model_is_listed_with_its_shape_and_terms(home, tiny_weights):
    shutil.copy(tiny_weights, home / "weights" / "my-model.safetensors")
    ran = CliRunner().invoke(app, ["models"])
    assert ran.exit_code == 0, ran.output
    row = next(line for line in ran.stdout.splitlines() if "my-model" in line)
    for cell in ("0.1 M", "3", "0.10", "none: random values", "Apache-2.0"):
        assert cell in row


def test_a_truncated_file_is_listed_with_what_is_wrong_with_it(home, tiny_weights):
    (home / "weights" / "broken.safetensors").write_bytes(tiny_weights.read_bytes()[:1000])
    ran = CliRunner().invoke(app, ["models"])
    assert ran.exit_code == 0, ran.output
    assert "unusable" in ran.stdout
    assert "not a whole safetensors file" in ran.stdout


def test_a_machine_without_models_says_where_it_looked(home, monkeypatch):
    monkeypatch.setattr("foveate.models.weights.SHIPPED", home / "nothing")
    ran = CliRunner().invoke(app, ["models"])
    assert ran.exit_code == 2
    assert ran.stderr == f"foveate: no models found in the package or in {home / 'weights'}\n"


def test_a_long_fact_is_listed_by_its_first_clause_and_shown_whole_by_describe(home, tiny_weights):
    shutil.copy(tiny_weights, home / "weights" / "my-model.safetensors")
    data = "**1,545 real** pictures: of `streets` (and squares), by day and by night, taken for this purpose"
    describe_weights(home / "weights" / "my-model.safetensors", {"data": data, "terms": "a" * 80})
    ran = CliRunner().invoke(app, ["models"])
    row = next(line for line in ran.stdout.splitlines() if "my-model" in line)
    assert "  1,545 real pictures  " in row
    assert f"  {27 * 'a'}…  " in row
    ran = CliRunner().invoke(app, ["models", "describe", "my-model"])
    assert ran.exit_code == 0, ran.output
    lines = {line[:15].strip(): line[15:].strip() for line in ran.stdout.splitlines()}
    assert (lines["data"], lines["terms"], lines["size"]) == (data, "a" * 80, "0.1 million parameters")
    assert lines["score threshold"] == "0.1"
    assert lines["file"].startswith(str(home / "weights" / "my-model.safetensors"))


@pytest.mark.parametrize("columns", ["80", None])
def test_the_list_fits_a_terminal_and_is_not_folded_for_a_program(home, monkeypatch, columns):
    monkeypatch.delenv("COLUMNS")
    env = {} if columns is None else {"COLUMNS": columns}
    lines = CliRunner().invoke(app, ["models"], env=env).stdout.splitlines()
    (name,) = (line for line in lines if "vitdet-tiny-world" in line)
    (published,) = (line for line in lines if "vitdet-h-cascade" in line)
    assert published.split()[-3:] == ["not", "stated", "no"]
    if columns is None:
        assert "rendered frames only" in name
        assert "…" not in "".join(lines)
    else:
        assert max(len(line) for line in lines if "vitdet" in line) <= 80


def test_published_models_are_listed_with_how_to_get_them(home, tiny_weights):
    shutil.copy(tiny_weights, home / "weights" / "vitdet-l-mask.safetensors")
    ran = CliRunner().invoke(app, ["models"])
    rows = {line.split()[0]: line for line in ran.stdout.splitlines() if " vitdet-" in line}
    assert rows["vitdet-h-cascade"].split()[-1] == "no"
    assert "58.7" in rows["vitdet-h-cascade"]
    assert rows["vitdet-l-mask"].split()[-1] == "yes"
    assert "A published one: foveate models fetch NAME" in ran.stdout


def test_a_checkpoint_of_detectron2_becomes_a_model(home):
    checkpoint = write_pickle(home / "model_final.pkl", vitdet_checkpoint(stages=3))
    (home / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    out = home / "weights" / "mine.safetensors"
    arguments = ["models", "convert", checkpoint, "--out", out, "--classes", home / "classes.txt", "--score", "0.2"]
    ran = CliRunner().invoke(app, [str(a) for a in arguments])
    assert ran.exit_code == 0, ran.output
    assert "4 classes, 3 box head(s), with masks, window 3" in ran.stdout
    detector = load_detector("mine")
    assert (detector.class_names, detector.score_threshold) == (CLASSES, 0.2)
    halved = home / "weights" / "half.safetensors"
    arguments[4] = halved
    ran = CliRunner().invoke(app, [*(str(a) for a in arguments), "--half", "--window", "2", "--window-table", "cut"])
    assert ran.exit_code == 0, ran.output
    assert halved.stat().st_size < 0.6 * out.stat().st_size
    listed = CliRunner().invoke(app, ["models"]).stdout
    assert "2 (cut from 3)" in next(line for line in listed.splitlines() if " half " in line)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "knows 4 classes and needs as many names; COCO's 80 were taken"),
        (["--window", "2"], 2, "say how they are used"),
    ],
)
def test_what_a_conversion_lacks_is_one_line(home, options, code, message):
    checkpoint = write_pickle(home / "model_final.pkl", vitdet_checkpoint())
    (home / "classes.txt").write_text("\n".join(CLASSES))
    names = ["--classes", str(home / "classes.txt")] if options else []
    command = ["models", "convert", str(checkpoint), "--out", str(home / "x.safetensors"), *names, *options]
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == code
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not (home / "x.safetensors").exists()


def test_a_pickle_that_would_run_something_is_refused(home):
    (home / "evil.pkl").write_bytes(b"cos\nsystem\n(S'touch trace'\ntR.")
    ran = CliRunner().invoke(app, ["models", "convert", str(home / "evil.pkl"), "--out", str(home / "x.safetensors")])
    assert ran.exit_code == 1
    assert "refused, as it names os.system" in ran.stderr


def test_fetching_offline_says_what_to_do(home, monkeypatch):
    monkeypatch.setenv("FOVEATE_OFFLINE", "1")
    ran = CliRunner().invoke(app, ["models", "fetch", "vitdet-b-mask"])
    assert ran.exit_code == 1
    assert "FOVEATE_OFFLINE is set" in ran.stderr
    assert "put the file at" in ran.stderr


def test_folders_of_published_models_are_listed_with_what_they_are(home):
    for name, config in (
        ("depth", '{"model_type": "depth_anything"}'),
        ("odd", '{"model_type": "swin"}'),
        ("bad", "{"),
    ):
        (home / "weights" / name).mkdir()
        (home / "weights" / name / "config.json").write_text(config)
    ran = CliRunner().invoke(app, ["models"])
    assert ran.exit_code == 0, ran.output
    rows = {
        name: next(line for line in ran.stdout.splitlines() if f" {name} " in line) for name in ("depth", "odd", "bad")
    }
    assert "depth_anything" in rows["depth"]
    assert "not known to foveate" in rows["odd"]
    assert "a readable JSON file is required" in rows["bad"]


@pytest.mark.parametrize(("md5", "verdict"), [("61ccd1" + 26 * "0", "agrees"), (32 * "0", "does not agree")])
def test_a_fetch_prints_checksums_and_the_file(home, monkeypatch, md5, verdict):
    def fake(name, *, progress, score_threshold):
        progress(0, None)
        progress(5, 10)
        return Fetched(path=home / f"{name}-{score_threshold}", sha256="f" * 64, md5=md5, name_says="61ccd1")

    monkeypatch.setattr("foveate.models.fetch_published", fake)
    ran = CliRunner().invoke(app, ["models", "fetch", "vitdet-b-mask", "--score", "0.3"])
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines() == [
        f"checkpoint: SHA-256 {'f' * 64}; MD5 {md5} {verdict} with its name",
        f"vitdet-b-mask: {home / 'vitdet-b-mask-0.3'}",
    ]


def test_names_of_classes_that_cannot_be_read_are_one_line(home):
    checkpoint = write_pickle(home / "model_final.pkl", vitdet_checkpoint())
    (home / "classes.txt").write_bytes(b"\xff\xfe")
    for classes in ("classes.txt", "none.txt"):
        words = [checkpoint, "--out", home / "x.safetensors", "--classes", home / classes]
        ran = CliRunner().invoke(app, ["models", "convert", *map(str, words)])
        assert ran.exit_code == 2, ran.output
        assert "must hold the names of the classes, one a line" in ran.stderr
        assert len(ran.stderr.splitlines()) == 1


def test_a_published_model_that_is_none_is_one_line(home):
    ran = CliRunner().invoke(app, ["models", "fetch", "vitdet-xxl"])
    assert ran.exit_code == 2
    assert ran.stderr.startswith("foveate: no published model named 'vitdet-xxl'")
    assert len(ran.stderr.splitlines()) == 1
