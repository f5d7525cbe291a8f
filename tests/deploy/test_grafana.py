"""The dashboard asks for nothing that a server does not tell."""

import itertools
import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from foveate.core import ManualClock
from foveate.network.messages import Welcome
from foveate.server.events import ServingStarted
from foveate.server.watch import Health
from foveate.server.watch.metrics import Metrics

BOARD = json.loads((Path(__file__).parents[2] / "deploy" / "grafana" / "foveate.json").read_text())
BY_PROMETHEUS = {"instance", "job"}
"""Labels that the scrape adds."""


def targets():
    return [target for panel in BOARD["panels"] for target in panel.get("targets", [])]


EXPRESSIONS = [
    *(target["expr"] for target in targets()),
    *(note["expr"] for note in BOARD["annotations"]["list"]),
    *(v["query"]["query"] for v in BOARD["templating"]["list"] if v["type"] == "query"),
]


@pytest.fixture(scope="module")
def told():
    """Names of a server's series, each with its labels."""
    metrics = Metrics(Health(ManualClock()))
    fields = {"class_names": ["a"], "score_threshold": 0.5, "patch_size": 16, "window_size": 2}
    welcome = Welcome(model="m", weights_hash="w", downsampling_factor=2, subsets=4, **fields)
    metrics(ServingStarted(welcome=welcome))
    found = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_query_names_only_series_and_labels_that_exist(expression, told):
    names = re.findall(r"\b(?:foveate|process)_\w+", expression)
    assert names
    assert set(names) <= set(told)
    selected = re.findall(r"[{,](\w+)[!=]", expression)
    grouped = [name.strip() for found in re.findall(r"by \(([^)]*)\)", expression) for name in found.split(",")]
    known = BY_PROMETHEUS.union(*(told[name] for name in names))
    assert set(selected) | set(grouped) <= known


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_query_closes_what_it_opens(expression):
    assert [expression.count(mark) for mark in "({["] == [expression.count(mark) for mark in ")}]"]


def test_a_counter_is_only_shown_as_a_rate(told):
    for expression in EXPRESSIONS:
        for name in re.findall(r"\w+_(?:total|bucket|sum|count)\b", expression):
            assert re.search(rf"rate\({name}\{{", expression), expression


def test_a_legend_names_only_labels_that_its_query_keeps():
    for target in targets():
        for name in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
            assert name in target["expr"], target


def test_everything_that_a_server_tells_of_itself_is_shown(told):
    def families(names):
        return {
            re.sub(r"_(created|sum|count|bucket|total)$", "", name) for name in names if name.startswith("foveate_")
        }

    assert families(told) == families(name for text in EXPRESSIONS for name in re.findall(r"\bfoveate_\w+", text))


def test_panels_have_numbers_of_their_own_and_do_not_overlap():
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels], 2):
        apart = any(a[x] + a[w] <= b[x] for a, b in ((one, other), (other, one)) for x, w in (("x", "w"), ("y", "h")))
        assert apart, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_every_query_goes_to_the_chosen_source():
    assert {target["datasource"]["uid"] for target in targets()} == {"${datasource}"}
