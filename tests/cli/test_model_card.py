import json
import shutil

import pytest
from typer.testing import CliRunner

from foveate.cli.app import app
from foveate.codec import write_image
from foveate.core import InputError
from foveate.evaluation.cards import page, parts
from foveate.models import load_detector, read_card
from foveate.testing import moving_squares


@pytest.fixture
def home(tmp_path, monkeypatch, tiny_weights):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "home" / "weights").mkdir(parents=True)
    shutil.copy(tiny_weights, tmp_path / "home" / "weights" / "mine.safetensors")
    return tmp_path / "home"


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data" / "detection"
    (folder / "images").mkdir(parents=True)
    for number, pixels in enumerate(moving_squares(2)):
        write_image(folder / "images" / f"{number}.png", pixels)
    images = [{"id": n, "file_name": f"{n}.png", "height": 128, "width": 192} for n in range(2)]
    boxes = [{"image_id": n, "category_id": 1, "bbox": [8 + 2 * n, 16, 24, 24]} for n in range(2)]
    categories = [{"id": 1, "name": "person"}]
    (folder / "val.json").write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    return tmp_path / "data"


def run(*words):
    ran = CliRunner().invoke(app, ["models", *map(str, words)])
    assert ran.exit_code == 0, ran.output
    return ran.stdout


@pytest.mark.parametrize("words", [("describe",), ("card", "--plan"), ("card", "mine", "--plan", "--earlier")])
@pytest.mark.parametrize("by_path", [False, True])
def test_a_published_model_has_no_weights_file_to_describe(home, words, by_path):
    folder = home / "weights" / "theirs"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    ran = CliRunner().invoke(app, ["models", *words, str(folder) if by_path else "theirs"])
    assert ran.exit_code == 2
    assert f"{folder} is the folder of a published model; a weights file of foveate is required" in ran.stderr


def test_a_card_is_planned_then_measured_then_written_from_what_is_kept(home, data, tmp_path):
    pytest.importorskip("faster_coco_eval")
    words = ("card", "mine", "--data", data, "--only", "real")
    planned = run(*words, "--plan")
    assert "val.json" in planned
    assert "are left" in planned
    out = run(*words, "--out", tmp_path / "card.md", "--curves", tmp_path / "curves.png", "--fact", "cost=none")
    assert "1/1 real val.json" in out
    page, card = (tmp_path / "card.md").read_text(), json.loads((home / "cards" / "mine.json").read_text())
    assert page.startswith("# mine\n")
    assert "| cost | none |" in page
    assert "(curves.png)" in page
    assert card["rows"]["real"]["val.json"]["classes"]["person"]["n"] == 2
    kept = run(*words, "--earlier", "mine")
    assert "1/1" not in kept
    assert "In brackets AP50 of `mine`" in (home / "cards" / "mine.md").read_text()
    assert "1/1" not in run(*words, "--again", "latency")
    run(*words, "--again", "real", "--plan")
    assert "1/1" not in run(*words), "a plan deletes nothing"
    assert "1/1" in run(*words, "--again", "real")
    assert "In brackets" not in (home / "cards" / "mine.md").read_text()


def test_a_card_shows_what_is_kept_of_groups_that_are_not_measured_now(home, data, monkeypatch):
    pytest.importorskip("faster_coco_eval")
    monkeypatch.setattr(parts, "measure_latency", lambda *_: {"rows": []})
    monkeypatch.setattr(page, "_latency", lambda _: ["spans"])
    run("card", "mine", "--data", data, "--only", "real")
    first = json.loads((home / "cards" / "mine.json").read_text())
    assert "latency one frame: not measured yet" in first["absent"]
    run("card", "mine", "--data", data, "--only", "latency", "--again", "real")
    second = json.loads((home / "cards" / "mine.json").read_text())
    assert second["rows"]["real"] == first["rows"]["real"]
    assert "latency" in second["rows"]
    assert "val.json" in (home / "cards" / "mine.md").read_text()


def test_facts_and_a_threshold_are_written_into_a_weights_file(home):
    path = home / "weights" / "mine.safetensors"
    before = load_detector("mine").state_dict()
    assert "mine.safetensors" in run("describe", "mine", "--fact", "data=a=b", "--score", "0.25")
    card = read_card(path)
    assert (card["data"], card["terms"], card["score_threshold"]) == ("a=b", "Apache-2.0", 0.25)
    after = load_detector("mine")
    assert after.score_threshold == 0.25
    assert all((value == before[key]).all() for key, value in after.state_dict().items())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("describe", "nobody"), "no model or weights file named 'nobody'"),
        (("describe", "mine", "--fact", "data"), "a fact is NAME=TEXT, got 'data'"),
        (("card", "mine", "--only", "speed"), "a card has the groups latency"),
        (("card", "nobody"), "no model or weights file named 'nobody'"),
    ],
)
def test_wrong_words_are_explained(home, data, words, message):
    ran = CliRunner().invoke(app, ["models", *words])
    assert ran.exit_code == 2 or isinstance(ran.exception, InputError)
    assert message in ran.output + str(ran.exception)
