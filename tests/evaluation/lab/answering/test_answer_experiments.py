"""Whole experiments on answering policies, with tiny clips and fake models."""

import csv
import re
from dataclasses import replace
from functools import partial
from io import StringIO

import msgspec
import pytest
from rich.console import Console

import foveate.evaluation.lab.answering.compare as compare_module
from foveate.codec import VideoReader
from foveate.core import FoveateError, ImportanceWish, InputError, MediaError, PairTimes
from foveate.device import AnswerRules
from foveate.estimators import write_profile
from foveate.evaluation.lab import Uplink, Video
from foveate.evaluation.lab.answering import (
    AnswerContender,
    AnswerExperiment,
    Pair,
    compare_answers,
    plan_answers,
    report_answers,
)
from foveate.evaluation.lab.answering.cell import answer_cells
from foveate.evaluation.lab.answering.standings import answer_tables
from foveate.evaluation.lab.prepare import announced, clip_facts, counted
from foveate.evaluation.lab.workers import attempt
from foveate.server import welcome_of
from foveate.testing import write_clip
from foveate.testing.detectors_by_name import fake_model
from foveate.testing.glances import fake_device_model
from foveate.testing.profiles import class_profile, round_profile
from foveate.testing.truths import write_square_truth


class Here:
    """Tasks in this process, one after the other."""

    count = 1

    def run(self, tasks):
        for index, task in enumerate(tasks):
            yield attempt(index, task)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answers")
    clip = write_clip(folder / "clip.mp4", frames=24)
    write_square_truth(clip.with_suffix(".json"), frames=24)
    for name, mbps in (("fast", 8.0), ("slow", 0.3)):
        (folder / f"{name}.csv").write_text(f"t_s,uplink_mbps,rtt_ms\n0,{mbps},20\n100,{mbps},20\n")
    write_profile(round_profile(classes=class_profile()), folder / "classes.json")
    return folder


@pytest.fixture
def experiment(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(folder / "home"))
    return partial(
        AnswerExperiment,
        name="tiny",
        question="Which one?",
        expected="Nobody knows.",
        videos=(Video(path=folder / "clip.mp4", model="fake", kind="rendered"),),
        uplinks=(Uplink(path=folder / "fast.csv"),),
        contenders=(
            AnswerContender(label="hyperion", policy="hyperion"),
            AnswerContender(label="device", policy="device-only"),
            AnswerContender(label="V3", policy="hyperion:ensemble=false", ablation=True),
        ),
        pairs=(Pair(times=PairTimes(look_s=0.1, cloud_s=0.05)),),
        profile=str(folder / "classes.json"),
        seconds=1.0,
        offsets=1,
    )


def test_frames_of_a_clip_that_does_not_say_how_many_it_has_are_counted(folder, monkeypatch):
    """Or a cell would play its first frame over and over."""
    monkeypatch.setattr(VideoReader, "_count", lambda self: None)
    assert announced(folder / "clip.mp4").frames == 24


@pytest.mark.parametrize("look_into", [announced, clip_facts])
def test_truth_for_frames_of_another_size_is_found_out_before_cells_run(tmp_path, monkeypatch, look_into):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    clip = write_clip(tmp_path / "clip.mp4", frames=3)
    write_square_truth(tmp_path / "clip.json", frames=3, size=(256, 384))
    with pytest.raises(MediaError, match="its boxes are for frames of 256 x 384"):
        look_into(clip)


