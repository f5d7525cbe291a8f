"""Whole experiments on tiny clips and a fake detector."""

import csv
import json
import math
import time
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

import foveate.evaluation.lab.compare as compare_module
from foveate.core import Detections, FoveateError, InputError
from foveate.evaluation import RunSettings, run_job
from foveate.evaluation.lab import Contender, Uplink, Video, compare_job, plan_of, report_job
from foveate.evaluation.lab.workers import LocalWorkers, attempt
from foveate.metrics import AnnotatedImage, Truth, write_coco
from foveate.network import UplinkTrace
from foveate.testing import FakeDetector
from foveate.testing.detectors_by_name import fake_model
from foveate.testing.videos import SIDE


class Here:
    """Tasks in this process, one after the other."""

    count = 1

    def __init__(self):
        self.calls = []

    def run(self, tasks):
        for index, task in enumerate(tasks):
            self.calls.append(task.call.__name__)
            yield attempt(index, task)


def go(experiment, out, *, workers=None, load=fake_model, deadline=math.inf):
    text = StringIO()
    comparison = compare_job(
        experiment,
        out,
        load=load,
        workers=Here() if workers is None else workers,
        console=Console(file=text, width=200),
        deadline=deadline,
    )
    return comparison, text.getvalue()


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def exact_clip(source, path, frames):
    """A copy of the clip with exact truth beside it."""
    path.write_bytes(source.read_bytes())
    images = []
    for index in range(frames):
        boxes = [
            (left, 16 + 64 * row, left + SIDE, 16 + 64 * row + SIDE)
            for row, left in enumerate((8 + 40 * row + 2 * index) % (192 - SIDE) for row in range(2))
        ]
        objects = Detections(boxes=boxes, scores=[1, 1], class_id=[0, 1], class_names=("person", "car"))
        images.append(
            AnnotatedImage(
                file_name=path.name, size=(128, 192), truth=Truth(detections=objects, track_ids=[1, 2]), frame=index
            )
        )
    write_coco(path.with_suffix(".json"), images)
    return path


def test_cells_become_rows_of_every_table(experiment, tmp_path):
    comparison, text = go(experiment(offsets=2), tmp_path)
    assert "4 cells, 0 of them finished before" in text
    assert not comparison.failures
    verdicts = report_job(comparison, tmp_path, console=Console(file=StringIO()))
    cells, frames, offloads = (rows(tmp_path / f"{name}.csv") for name in ("cells", "frames", "offloads"))
    assert [row["contender"] for row in cells] == ["Back2Back", "TrackB2B"] * 2
    assert len(frames) == 4 * 30
    assert len(offloads) == sum(int(row["offloads"]) for row in cells)
    assert {row["cell"] for row in frames} == {row["cell"] for row in cells}
    assert sum(int(row["count"]) for row in rows(tmp_path / "choices.csv") if row["part"] == "type") == len(offloads)
    assert [verdict.kind for verdict in verdicts] == ["real"]
    told = json.loads((tmp_path / "verdict.json").read_text())
    assert told["verdicts"][0]["rankings"][0]["reference"] == "model"


def test_figures_of_a_cell_are_those_of_its_rows_and_of_a_run_of_the_same(experiment, inputs, tmp_path):
    """The same clip, trace, offset and seed by `foveate run`, which scores by other code."""
    comparison, _ = go(experiment(seconds=24 / 30), tmp_path)
    for contender, stored in comparison.cells:
        run = run_job(
            RunSettings(
                video=inputs / "clip0.mp4",
                trace=inputs / "fast.csv",
                trace_offset_s=stored.cell.offset_s,
                policy=contender.policy,
                model="fake",
                simulate=True,
                profile=str(inputs / "round.json"),
                with_video=False,
                seed=0,
                out=tmp_path / contender.label,
            ),
            load=FakeDetectorOfCells,
            console=Console(quiet=True),
        )
        figures = stored.result.figures
        assert figures["rendering_f1_model"] == run["rendering_f1"]
        assert figures["inference_f1_model"] == run["inference_f1"]
        assert figures["e2e_latency_s_p50"] == pytest.approx(run["e2e_latency_s"]["p50"])
        assert figures["staleness_s_mean"] == pytest.approx(run["staleness_s"]["mean"])
        assert (figures["offloads"], figures["frames"]) == (run["offloads"], run["frames"])


