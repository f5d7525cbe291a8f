import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from foveate.evaluation.cards import CardJob, Outcome, Part, Store, find_parts, find_sets, make_card, parts_for
from foveate.evaluation.cards import parts as parts_file
from foveate.evaluation.cards.page import card_page
from foveate.models import (
    ConvDetector,
    ConvDetectorConfig,
    content_digest,
    describe_weights,
    load_detector,
    save_detector,
)
from foveate.testing import write_clip

pytest.importorskip("faster_coco_eval")


def silent(_name: str, _steps: int) -> Callable[[int], None]:
    return lambda _done: None


@pytest.fixture
def job(data: Path, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CardJob:
    monkeypatch.setattr(parts_file, "REAL_SIZE", (128, 192))
    monkeypatch.setattr(parts_file, "REAL_PICTURES", 2)
    path = tmp_path / "mine.safetensors"
    shutil.copy(tiny_weights, path)
    found = find_parts(find_sets(data), write_clip(tmp_path / "sample.mp4", frames=1))
    kept = [part for part in found if part.group != "latency"]
    assert [(part.group, part.steps) for part in kept] == [("real", 4), ("restoration", 2)]
    return CardJob(path=path, parts=kept, store=Store.at_home())


@pytest.fixture
def conv_weights(tmp_path: Path) -> Path:
    path = tmp_path / "conv.safetensors"
    config = ConvDetectorConfig(
        channels=(8, 8, 16), blocks=(1, 1, 1), strides=(8, 16), pyramid_channels=16, class_names=("person", "car")
    )
    save_detector(ConvDetector(config), path)
    return path


def test_an_interrupted_card_goes_on_and_nothing_is_measured_twice(job: CardJob) -> None:
    told: list[str] = []
    assert not job.measure(silent, told.append, until=0.0)
    assert told[-1] == "2 parts are left; the same command goes on from there"
    assert job.measure(silent, told.append)
    assert not job.missing()
    assert job.measure(silent, pytest.fail)


def test_figures_outlive_new_facts_and_not_a_new_threshold(job: CardJob) -> None:
    assert job.measure(silent, lambda _: None)
    before = content_digest(job.path)
    assert describe_weights(job.path, {"terms": "none"})["terms"] == "none"
    assert content_digest(job.path) == before
    assert not job.missing()
    describe_weights(job.path, {}, score_threshold=0.2)
    assert content_digest(job.path) != before
    assert len(job.missing()) == 2


def test_other_pictures_make_another_part(job: CardJob, data: Path) -> None:
    content = json.loads((data / "detection" / "val.json").read_text())
    content["annotations"].pop()
    (data / "detection" / "val.json").write_text(json.dumps(content))
    again = [part for part in find_parts(find_sets(data), data.parent / "sample.mp4") if part.group == "real"]
    assert again[0].about["pictures"] != job.parts[0].about["pictures"]


def test_a_crowd_of_another_class_makes_another_part(data: Path) -> None:
    clip = write_clip(data.parent / "sample.mp4", frames=1)
    file, names = data / "detection" / "val.json", []
    content = json.loads(file.read_text())
    for category in (1, 2):
        content["annotations"][0] |= {"iscrowd": 1, "category_id": category}
        file.write_text(json.dumps(content))
        parts = find_parts(find_sets(data), clip)
        names.append(next(part.about["pictures"] for part in parts if part.group == "real"))
    assert names[0] != names[1]


def test_a_page_shows_what_was_measured_and_names_what_was_not(job: CardJob) -> None:
    assert "## Accuracy" not in card_page(make_card(Outcome(own=job), {}, []))
    job.measure(silent, lambda _: None)
    card = make_card(Outcome(own=job, earlier=job, plain=job), {"weaknesses": "all"}, ["walk-rain: not rendered"])
    assert json.loads(json.dumps(card)) == card
    page = card_page(card, curves=["curves.png"])
    for text in (
        "# mine",
        "| data | none: random values |",
        "| terms | Apache-2.0 |",
        "| window | 3 in training and use |",
        "**real** pictures:",
        "| val.json, boxes by people | 4 |",
        "(4) [",
        "2 **real** frames",
        "Before mixed-resolution training (`mine`",
        "| 75 % of regions at random |",
        "(curves.png)",
        "Weaknesses: all",
        "Not measured: walk-rain: not rendered.",
    ):
        assert text in page
    assert page.count("beta 2") == 2


def test_a_card_made_on_an_accelerator_names_it(job: CardJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "NVIDIA H200")
    card = make_card(Outcome(own=job), {}, [])
    assert card["machine"].endswith(", NVIDIA H200")
    monkeypatch.undo()
    job.measure(silent, lambda _: None)
    rows = make_card(Outcome(own=job), {}, [])["rows"]
    assert "(wall clock, NVIDIA H200, median over frames)" in card_page(card | {"rows": rows})
    assert "(processor time, median over frames)" in card_page(card | {"rows": rows, "accelerator": None})


def test_a_page_names_the_files_of_clips(job: CardJob, data: Path, rainy: Path) -> None:
    found = find_parts(find_sets(data, frames=2), rainy)
    clips = replace(job, parts=[part for part in found if part.group == "clips"])
    clips.measure(silent, lambda _: None)
    digest = hashlib.sha256(rainy.read_bytes()).hexdigest()[:16]
    page = card_page(make_card(Outcome(own=clips), {}, []))
    assert f"Files, by the first digits of SHA-256: walk-rain {digest}." in page


def test_means_over_the_moving_scenarios_count_those_that_have_the_class(job: CardJob) -> None:
    card = make_card(Outcome(own=job), {}, [])
    figures: dict[str, Any] = {"images": 1, "ap": 0.5, "ap50": 0.5, "sizes": {}, "classes": {}}
    person = {"person": {"ap": 0.1, "ap50": 0.25, "n": 3}}
    car = {"car": {"ap": 0.1, "ap50": 0.75, "n": 3}}
    card["rows"] = {
        "clips": {"walk-sunny": figures | {"classes": person | car}, "walk-indoor": figures | {"classes": person}}
    }
    page = card_page(card)
    assert "Mean AP50 of person over 2 of the 5 moving scenarios: **0.250**." in page
    assert "Mean AP50 of car over 1 of the 5 moving scenarios: **0.750**." in page


def test_latency_is_measured_in_turn(tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from foveate.evaluation.cards import latency

    monkeypatch.setattr(latency, "SIZES", {"small": (96, 192)})
    clip = write_clip(tmp_path / "clip.mp4", frames=1)
    figures = latency.measure_latency(load_detector(tiny_weights), latency.first_frame(clip), lambda _: None, rounds=2)
    assert [(row["size"], row["case"]) for row in figures["rows"]] == [
        ("small", "full resolution"),
        *(("small", f"{share} % of the regions low, beta 2") for share in (25, 50, 75)),
    ]
    for row in figures["rows"]:
        middle, low, high = row["wall_ms"]
        assert 0 < low <= middle <= high


def test_spans_below_a_tenth_of_a_second_are_told_to_a_tenth_of_a_millisecond(job: CardJob) -> None:
    row = {"size": "720p", "case": "full", "wall_ms": [5.64, 5.6, 121.0], "processor_ms": [664.2, 657.4, 666.0]}
    card = make_card(Outcome(own=job), {}, [])
    card["rows"] = {"latency": {"one frame": {"rows": [row], "rounds": 9, "load": 1.0}}}
    assert "| 720p | full | 5.6 (5.6-121.0) | 664 (657-666) |" in card_page(card)


def test_a_convolutional_detector_is_not_measured_at_mixed_resolution(
    conv_weights: Path, job: CardJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foveate.evaluation.cards import latency

    assert [part.group for part in parts_for(job.path, job.parts)] == ["real", "restoration"]
    parts = parts_for(conv_weights, job.parts)
    assert [part.group for part in parts] == ["real"]
    card = make_card(Outcome(own=CardJob(path=conv_weights, parts=parts, store=job.store)), {}, [])
    assert not [text for text in card["absent"] if "restoration" in text]
    page = card_page(card)
    assert "Residual stages of 1, 1, 1 blocks, 8, 8, 16 wide" in page
    assert "low regions are enlarged before the first layer" in page
    assert "low regions" not in card_page(make_card(Outcome(own=job), {}, []))
    monkeypatch.setattr(latency, "SIZES", {"small": (96, 192)})
    frame = latency.first_frame(write_clip(tmp_path / "clip.mp4", frames=1))
    figures = latency.measure_latency(load_detector(conv_weights), frame, lambda _: None, rounds=2)
    assert [row["case"] for row in figures["rows"]] == ["full resolution"]


def test_a_page_tells_every_stage_of_a_training_with_its_teacher(job: CardJob) -> None:
    stage = {"trained_on": {"street": {"images": 4, "weight": 1.0}}, "teacher": "big", "steps": 3, "crops": 12}
    stage |= {"minutes": 0.5, "learning_rate": 0.001, "phases": ["1:96x96:4"]}
    page = card_page(make_card(Outcome(own=job), {"stages": [stage, stage | {"teacher": None}]}, []))
    told = "| training | 3 steps, 12 crops, 0.5 minutes, rate 0.001, crops 1:96x96:4; street 4 pictures at 1"
    assert f"{told}; taught by big |\n{told} |\n" in page


def test_a_torn_entry_of_the_store_counts_as_missing(tmp_path: Path) -> None:
    store, key = Store(folder=tmp_path), {"name": "a"}
    assert store.read(key) is None
    store.write(key, {"ap": 0.5})
    assert store.read(key) == {"ap": 0.5}
    (path,) = tmp_path.glob("*.json")
    path.write_text(path.read_text()[:10])
    assert store.read(key) is None


def test_parts_of_other_weights_have_other_keys(job: CardJob) -> None:
    part: Part = job.parts[0]
    assert part.key("a") != part.key("b")
    assert replace(part, name="other").key("a") != part.key("a")
