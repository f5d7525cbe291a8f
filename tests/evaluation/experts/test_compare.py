"""Stopped, taken up again, or left alone: what is finished is kept, and comes out the same."""

import json
import math
import shutil
from dataclasses import replace
from io import StringIO

import msgspec
import pytest
from rich.console import Console

import foveate.evaluation.experts.compare as compare_module
from foveate.core import FoveateError, InputError
from foveate.estimators.power import EDGE_AND_CORE
from foveate.evaluation.experts import cells as cells_module
from foveate.evaluation.experts.cells import expert_cells, map_points
from foveate.evaluation.experts.compare import compare_experts
from foveate.evaluation.experts.experiment import NamedLink
from foveate.evaluation.experts.plan import plan_experts
from foveate.evaluation.experts.report import report_experts
from foveate.evaluation.experts.store import RunStore, StudyStore
from foveate.evaluation.lab.workers import LocalWorkers, ThisProcess
from foveate.network import LinkSettings, UplinkTrace
from foveate.testing.classifiers import coloured_images

TABLES = ("rows.csv", "specialists.csv", "choices.csv", "curves.csv", "pooled.csv", "results.json", "report.html")


class Counting(ThisProcess):
    """Counts the cells that are run, and is stopped after some of them as by Ctrl-C."""

    def __init__(self, most=math.inf):
        self.cells, self._most = 0, most

    def run(self, tasks):
        for done in super().run(tasks):
            if self.cells >= self._most:
                raise KeyboardInterrupt
            self.cells += 1
            yield done