def FakeDetectorOfCells():  # noqa: N802  # stands for a class
    return FakeDetector(name="fake")


def test_a_second_run_redoes_nothing_and_says_the_same(experiment, tmp_path):
    first, _ = go(experiment(), tmp_path)
    workers = Here()
    second, text = go(experiment(), tmp_path, workers=workers)
    assert "2 cells, 2 of them finished before" in text
    assert not {"run_cell", "compute_answers"} & set(workers.calls)
    assert second.cells == first.cells


@pytest.mark.parametrize("damaged", [b"", b"{", b'{"cell": "\xff"}'])
def test_a_damaged_cell_is_computed_again(experiment, tmp_path, damaged):
    """As a full disk or a copy that was cut short leaves it; it must not be missing from the tables for ever."""
    first, _ = go(experiment(), tmp_path)
    (tmp_path / "cells" / f"{first.cells[0][1].cell.key}.json").write_bytes(damaged)
    second, text = go(experiment(), tmp_path)
    assert "2 cells, 1 of them finished before" in text
    assert [stored.result for _, stored in second.cells] == [
        replace(stored.result, computed=0) for _, stored in first.cells
    ]


def test_more_cells_leave_the_finished_ones_alone(experiment, tmp_path):
    go(experiment(), tmp_path)
    workers = Here()
    comparison, text = go(experiment(offsets=3), tmp_path, workers=workers)
    assert "6 cells, 2 of them finished before" in text
    assert workers.calls.count("run_cell") == 4
    assert len(comparison.cells) == 6


def test_an_experiment_that_was_stopped_goes_on_where_it_was(experiment, tmp_path):
    class Stopping(Here):
        def run(self, tasks):
            for done in super().run(tasks):
                if self.calls.count("run_cell") == 3:
                    raise KeyboardInterrupt
                yield done

    with pytest.raises(KeyboardInterrupt):
        go(experiment(offsets=2), tmp_path, workers=Stopping())
    _, text = go(experiment(offsets=2), tmp_path)
    assert "4 cells, 2 of them finished before" in text


def test_nothing_is_begun_from_the_deadline_on(experiment, tmp_path):
    class Slow(Here):
        def run(self, tasks):
            for done in super().run(tasks):
                if self.calls.count("run_cell") == 1:
                    time.sleep(max(0.0, deadline - time.monotonic()))
                yield done

    deadline = time.monotonic() + 5
    comparison, _ = go(experiment(offsets=2), tmp_path, workers=Slow(), deadline=deadline)
    assert (len(comparison.cells), comparison.computed_cells, comparison.wanted_cells) == (1, 1, 4)
    text = StringIO()
    report_job(comparison, tmp_path, console=Console(file=text, width=200))
    assert "1 of 4 cells are finished: the same command goes on" in text.getvalue()
    workers = Here()
    again, _ = go(experiment(offsets=2), tmp_path, workers=workers, deadline=time.monotonic())
    assert again.cells == comparison.cells
    assert not {"run_cell", "compute_answers"} & set(workers.calls)


def test_cells_come_in_rounds_of_one_start_in_one_trace(experiment, inputs, tmp_path):
    there = experiment().videos[0]
    second = Video(path=inputs / "second.mp4", model="fake", kind="real")
    second.path.write_bytes(there.path.read_bytes())
    comparison, _ = go(experiment(videos=(there, second), offsets=2), tmp_path)
    cells = [stored.cell for _, stored in comparison.cells]
    assert [cell.offset_number for cell in cells] == [0] * 4 + [1] * 4
    assert [cell.clip.name for cell in cells] == [*["clip0"] * 2, *["second"] * 2] * 2
    assert [cell.policy for cell in cells] == ["back2back", "track-b2b"] * 4


