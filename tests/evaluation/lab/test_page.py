"""The report as its reader meets it: one file, in a browser, without a network."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO

import pytest
from rich.console import Console

from foveate.evaluation.lab import report_job
from foveate.testing.comparisons import LEVELS, drawn_comparison

FIGURES = {
    *(
        f"{name}-{kind}"
        for kind in ("rendered", "real")
        for name in (
            "rendering-cdf",
            "rendering-boxes",
            "differences",
            "freshness",
            "delays",
            "codec",
            "choices",
            "timeline",
        )
    ),
    "objects-rendered",
    "newcomers-rendered",
    "newcomers-real",
}


@pytest.fixture(scope="module")
def out(inputs, tmp_path_factory):
    """A report of two kinds of clips, two machines and five contenders."""
    folder = tmp_path_factory.mktemp("report")
    comparison = drawn_comparison(folder, inputs / "fast.csv", inputs / "round.json")
    report_job(comparison, folder, console=Console(file=StringIO()))
    return folder


@pytest.fixture(scope="module")
def text(out):
    return (out / "report.html").read_text()


class Outline(HTMLParser):
    """What stands in a page."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.figures, self.links, self.ids, self.words = [], {}, [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "figure":
            self.figures[given["id"]] = []
        if tag == "svg" and self.figures:
            list(self.figures.values())[-1].append(given)
        self.links += [given[name] for name in ("src", "href", "xlink:href") if given.get(name)]
        if "id" in given:
            self.ids.append(given["id"])

    def handle_data(self, data):
        self.words.append(data)


def spoken(text):
    """The words of a page as a reader meets them."""
    return "".join(Outline(text).words)


def test_every_figure_stands_in_the_page_and_in_files(out, text):
    figures = Outline(text).figures
    assert set(figures) == FIGURES
    assert all(len(pictures) == 1 for pictures in figures.values())
    for name in FIGURES:
        assert (out / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (out / "figures" / f"{name}.svg").read_text()


def test_the_page_asks_for_nothing_from_elsewhere(text):
    page = Outline(text)
    near = re.compile(r"#|data:|figures/[\w-]+\.(png|svg)$|\w+\.csv$")
    assert [link for link in page.links if not near.match(link)] == []
    assert "<script" not in text
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert set(re.findall(r"https?://[^/\"]+", text)) <= {"http://www.w3.org"}  # names of XML, nothing is fetched


def test_ids_of_figures_do_not_meet(text):
    ids = Outline(text).ids
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([\w-]+)', text)) <= set(ids)


def test_the_verdict_comes_first_and_says_who_wins(text):
    words = "".join(Outline(text).words)
    assert words.index("ViTMAlis wins on rendered clips") < words.index("Rendered clips")
    assert "ViTMAlis wins on real clips" in words
    assert "The same contender wins in the one variation" in words
    assert "Another network gave the outputs, so tables with it are a what-if" in words


def test_kinds_of_clips_have_tables_of_their_own(text):
    rendered, real = text.split('<h2 class="rule">Real clips</h2>')
    assert "Rendering F1 against exact truth" in rendered
    assert "Rendering F1 against exact truth" not in real
    for label in LEVELS:
        assert label in rendered
        assert label in real


def test_published_medians_stand_beside_ours_where_they_mean_the_same(text):
    assert text.count("paper&#x27;s median") + text.count("paper's median") == 2  # model's truth, both kinds
    assert "<td>0.530</td>" in text


def test_what_failed_is_told_at_the_top_and_harmless(text):
    assert "nobody &lt;ran&gt; it" in text
    assert '<a href="#failures">1 step failed</a>' in text
    assert text.index("1 step failed") < text.index("Verdict ·")


def test_the_head_says_how_much_was_computed_and_what_is_simulated(text):
    words = spoken(text)
    for told in (
        "320 of 320 cells",
        "8 clips (4 rendered, 4 real)",
        "4 traces",
        "1 start",
        "5 contenders",
        "6 s a cell",
    ):
        assert told in words
    assert words.index("Simulated on virtual time") < words.index("Verdict ·")
    assert "of another network: a what-if" in words
    assert "Not all cells are finished" not in words
    assert "16 cells for each contender: 4 clips, 4 traces (recorded), 1 start. Transport ideal" in words


def test_a_part_of_the_cells_is_called_one(inputs, tmp_path):
    drawn = drawn_comparison(tmp_path, inputs / "fast.csv", inputs / "round.json", videos=3, traces=3, seconds=1.0)
    few = [(c, s) for c, s in drawn.cells if s.cell.clip.kind == "real" or s.cell.trace.name != "drawn/2"]
    report_job(replace(drawn, cells=few), tmp_path, console=Console(file=StringIO()))
    words = spoken((tmp_path / "report.html").read_text())
    assert "150 of 180 cells" in words
    assert (
        "Not all cells are finished. Only those count that every contender has: in the main tables 6 cells on" in words
    )
    assert "on rendered clips and 9 cells on real clips." in words


def test_an_interval_stands_beside_its_figure(text):
    assert re.search(r"<td>[+-]0\.\d{3} \([+-]0\.\d{3} to [+-]0\.\d{3}\)</td>", text)
    assert re.search(r"<td>0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)</td>", text)


def test_tables_hold_no_powers_of_ten_and_nothing_that_is_no_number(text):
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", text)
    assert cells
    assert not [cell for cell in cells if re.search(r"\de[+-]\d|nan|None|^-0\.0+$|\+-", cell)]


def test_every_table_names_its_rows_and_can_be_scrolled_without_a_mouse(text):
    tables = text.count("<table>")
    assert tables > 10
    assert len(re.findall(r'<div class="scroll" tabindex="0" role="region" aria-label="[^"]+"><table>', text)) == tables
    for row in re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL):
        assert len(re.findall("<tr>", row)) == len(re.findall(r'<th (?:scope="row"|class="group")', row))