class Clock:
    """Stands still until it is told the time."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture(scope="module", autouse=True)
def short():
    """Two points of the map, and few draws for intervals."""
    points = map_points()[::20]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells_module, "map_points", lambda: points)
        for module in ("intervals", "pooled", "specialists"):
            patch.setattr(f"foveate.evaluation.experts.{module}.DRAWS", 20)
        yield


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    for module in ("experts.compare", "lab.workers"):
        monkeypatch.setattr(f"foveate.evaluation.{module}.time", clock)
    return clock


@pytest.fixture(scope="module")
def two(training):
    """Two trainings of one kind; the second one is the first with experts in another order."""
    other = training.parent.parent / "again" / "seed-1"
    if not other.is_dir():
        shutil.copytree(training, other)
        for kind in ("static", "progressive"):
            first, second = (other / f"{kind}-{number}.safetensors" for number in (0, 1))
            first.rename(other / "kept")
            second.rename(first)
            (other / "kept").rename(second)
    return training, other


@pytest.fixture(scope="module")
def small(experiment, two):
    """Two links of the main table, one variation and two points of the map."""
    traces = [UplinkTrace.constant(rate, 0.04, 10.0) for rate in (5e6, 2e6)]
    links = [NamedLink(group="4g", link=LinkSettings(trace=trace), recording=trace.name) for trace in traces]
    tcp = NamedLink(group="4g", link=LinkSettings(trace=traces[0], transport="tcp"), recording="a", variation="tcp")
    return replace(experiment, models=two, links=(*links, tcp), samples=8)


def go(experiment, out, *, workers=None, deadline=math.inf):
    text = StringIO()
    console = Console(file=text, width=200)
    comparison = compare_experts(experiment, out, workers=workers or Counting(), console=console, deadline=deadline)
    return comparison, text.getvalue()


def report(comparison, out):
    text = StringIO()
    report_experts(comparison, out, console=Console(file=text, width=200))
    return text.getvalue()


def tables(out):
    return {name: (out / name).read_bytes() for name in TABLES}


@pytest.fixture(scope="module")
def whole(small, tmp_path_factory):
    """An uninterrupted run: its folder, what came out, how many cells were run and what was said."""
    out, workers = tmp_path_factory.mktemp("whole"), Counting()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOVEATE_HOME", str(tmp_path_factory.getbasetemp() / "home"))
        comparison, said = go(small, out, workers=workers)
    report(comparison, out)
    return out, comparison, workers.cells, said


@pytest.fixture
def finished(whole, tmp_path):
    """A folder with all cells."""
    shutil.copytree(whole[0], tmp_path / "finished")
    return tmp_path / "finished"


def test_a_run_that_was_stopped_half_way_ends_with_the_tables_of_an_uninterrupted_one(small, whole, tmp_path):
    out, comparison, cells, said = whole
    assert f"{comparison.wanted} cells, 0 of them finished before" in said
    assert comparison.finished == cells == comparison.wanted
    half = cells // 2
    with pytest.raises(KeyboardInterrupt):
        go(small, tmp_path, workers=Counting(half))
    rest = Counting()
    resumed, said = go(small, tmp_path, workers=rest)
    assert f"{cells} cells, {half} of them finished before" in said
    assert rest.cells == cells - half
    report(resumed, tmp_path)
    assert tables(tmp_path) == tables(out)


def test_what_is_finished_is_never_redone(small, whole, finished, monkeypatch):
    def refuses(*_):
        raise AssertionError("finished")

    for name in ("study_training", "played_by", "run_experts_cell"):
        monkeypatch.setattr(compare_module, name, refuses)
    again, said = go(small, finished)
    assert f"{again.wanted} cells, {again.wanted} of them finished before" in said
    assert not again.failures
    assert vars(again.results) == vars(whole[1].results)


def test_a_training_that_is_stopped_in_its_study_keeps_that_of_the_one_before(small, tmp_path, monkeypatch):
    study, studied = compare_module.study_training, []

    def stopped(training, *arguments):
        if studied:
            raise KeyboardInterrupt
        studied.append(training.name)
        return study(training, *arguments)

    monkeypatch.setattr(compare_module, "study_training", stopped)
    with pytest.raises(KeyboardInterrupt):
        go(small, tmp_path)
    assert [stored.training.name for stored in StudyStore(tmp_path).all()] == studied == ["seed-0"]


def studies(out):
    """Trainings and what was found about them."""
    found = {stored.training.name: (stored.training, stored.study) for stored in StudyStore(out).all()}
    return [found[name] for name in sorted(found)]


def test_nothing_is_begun_from_the_deadline_on_and_only_whole_links_are_shown(small, whole, tmp_path, clock):
    class Slow(Counting):
        def run(self, tasks):
            for done in super().run(tasks):
                clock.now = float(self.cells >= enough)
                yield done

    cells = [cell for cell, _ in expert_cells(small, studies(whole[0]))]
    enough = len({cell.key for cell in cells if cell.place == cells[0].place}) + 1
    early, _ = go(small, tmp_path, workers=Slow(), deadline=1.0)
    assert early.finished == enough < early.wanted
    first = [row for row in whole[1].results.rows if row["link"] == "constant-5mbps" and not row["variation"]]
    assert early.results.rows == first
    said = report(early, tmp_path)
    assert f"{enough} of {early.wanted} cells are finished: the same command goes on" in said
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{enough} of {early.wanted} cells are finished; only links" in page
    none = Counting()
    again, _ = go(small, tmp_path, workers=none, deadline=1.0)
    assert (none.cells, vars(again.results)) == (0, vars(early.results))
    last, _ = go(small, tmp_path)
    assert vars(last.results) == vars(whole[1].results)


def test_without_time_for_a_whole_link_there_is_no_report(small, tmp_path, clock):
    with pytest.raises(FoveateError, match="not looked at in time"):
        go(small, tmp_path, deadline=clock.now)
    with pytest.raises(KeyboardInterrupt):
        go(small, tmp_path, workers=Counting(3))
    early, _ = go(small, tmp_path, deadline=clock.now)
    assert early.finished == 3
    with pytest.raises(FoveateError, match="is finished by every row: the same command goes on"):
        report(early, tmp_path)


@pytest.mark.parametrize("damaged", [b"", b"{", b'{"cell": "\xff"}'])
def test_damaged_files_are_computed_again(small, whole, finished, damaged):
    for kind in ("cells", "trainings"):
        next((finished / kind).glob("*.json")).write_bytes(damaged)
    workers = Counting()
    second, _ = go(small, finished, workers=workers)
    assert workers.cells == 1
    assert vars(second.results) == vars(whole[1].results)


def test_a_cell_that_fails_costs_its_link_and_is_tried_again(small, tmp_path, monkeypatch):
    run_cell = compare_module.run_experts_cell

    def run(cell, stream, link):
        if cell.link.name == "constant-2mbps" and cell.router.startswith("near-edge"):
            raise InputError("this one is broken")
        return run_cell(cell, stream, link)

    monkeypatch.setattr(compare_module, "run_experts_cell", run)
    partly, said = go(small, tmp_path)
    assert "failed: near-edge only: expert-sized model of seed-0 on 4g constant-2mbps" in said
    assert {row["link"] for row in partly.results.rows if row["table"] == "main"} == {"constant-5mbps"}
    assert json.loads((tmp_path / "failures.json").read_text())[0]["problem"] == "this one is broken"
    assert f"{len(partly.failures)} steps failed" in report(partly, tmp_path)
    monkeypatch.undo()
    mended, _ = go(small, tmp_path)
    assert mended.finished == mended.wanted
    assert not (tmp_path / "failures.json").exists()


def test_a_training_that_cannot_be_looked_at_is_named_and_the_others_stand(small, tmp_path):
    def read(folder):
        if folder.name == "seed-1":
            raise InputError("no pictures today")
        return small.read(folder)

    found, said = go(replace(small, read=read), tmp_path)
    assert "no pictures today" in said
    assert {row["seed"] for row in found.results.rows} == {"seed-0"}
    assert any("seed-1: no pictures today" in text for text in found.results.missing)


def test_processes_give_the_rows_of_a_single_one(small, whole, tmp_path):
    with LocalWorkers(2) as workers:
        two, _ = go(small, tmp_path, workers=workers)
    assert vars(two.results) == vars(whole[1].results)


def test_a_plan_knows_what_is_finished_and_reads_no_picture(small, whole, finished, tmp_path):
    before = plan_experts(small, tmp_path, workers=2)
    unread = replace(small, read=None)
    after = plan_experts(unread, finished, workers=2)
    wanted = whole[1].wanted
    assert (after.cells, after.finished, after.samples, after.inferences, after.hours) == (wanted, wanted, 0, 0, 0)
    assert (before.finished, before.inferences) == (0, 14 * small.pictures)
    assert before.cells > wanted
    next((finished / "cells").glob("*.json")).unlink()
    plan = plan_experts(unread, finished, workers=2)
    assert (plan.cells, plan.finished, plan.samples) == (wanted, wanted - 1, small.samples)


@pytest.fixture
def planned(small, whole):
    """A training, its study, and how the keys of its cells come of an experiment."""
    one = replace(small, models=small.models[:1])
    training, study = studies(whole[0])[0]

    def keys(experiment=one, **changes):
        changed = msgspec.structs.replace(training, **changes)
        return [cell.key for cell, _ in expert_cells(experiment, [(changed, study)])]

    return training, study, one, keys


def test_another_model_never_gets_a_cell_or_a_study_of_an_old_one(planned):
    training, study, one, keys = planned
    cells = [cell for cell, _ in expert_cells(one, [(training, study)])]
    for name in training.weights:
        weights = training.weights | {name: "0123456789abcdef"}
        assert msgspec.structs.replace(training, weights=weights).key != training.key
        for cell, before, after in zip(cells, keys(), keys(weights=weights), strict=True):
            takes_part = name in {cell.device.name, *(model.name for model in cell.experts)}
            assert (before != after) == takes_part


@pytest.mark.parametrize("change", [{"pictures": "0" * 24}, {"coding": "png"}])
def test_cells_and_studies_of_other_pictures_are_others(planned, change):
    training, _, _, keys = planned
    assert not set(keys()) & set(keys(**change))
    assert msgspec.structs.replace(training, **change).key != training.key


def test_pictures_to_choose_on_make_another_study(planned):
    training = planned[0]
    assert msgspec.structs.replace(training, held_out="0" * 24).key != training.key


def test_a_cell_depends_on_all_settings(planned):
    _, _, one, keys = planned
    times = replace(one.times, batch_s=2 * one.times.batch_s)
    link = one.links[0]
    of_all = {"seed": 1, "samples": 9, "times": times, "power": EDGE_AND_CORE, "other_power": one.power}
    of_links = {"slower_device": 11.0, "rate_hz": 12.0}
    of_map = 2 * 4
    for name, value in (of_all | of_links).items():
        changed = keys(replace(one, **{name: value}))
        same = [before == after for before, after in zip(keys(), changed, strict=True)]
        assert not any(same if name in of_all else same[:-of_map])
    for other in (
        replace(link, start=1),
        replace(link, link=replace(link.link, transport="tcp")),
        replace(link, link=replace(link.link, trace=link.link.trace.scaled(1.01))),
        replace(link, link=replace(link.link, trace=link.link.trace.starting_at(1.0))),
    ):
        assert not set(keys(replace(one, links=(other,)))[:-of_map]) & set(keys(replace(one, links=(link,))))


def test_where_files_lie_and_what_things_are_called_does_not_matter(planned):
    training, _, one, keys = planned
    link = one.links[0]
    named = replace(one, links=(replace(link, group="5g", recording="other"), *one.links[1:]))
    assert keys(named, name="seed-7", path="/elsewhere/seed-7") == keys()
    assert msgspec.structs.replace(training, name="x", path="/y").key == training.key


def test_cells_come_in_rounds_of_one_start_on_one_link(small, whole):
    cells = [cell for cell, _ in expert_cells(small, studies(whole[0]))]
    rounds = list(dict.fromkeys(cell.place for cell in cells))
    assert len(rounds) == len(small.links) + 2
    assert [cell.place for cell in cells] == sorted((cell.place for cell in cells), key=rounds.index)
    for place in rounds:
        assert {cell.training for cell in cells if cell.place == place} == {"seed-0", "seed-1"}
    assert len(RunStore(whole[0]).finished(cells)) == len({cell.key for cell in cells})


def test_other_pictures_are_noticed_in_a_folder_of_finished_cells(small, whole, finished):
    other = replace(small, read=lambda folder: (small.read(folder)[0], coloured_images(6, seed=4)))
    second, said = go(other, finished)
    assert f"{second.wanted} cells, 0 of them finished before" in said
    assert second.results.choices != whole[1].results.choices