def go(experiment, out, load_device=fake_device_model):
    text = StringIO()
    console = Console(file=text, width=200)
    return compare_answers(
        experiment, out, load=fake_model, load_device=load_device, workers=Here(), console=console
    ), text.getvalue()


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_cells_become_tables_and_a_report(experiment, tmp_path):
    comparison, said = go(experiment(), tmp_path)
    assert "3 cells, 0 of them finished" in said
    assert not comparison.failures
    (table,) = report_answers(comparison, tmp_path, console=Console(file=StringIO()))
    assert [standing.contender for standing in table.standings] == ["hyperion", "device", "V3"]
    assert (table.kind, table.reference, table.videos) == ("rendered", "exact", 1)
    text = (tmp_path / "report.md").read_text()
    assert "## rendered clips, against exact truth: deadline 400 ms" in text
    assert "Who wins where" in text
    page = (tmp_path / "report.html").read_text()
    assert "answers best on the one rendered clip, too little to rank anything" in page
    assert page.index("Verdict ·") < page.index("Where the numbers come from") < page.index("<table")
    assert "Simulated on virtual time" in page
    assert "<b>3</b> of 3 cells" in page
    assert not re.search(r"src=|https?://(?!www\.w3\.org/)|<script|>nan<|None", page)
    for name in ("accuracy-rendered", "speed-rendered"):
        assert f'<figure id="{name}">' in page
        assert (tmp_path / "figures" / f"{name}.png").is_file()
    cells = rows(tmp_path / "cells.csv")
    assert {row["contender"] for row in cells} == {"hyperion", "device", "V3"}
    assert all(0 < float(row["ap50_per_frame_exact"]) <= 1 for row in cells)
    answers = rows(tmp_path / "answers.csv")
    assert len(answers) == sum(int(row["answers"]) for row in cells)
    assert len(rows(tmp_path / "tables.csv")) == 3
    sent = [row for row in answers if row["contender"] == "hyperion" and row["expected_bytes"] and int(row["bytes"])]
    larger = [int(row["bytes"]) > int(row["expected_bytes"]) for row in sent]
    above = [standing.above_expected for standing in table.standings[:2]]
    assert above == [sum(larger) / len(larger), None], "over all frames sent; the device alone predicts nothing"


def test_finished_cells_are_not_computed_again(experiment, tmp_path, monkeypatch):
    first, _ = go(experiment(), tmp_path)

    def refuses(*arguments):
        raise AssertionError("finished")

    monkeypatch.setattr(compare_module, "run_answer_cell", refuses)
    again, said = go(experiment(), tmp_path)
    assert "3 of them finished" in said
    assert [cell.result for _, _, cell in again.cells] == [cell.result for _, _, cell in first.cells]


def test_a_cell_depends_on_all_that_is_varied(experiment, folder, tmp_path):
    varied = experiment(
        contenders=(AnswerContender(label="hyperion", policy="hyperion"),),
        uplinks=(Uplink(path=folder / "fast.csv"), Uplink(path=folder / "slow.csv")),
        rules=(AnswerRules(), AnswerRules(late="kept"), AnswerRules(deadline_s=0.3)),
        pairs=(Pair(times=PairTimes()), Pair(times=PairTimes(cloud_s=0.4))),
        transports=("ideal", "tcp"),
        offsets=2,
    )
    comparison, _ = go(varied, tmp_path)
    assert comparison.wanted == len({cell.cell.key for _, _, cell in comparison.cells}) == 5 * 2 * 2
    conditions = [table.condition.label for table in answer_tables(comparison)]
    assert len(conditions) == len(set(conditions)) == 5
    report_answers(comparison, tmp_path, console=Console(file=StringIO()))
    assert '<figure id="deadlines-rendered">' in (tmp_path / "report.html").read_text()


def test_ablations_stand_in_the_main_table_alone(experiment, tmp_path):
    comparison, _ = go(experiment(rules=(AnswerRules(), AnswerRules(late="kept"))), tmp_path)
    first, second = answer_tables(comparison)
    assert len(first.standings) == 3
    assert len(second.standings) == 2


def test_a_cell_that_fails_is_told_and_the_others_stand(experiment, tmp_path):
    contenders = (
        AnswerContender(label="cloud", policy="cloud-only"),
        AnswerContender(label="bad", policy="hyperion-mixed:beta=4"),
    )

    class Broken(type(fake_device_model("x"))):
        def __call__(self, pixels, layers, /):
            if layers is not None:
                raise FoveateError("no importance today")
            return super().__call__(pixels, layers)

    comparison, said = go(experiment(contenders=contenders, seconds=0.5), tmp_path, load_device=Broken)
    assert "no importance today" in said
    assert [contender.label for contender, _, _ in comparison.cells] == ["cloud"]
    assert (tmp_path / "failures.json").is_file()


def test_differences_are_taken_over_shared_cells_and_few_samples_have_no_interval(experiment, tmp_path):
    comparison, _ = go(experiment(), tmp_path)
    (table,) = answer_tables(comparison)
    difference = table.differences["device"]
    scores = {s.contender: s.intervals["per_frame"].value for s in table.standings}
    assert difference.mean.value == pytest.approx(scores["hyperion"] - scores["device"])
    assert not difference.enough
    report_answers(comparison, tmp_path, console=Console(file=StringIO()))
    assert " to " not in (tmp_path / "report.md").read_text().split("Who wins")[0].split("## rendered")[1]