def test_each_clip_and_each_trace_has_a_row_with_its_best_marked(text):
    for title, names in (("Clip by clip", ["rendered-0", "rendered-3"]), ("Trace by trace", ["drawn/0", "drawn/3"])):
        table = text[text.index(title) :].partition("</table>")[0]
        assert all(f'<th scope="row">{name}</th><td>4</td>' in table for name in names)
        assert table.count('class="best"') == 4


def test_without_a_cell_that_all_finished_there_is_still_a_page(inputs, tmp_path):
    """Each contender lost other cells: nothing can be compared, and all that was computed is in the tables."""
    drawn = drawn_comparison(tmp_path, inputs / "fast.csv", inputs / "round.json", videos=2, traces=2, seconds=1.0)
    labels = list(LEVELS)
    torn = [(c, s) for c, s in drawn.cells if labels.index(c.label) % 2 == int(s.cell.trace.name[-1]) % 2]
    console = Console(file=StringIO(), width=200)
    assert report_job(replace(drawn, cells=torn), tmp_path, console=console) == []
    assert "no cell was finished by every contender" in console.file.getvalue()
    page = (tmp_path / "report.html").read_text()
    assert "Tables" in page
    assert "Nothing can be ranked yet" in page
    assert page.count("<table>") == page.count("<tbody>")


def test_the_same_comparison_gives_the_same_page(inputs, out, text, tmp_path):
    comparison = drawn_comparison(tmp_path, inputs / "fast.csv", inputs / "round.json")
    report_job(comparison, tmp_path, console=Console(file=StringIO()))
    assert (tmp_path / "report.html").read_text() == text