def test_a_cell_that_fails_is_reported_and_the_rest_goes_on(experiment, tmp_path, monkeypatch):
    whole = compare_module.run_cell

    def run_cell(cell, load):
        if cell.policy == "track-b2b":
            raise InputError("this one is broken")
        return whole(cell, load)

    monkeypatch.setattr(compare_module, "run_cell", run_cell)
    comparison, text = go(experiment(), tmp_path)
    assert [contender.label for contender, _ in comparison.cells] == ["Back2Back"]
    assert "failed: track-b2b on clip0" in text
    told = json.loads((tmp_path / "failures.json").read_text())
    assert told[0]["problem"] == "this one is broken"
    assert "Traceback" in told[0]["traceback"]
    monkeypatch.undo()
    comparison, text = go(experiment(), tmp_path)
    assert "2 cells, 1 of them finished before" in text
    assert len(comparison.cells) == 2
    assert not (tmp_path / "failures.json").exists()


def test_a_clip_that_is_missing_costs_its_own_cells(experiment, inputs, tmp_path):
    there = experiment().videos[0]
    absent = Video(path=inputs / "absent.mp4", model="fake", kind="real")
    comparison, text = go(experiment(videos=(absent, there)), tmp_path)
    assert "absent.mp4" in text
    assert {stored.cell.clip.name for _, stored in comparison.cells} == {"clip0"}
    with pytest.raises(FoveateError, match=r"has no cell that could run: .*absent"):
        go(experiment(videos=(absent,)), tmp_path)


def test_processes_give_the_rows_of_a_single_one(experiment, tmp_path, monkeypatch):
    one, _ = go(experiment(offsets=2), tmp_path / "one")
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))  # nothing is cached there
    with LocalWorkers(2) as workers:
        two, _ = go(experiment(offsets=2), tmp_path / "two", workers=workers)
    assert [stored.cell for _, stored in two.cells] == [stored.cell for _, stored in one.cells]
    for (_, ours), (_, theirs) in zip(one.cells, two.cells, strict=True):
        assert ours.result.frames == theirs.result.frames
        assert ours.result.offloads == theirs.result.offloads
        assert ours.result.figures == theirs.result.figures


def test_rendered_clips_are_scored_against_exact_truth_too(experiment, inputs, tmp_path):
    path = exact_clip(inputs / "clip0.mp4", tmp_path / "exact.mp4", 24)
    rendered = experiment(videos=(Video(path=path, model="fake", kind="rendered"),))
    comparison, _ = go(rendered, tmp_path / "out")
    figures = comparison.cells[0][1].result.figures
    assert figures["rendering_f1_exact"] == pytest.approx(figures["rendering_f1_model"], abs=0.05)
    assert (figures["new_objects"], figures["objects_shown"]) == (0, 2 * 30)
    assert {entry["property"] for entry in comparison.cells[0][1].result.objects} == {"age", "speed", "size"}
    quality = comparison.quality["exact"]
    assert quality.ceiling_exact == 1
    assert quality.flicker == pytest.approx(quality.motion, abs=0.01)
    verdicts = report_job(comparison, tmp_path / "out", console=Console(quiet=True))
    assert [ranking.reference for ranking in verdicts[0].rankings] == ["exact", "model"]


def test_truth_of_frames_that_are_not_played_is_no_reference(experiment, inputs, tmp_path):
    path = exact_clip(inputs / "clip0.mp4", tmp_path / "late.mp4", 24)
    content = json.loads(path.with_suffix(".json").read_text())
    for image in content["images"]:
        image["frame"] += 100
    path.with_suffix(".json").write_text(json.dumps(content))
    comparison, _ = go(experiment(videos=(Video(path=path, model="fake", kind="rendered"),)), tmp_path / "out")
    assert "rendering_f1_exact" not in comparison.cells[0][1].result.figures
    assert comparison.quality["late"].ceiling_exact is None
    verdicts = report_job(comparison, tmp_path / "out", console=Console(quiet=True))
    assert [ranking.reference for ranking in verdicts[0].rankings] == ["model"]


