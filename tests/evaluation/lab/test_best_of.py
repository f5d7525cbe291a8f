"""Rows that are told afterwards."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from foveate.core import InputError
from foveate.evaluation.lab import BestOf, Contender, compare_job, plan_of, report_job
from foveate.evaluation.lab.best_of import with_best
from foveate.evaluation.lab.workers import LocalWorkers
from foveate.testing.comparisons import drawn_comparison
from foveate.testing.detectors_by_name import fake_model

FIXED = tuple(
    Contender(label=f"quality {quality}", policy=f"track-fixed:quality={quality},beta=2") for quality in (10, 95)
)
BEST = BestOf(label="best fixed", members=FIXED, tells="What choosing anew for each frame is worth.")


@pytest.fixture
def drawn(inputs, tmp_path):
    return drawn_comparison(tmp_path, inputs / "fast.csv", inputs / "round.json", videos=3, traces=3, seconds=1.0)


def told_of(drawn):
    """Of TrackRoI and TrackUD the better one, beside ViTMAlis."""
    contenders = {contender.label: contender for contender in drawn.experiment.contenders}
    best = BestOf(label="best", members=(contenders["TrackRoI"], contenders["TrackUD"]))
    return replace(drawn.experiment, contenders=(contenders["ViTMAlis"],), best_of=(best,)), best


def mean_by_hand(cells, label, place, figure):
    values = [
        stored.result.figures[figure]
        for contender, stored in cells
        if contender.label == label and (stored.cell.clip.name, stored.cell.timing.label) == place
    ]
    assert len(values) == 3
    return np.mean(values)


def test_each_video_gets_the_member_that_showed_most_on_it(drawn):
    experiment, best = told_of(drawn)
    found = [stored for contender, stored in with_best(experiment, drawn.cells) if contender.label == "best"]
    places = {(stored.cell.clip.name, stored.cell.timing.label): stored.cell.policy for stored in found}
    assert len(places) == 6 * 2
    assert len(found) == 6 * 2 * 3
    for (name, machine), policy in places.items():
        figure = "rendering_f1_exact" if name.startswith("rendered") else "rendering_f1_model"
        means = {m.policy: mean_by_hand(drawn.cells, m.label, (name, machine), figure) for m in best.members}
        assert policy == max(means, key=means.get), (name, machine)
    assert len(set(places.values())) == 2  # or nothing was chosen


def test_members_are_not_shown_and_contenders_are(drawn):
    experiment, _ = told_of(drawn)
    cells = with_best(experiment, drawn.cells)
    assert list(dict.fromkeys(contender.label for contender, _ in cells)) == ["ViTMAlis", "best"]


def test_a_member_that_lacks_a_cell_is_not_considered(drawn):
    experiment, _ = told_of(drawn)
    torn = [
        (contender, stored)
        for contender, stored in drawn.cells
        if not (contender.label == "TrackUD" and stored.cell.trace.name == "drawn/0")
    ]
    found = [stored.cell.policy for contender, stored in with_best(experiment, torn) if contender.label == "best"]
    assert set(found) == {"track-roi"}


def test_members_run_and_their_best_is_a_row_of_the_report(experiment, tmp_path):
    contenders = (Contender(label="TrackB2B", policy="track-b2b", tells="The <plain> tracker."),)
    asked = experiment(contenders=contenders, best_of=(BEST,))
    assert plan_of(asked, tmp_path, load=fake_model, workers=1).cells == 3
    with LocalWorkers(1) as workers:
        comparison = compare_job(asked, tmp_path, load=fake_model, workers=workers, console=Console(file=StringIO()))
    assert not comparison.failures
    (verdict,) = report_job(comparison, tmp_path, console=Console(file=StringIO()))
    assert set(verdict.rankings[0].order) == {"TrackB2B", "best fixed"}
    page = (tmp_path / "report.html").read_text()
    assert "<dt>TrackB2B</dt><dd>The &lt;plain&gt; tracker.</dd>" in page
    (chosen,) = [stored.cell.policy for contender, stored in comparison.cells if contender.label == "best fixed"]
    assert f"{BEST.tells}<br>clip0: {chosen}</dd>" in page


def test_labels_are_unique_among_all_rows(experiment):
    with pytest.raises(InputError, match="labels of their own"):
        experiment(best_of=(replace(BEST, label="TrackB2B"),))
    with pytest.raises(InputError, match="labels of their own"):
        experiment(best_of=(BEST, replace(BEST, label="another")))