PROBE = """<script>
window.addEventListener("load", () => {
  const seen = [...document.querySelectorAll("figure")].map(figure => {
    const box = figure.querySelector("svg").getBoundingClientRect();
    const marks = figure.querySelectorAll("svg path, svg use").length;
    const words = [...figure.querySelectorAll("svg text")];
    const wide = words.filter(word => word.getBoundingClientRect().right > innerWidth).length;
    return {id: figure.id, width: box.width, height: box.height, marks, wide};
  });
  const ink = getComputedStyle(document.body).color, paper = getComputedStyle(document.body).backgroundColor;
  const lesser = getComputedStyle(document.querySelector("figcaption")).color;
  const drawn = [...new Set([...document.querySelectorAll("figure svg text")].map(t => getComputedStyle(t).fill))];
  const wider = document.documentElement.scrollWidth > innerWidth;
  document.body.dataset.probe = JSON.stringify({seen, ink, lesser, paper, drawn, wider});
});
</script></body>"""


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1200, 500])
def test_a_browser_shows_every_figure_without_an_error(out, text, tmp_path, dark, width):
    page = tmp_path / "probe.html"
    page.write_text(text.replace("</body>", PROBE))
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    ran = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr",
         f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900", *scheme, "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in ran.stderr
    told = json.loads(re.search(r'data-probe="([^"]*)"', ran.stdout).group(1).replace("&quot;", '"'))
    assert {figure["id"] for figure in told["seen"]} == FIGURES
    for figure in told["seen"]:
        assert min(figure["width"], figure["height"]) > 50, figure
        assert figure["marks"] > 5, figure
        assert figure["wide"] == 0, figure
    assert {told["ink"], told["lesser"]} <= set(told["drawn"])
    assert not {told["paper"], "rgb(0, 0, 0)"} & set(told["drawn"])
    assert not told["wider"]
    light = sum(int(part) for part in re.findall(r"\d+", told["paper"])[:3]) > 380
    assert light is not dark


NARROW = """(() => {
  const words = [...document.querySelectorAll("figure svg text")].map(word => word.getBoundingClientRect().height);
  const boxes = [...document.querySelectorAll(".scroll")];
  const first = document.querySelector("tbody th[scope=row]");
  const table = first.closest(".scroll");
  table.scrollLeft = 200;
  return {
    wider: document.documentElement.scrollWidth > innerWidth,
    least: Math.min(...words),
    reachable: boxes.every(box => box.getBoundingClientRect().right <= innerWidth),
    named: first.getBoundingClientRect().left >= 0,
    moved: table.scrollLeft > 0,
  };
})()"""


@pytest.mark.browser
def test_on_a_telephone_words_of_figures_can_be_read_and_rows_keep_their_names(out, tmp_path):
    from foveate.testing.browser import Browser

    with Browser(tmp_path / "profile") as browser:
        browser.resize(390)
        browser.open((out / "report.html").as_uri())
        told = browser.evaluate(NARROW)
        assert browser.problems == []
        folded = browser.evaluate("document.querySelectorAll('details.table:not([open])').length")
        height = "document.querySelector('details.table').getBoundingClientRect().height"
        whole = browser.evaluate(height)
        browser.evaluate("document.querySelectorAll('details.table').forEach(found => found.open = false)")
        assert browser.evaluate(height) < whole / 3
    assert told == {"wider": False, "least": told["least"], "reachable": True, "named": True, "moved": True}
    assert told["least"] >= 8
    assert folded == 0


@pytest.mark.browser
def test_on_paper_everything_is_light_unfolded_and_as_wide_as_the_sheet(out, tmp_path):
    from foveate.testing.browser import Browser

    with Browser(tmp_path / "profile", dark=True) as browser:
        browser.resize(794)  # A4 at 96 dots an inch
        browser.open((out / "report.html").as_uri())
        assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 28)"
        browser.as_paper()
        assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert browser.evaluate("document.documentElement.scrollWidth") <= 794
        folded = "document.querySelector('details:not([open]) > p').getBoundingClientRect().height"
        assert browser.evaluate(folded) > 10