def test_agreement_with_pseudo_boxes_counts_only_the_sure_ones(experiment, inputs, tmp_path):
    path = exact_clip(inputs / "clip0.mp4", tmp_path / "pseudo.mp4", 24)
    path.with_suffix(".json").rename(path.with_suffix(".pseudo.json"))
    content = json.loads(path.with_suffix(".pseudo.json").read_text())
    for entry in content["annotations"]:
        entry["score"] = 0.9 if entry["category_id"] == 1 else 0.3
    path.with_suffix(".pseudo.json").write_text(json.dumps(content))
    comparison, _ = go(experiment(videos=(Video(path=path, model="fake", kind="real"),)), tmp_path / "out")
    # Cars are all below the threshold: each one shown is a false alarm.
    assert comparison.quality["pseudo"].agreement_pseudo == pytest.approx(2 / 3)


def test_the_common_start_is_the_first_result_of_the_slowest(experiment, inputs, tmp_path):
    slow = experiment(
        uplinks=(Uplink(path=inputs / "slow.csv"),),
        contenders=(
            Contender(label="fast", policy="fixed:beta=4,quality=1"),
            Contender(label="slow", policy="fixed:beta=4,quality=100"),
        ),
    )
    comparison, _ = go(slow, tmp_path)
    report_job(comparison, tmp_path, console=Console(quiet=True))
    firsts = {c.label: s.result.figures["first_result_frame"] for c, s in comparison.cells}
    cells = rows(tmp_path / "cells.csv")
    assert firsts["fast"] <= firsts["slow"]
    assert {int(row["common_start_frame"]) for row in cells} == {firsts["slow"]}
    frames = [r for r in rows(tmp_path / "frames.csv") if r["contender"] == "slow"]
    late = [r for r in frames if int(r["frame"]) >= firsts["slow"]]
    tp, fp, fn = (sum(int(r[f"{kind}_model"]) for r in late) for kind in ("tp", "fp", "fn"))
    told = next(float(row["rendering_f1_model_after_start"]) for row in cells if row["contender"] == "slow")
    assert told == pytest.approx(2 * tp / (2 * tp + fp + fn), abs=1e-6)


def test_a_plan_counts_and_computes_nothing(experiment, tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    asked = experiment(offsets=2)
    plan = plan_of(asked, tmp_path, load=fake_model, workers=2)
    assert (plan.cells, plan.finished, plan.frames, plan.answers) == (4, 0, 120, 24)
    assert 0 < plan.offloads <= 4 * 30
    assert not list(tmp_path.iterdir())
    go(asked, tmp_path)
    after = plan_of(asked, tmp_path, load=fake_model, workers=2)
    assert (after.cells, after.finished, after.frames, after.answers, after.offloads) == (4, 4, 0, 0, 0)
    assert after.hours == 0
    assert after.pace.measured


def test_a_plan_reads_each_trace_as_often_for_many_cells_as_for_few(experiment, tmp_path, monkeypatch):
    read, load = [], UplinkTrace.load
    monkeypatch.setattr(UplinkTrace, "load", lambda path, **given: read.append(path) or load(path, **given))
    few, many = (plan_of(experiment(offsets=n), tmp_path, load=fake_model, workers=1) for n in (1, 9))
    assert many.cells == 9 * few.cells
    assert len(read) == 4 * len(experiment().uplinks)


def test_a_plan_counts_all_that_an_oracle_tries(experiment, tmp_path):
    plans = {
        policy: plan_of(
            experiment(contenders=(Contender(label="one", policy=policy),)), tmp_path, load=fake_model, workers=1
        ).offloads
        for policy in ("vitmalis", "oracle", "oracle:every=true", "oracle:content=device")
    }
    once = plans["vitmalis"]
    assert plans == {
        "vitmalis": once,
        "oracle": 10 * once,
        "oracle:every=true": 77 * once,
        "oracle:content=device": once,
    }


def test_an_oracle_is_a_contender_like_any_other(experiment, tmp_path):
    asked = experiment(contenders=(Contender(label="oracle", policy="oracle"),))
    comparison, _ = go(asked, tmp_path)
    assert not comparison.failures
    assert comparison.cells[0][1].result.figures["rendering_f1_model"] > 0


def test_a_plan_names_what_is_missing(experiment, inputs, tmp_path):
    absent = Video(path=inputs / "absent.mp4", model="fake", kind="real")
    plan = plan_of(experiment(videos=(absent, *experiment().videos)), tmp_path, load=fake_model, workers=1)
    assert plan.cells == 2
    assert "absent.mp4" in plan.missing[0]