def test_intervals_of_one_clip_are_over_recordings(experiment, folder, tmp_path):
    for number, mbps in enumerate((8.0, 4.0, 2.0)):
        (folder / f"link-{number}.csv").write_text(f"t_s,uplink_mbps,rtt_ms\n0,{mbps},20\n100,{mbps},20\n")
    uplinks = tuple(Uplink(path=folder / f"link-{number}.csv") for number in range(3))
    device = (AnswerContender(label="device", policy="device-only"),)
    comparison, _ = go(experiment(uplinks=uplinks, contenders=device, seconds=0.2), tmp_path)
    report_answers(comparison, tmp_path, console=Console(file=StringIO()))
    (row,) = (line for line in (tmp_path / "report.md").read_text().splitlines() if line.startswith("| device |"))
    assert " to " in row


@pytest.mark.parametrize("told", [2, 23, 25, 69])
def test_cells_play_the_frames_that_a_clip_has_whatever_it_announces(experiment, tmp_path, monkeypatch, told):
    monkeypatch.setattr(VideoReader, "_count", lambda reader: told)
    comparison, _ = go(experiment(contenders=(AnswerContender(label="device", policy="device-only"),)), tmp_path)
    assert not comparison.failures
    assert [stored.cell.clip.frames for _, _, stored in comparison.cells] == [24]


def test_frames_that_cells_do_not_play_are_not_counted(folder, monkeypatch):
    assert [counted(folder / "clip.mp4", seconds).frames for seconds in (0.1, 60.0)] == [24, 24]
    monkeypatch.setattr(VideoReader, "_count", lambda reader: 1000)
    assert [counted(folder / "clip.mp4", seconds).frames for seconds in (0.1, 60.0)] == [1000, 24]


def test_a_plan_counts_what_is_left(experiment, tmp_path):
    before = plan_answers(experiment(), tmp_path, load=fake_model, workers=1)
    assert (before.cells, before.finished) == (3, 0)
    assert before.looks > before.offloads > 0
    go(experiment(), tmp_path)
    after = plan_answers(experiment(), tmp_path, load=fake_model, workers=1)
    assert (after.finished, after.looks, after.hours) == (3, 0, 0)


@pytest.mark.parametrize("pipelined", [False, True])
def test_a_plan_is_an_upper_bound(experiment, tmp_path, pipelined):
    contender = AnswerContender(label="hyperion", policy="hyperion")
    one = experiment(contenders=(contender,), focus="hyperion", rules=(AnswerRules(pipelined=pipelined),))
    plan = plan_answers(one, tmp_path, load=fake_model, workers=1)
    comparison, _ = go(one, tmp_path)
    (figures,) = (stored.result.figures for _, _, stored in comparison.cells)
    assert figures["answers"] <= plan.looks
    assert figures["offloads"] <= plan.offloads


