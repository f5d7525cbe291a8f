"""The report as its reader meets it."""

import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from foveate.evaluation.experts.answer import answer
from foveate.evaluation.experts.drawings import learning_curves
from foveate.evaluation.experts.report import report_experts
from foveate.evaluation.experts.stand import ratio_text
from foveate.evaluation.lab.statistics import Interval

FIGURES = {"accuracy-by-share", "learning-curves", "energy", "where-routing-wins"}
LOOK = """(() => {
  const figures = [...document.querySelectorAll("figure")].map(figure => {
    const box = figure.querySelector("svg").getBoundingClientRect();
    const words = [...figure.querySelectorAll("svg text")];
    return {
      id: figure.id, width: box.width, height: box.height,
      marks: figure.querySelectorAll("svg path, svg use").length, words: words.length,
      wide: words.filter(word => word.getBoundingClientRect().right > innerWidth).length,
    };
  });
  const verdict = document.querySelector("#verdict").getBoundingClientRect();
  const first = document.querySelector("table").getBoundingClientRect();
  const wider = document.documentElement.scrollWidth > innerWidth;
  return {figures, verdictBottom: verdict.bottom, tableTop: first.top, wider};
})()"""


@pytest.fixture(scope="module")
def out(comparison, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    report_experts(comparison, folder, console=Console(file=StringIO()))
    return folder


@pytest.fixture(scope="module")
def page(out):
    return (out / "report.html").read_text()


def test_the_page_names_data_energy_and_every_published_figure(page):
    for text in ("+4.12", "+2.76", "-45 %", "-46 %", "model, not measured", "seed-1"):
        assert text in page


def test_the_verdict_comes_before_everything_that_is_counted(page):
    assert (
        page.index("Of the paper&#x27;s 4 figures") < page.index("Where the numbers come from") < page.index("<table")
    )


def test_the_question_is_answered_at_the_top(page):
    top = page[: page.index("Of the paper&#x27;s 4 figures")]
    assert "Asking one expert is " in top
    assert "Simulated on virtual time" in top
    assert "by 1 training<" in top
    for text in ("Beside answering alone: ", "Beside offloading everything: ", "What the router adds"):
        assert text in top


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.01, 0.03, "surely more"), (-0.03, -0.01, "surely less"), (-0.01, 0.03, "not shown to differ")],
)
def test_only_what_an_interval_tells_is_said(results, low, high, word):
    pooled = [
        row | {"value": (low + high) / 2, "low": low, "high": high} if row["figure"] == "ours_above" else row
        for row in results.pooled
    ]
    headline, _ = answer(replace(results, pooled=pooled))
    assert headline.count(word) == 2


def test_nothing_is_never_negative():
    assert ratio_text(Interval(value=0.9999, low=0.9951, high=1.0049)) == "0 % (0 to 0)"
    assert ratio_text(Interval(value=0.5, low=0.4, high=1.2)) == "-50 % (-60 to +20)"


def test_tables_name_their_rows_and_no_cell_is_empty(page):
    assert page.count("<table>") >= 8
    assert not re.search(r"<td[^>]*></td>|<td[^>]*>(nan|None|-0 %|\+0 %)", page)
    for title in ("Accuracy", "Latency", "Energy", "Ours against each other row", "Specialists"):
        assert f"<summary><h3>{title}</h3></summary>" in page


def test_tables_and_figures_lie_beside_the_page(out, results):
    assert (out / "rows.csv").read_text().count("\n") == len(results.rows) + 1
    assert "stretches" not in (out / "rows.csv").read_text().splitlines()[0]
    assert {path.stem for path in (out / "figures").glob("*.svg")} == FIGURES


def test_curves_of_all_class_models_and_of_experts_are_drawn_apart(tmp_path):
    for name in ("generalist", "base", "large", "static-0", "static-1", "progressive-plain-0"):
        (tmp_path / name).mkdir()
        look = '{"step": 5, "accuracy_on": {"overall": 0.2, "subset": 0.4}}'
        (tmp_path / name / "log.jsonl").write_text(look)
    left, right = learning_curves([tmp_path]).figure.axes
    assert (len(left.lines), len(right.lines)) == (3, 3)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1200, 500])
def test_a_browser_shows_the_verdict_first_and_every_figure_without_an_error(out, tmp_path, width):
    from foveate.testing.browser import Browser

    with Browser(tmp_path / "profile", size=(900, width)) as browser:
        browser.open((out / "report.html").as_uri())
        told = browser.evaluate(LOOK)
        assert browser.problems == []
    assert {figure["id"] for figure in told["figures"]} == FIGURES
    for figure in told["figures"]:
        assert min(figure["width"], figure["height"]) > 50, figure
        assert min(figure["marks"], figure["words"]) > 5, figure
        assert figure["wide"] == 0, figure
    assert told["verdictBottom"] < told["tableTop"]
    assert not told["wider"]