def test_a_profile_of_other_classes_than_a_contender_makes_is_told_before_any_cell(experiment, folder, tmp_path):
    other = replace(class_profile(), importance=ImportanceWish(layers="first"))
    write_profile(round_profile(classes=other), tmp_path / "other.json")
    asked = experiment(profile=str(tmp_path / "other.json"))
    for begin in (go, partial(plan_answers, load=fake_model, workers=1)):
        with pytest.raises(InputError, match=r"hyperion makes classes by .*layers=last.*layers=first"):
            begin(asked, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_video_that_is_not_there_is_named(experiment, folder, tmp_path):
    absent = Video(path=folder / "absent.mp4", model="fake", kind="real")
    plan = plan_answers(experiment(videos=(absent,)), tmp_path, load=fake_model, workers=1)
    assert "absent.mp4" in plan.missing[0]
    with pytest.raises(FoveateError, match=r"absent\.mp4"):
        go(experiment(videos=(absent,)), tmp_path)


@pytest.mark.parametrize("wrong", [{"contenders": ()}, {"focus": "nobody"}, {"seconds": 0}, {"offsets": 0}])
def test_experiments_that_cannot_be_are_refused(experiment, wrong):
    with pytest.raises(InputError):
        experiment(**wrong)


def test_a_contender_needs_an_answering_policy():
    with pytest.raises(InputError, match="unknown policy"):
        AnswerContender(label="x", policy="vitmalis")


def test_a_clip_without_truth_is_named(experiment, folder, tmp_path):
    video = Video(path=folder / "clip.mp4", model="fake", kind="real")  # real clips are scored by pseudo boxes
    device = (AnswerContender(label="device", policy="device-only"),)
    comparison, _ = go(experiment(videos=(video,), contenders=device, seconds=0.2), tmp_path)
    assert report_answers(comparison, tmp_path, console=Console(file=StringIO())) == []
    assert "Nothing can be ranked yet" in (tmp_path / "report.html").read_text()
    assert (
        "Not in the tables, for no truth covers frames that were answered: clip."
        in (tmp_path / "report.md").read_text()
    )


def test_who_wins_is_told_over_cells_that_all_have(experiment, tmp_path):
    """As long as not all are finished: a contender that lacks the hard cells must not win by that."""
    contenders = (AnswerContender(label="one", policy="device-only"), AnswerContender(label="two", policy="cloud-only"))
    comparison, _ = go(experiment(contenders=contenders, seconds=0.2, offsets=2), tmp_path)
    scores = {("one", 0): 0.6, ("two", 0): 0.7, ("two", 1): 0.1}

    def scored(entry):
        contender, condition, stored = entry
        value = scores[contender.label, stored.cell.offset_number]
        figures = {**stored.result.figures, "ap50_per_frame_exact": value}
        return contender, condition, msgspec.structs.replace(stored, result=replace(stored.result, figures=figures))

    there = [e for e in comparison.cells if (e[0].label, e[2].cell.offset_number) in scores]
    partly = replace(comparison, cells=[scored(entry) for entry in there])
    (table,) = answer_tables(partly)
    assert (table.winner, table.common) == ("two", 1)
    report_answers(partly, tmp_path, console=Console(file=StringIO()))
    assert (
        "Means are over other cells for other contenders; all have 1 in common" in (tmp_path / "report.md").read_text()
    )


def test_a_contender_brings_its_own_networks_and_one_that_is_not_there_costs_its_cells_alone(experiment, tmp_path):
    own = experiment(
        contenders=(
            AnswerContender(label="ours", policy="cloud-only"),
            AnswerContender(label="theirs", policy="cloud-only", models={"fake": "other", "unused": "x"}),
        ),
        device_model="small",
    )
    video = own.videos[0]
    assert [own.models_of(contender, video) for contender in own.contenders] == [("fake", "small"), ("other", "small")]
    assert compare_module.model_names(own) == ["fake", "small", "other"]
    clips, models = {video.path: announced(video.path)}, {n: welcome_of(fake_model(n)) for n in ("fake", "small")}
    (cell,) = [cell for _, _, cell in answer_cells(own, clips, models)]
    assert (cell.model.name, cell.device_model.name) == ("fake", "small")
    models["other"] = welcome_of(fake_model("other"))
    _, theirs = [cell for _, _, cell in answer_cells(own, clips, models)]
    assert (theirs.model.name, theirs.device_model.name) == ("other", "small")


def test_a_contender_for_rendered_clips_is_not_tried_on_real_ones(experiment, folder):
    theirs = AnswerContender(label="theirs", policy="cloud-only", models={"fake": "other"}, kinds=("rendered",))
    both = experiment(contenders=(AnswerContender(label="ours", policy="cloud-only"), theirs))
    real = replace(both, videos=(replace(both.videos[0], kind="real"),))
    clips = {both.videos[0].path: announced(both.videos[0].path)}
    models = {name: welcome_of(fake_model(name)) for name in ("fake", "other")}
    assert [one.label for one, _, _ in answer_cells(both, clips, models)] == ["ours", "theirs"]
    assert [one.label for one, _, _ in answer_cells(real, clips, models)] == ["ours"]
    assert compare_module.model_names(real) == ["fake"]


def test_a_network_that_is_not_installed_is_named_and_the_others_stand(experiment, tmp_path):
    theirs = AnswerContender(label="theirs", policy="cloud-only", models={"fake": "absent"})
    both = experiment(contenders=(AnswerContender(label="ours", policy="cloud-only"), theirs), seconds=0.2)

    def load(name):
        if name == "absent":
            raise InputError("no model named 'absent'")
        return fake_model(name)

    console = Console(file=StringIO(), width=200)
    comparison = compare_answers(
        both, tmp_path, load=load, load_device=fake_device_model, workers=Here(), console=console
    )
    assert [one.label for one, _, _ in comparison.cells] == ["ours"]
    assert "failed: model absent: no model named 'absent'" in console.file.getvalue()
