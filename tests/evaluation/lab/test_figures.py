"""What figures share: colours, legends, and words that can be read."""

import itertools

import numpy as np
import pytest

from foveate.evaluation.lab.figures import draw_all
from foveate.evaluation.lab.figures.choices import shares
from foveate.evaluation.lab.figures.objects import by_property
from foveate.evaluation.lab.figures.overall import freshness
from foveate.evaluation.lab.figures.style import (
    COLORS,
    STAGE_COLORS,
    colors_of,
    legend_above,
    lines_of,
    ramp_of,
    styled,
    text_on,
)
from foveate.evaluation.lab.report_data import ReportData
from foveate.testing.comparisons import LEVELS, drawn_comparison

SIGHT = {
    "usual": [1, 0, 0, 0, 1, 0, 0, 0, 1],
    "no red": [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
    "no green": [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
    "no blue": [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
}
"""Linear RGB as it is seen (Machado, Oliveira and Fernandes, 2009, severity 1)."""
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)
WHITE, NEAR_BLACK = "#fbfbf9", "#11151c"


def linear(color):
    value = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    ratio = TO_XYZ @ np.clip(rgb, 0, 1) / [0.95047, 1, 1.08883]
    x, y, z = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one, other):
    darker, lighter = sorted(float(TO_XYZ[1] @ linear(color)) for color in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.fixture(scope="module")
def data(inputs, tmp_path_factory):
    return ReportData(
        comparison=drawn_comparison(tmp_path_factory.mktemp("figures"), inputs / "fast.csv", inputs / "round.json")
    )


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(("colors", "least"), [(COLORS[:6], 17), (COLORS, 15), (STAGE_COLORS, 17)])
def test_colours_are_apart_for_every_eye(sight, colors, least):
    seen = [lab(np.reshape(SIGHT[sight], (3, 3)) @ linear(color)) for color in colors]
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)) > least


@pytest.mark.parametrize("color", COLORS)
def test_colours_stand_out_from_both_papers(color):
    assert min(contrast(color, WHITE), contrast(color, NEAR_BLACK)) > 2.5


def test_contenders_and_stages_share_no_colour():
    assert not {*COLORS} & {*STAGE_COLORS, *ramp_of(5)}


@pytest.mark.parametrize("color", [*STAGE_COLORS, *ramp_of(7)])
def test_text_on_a_coloured_ground_can_be_read(color):
    assert contrast(text_on(color), color) > 3.5


def test_more_contenders_than_colours_are_told_apart_by_dashes():
    labels = [f"policy {number}" for number in range(2 * len(COLORS))]
    assert len({str(line) for line in lines_of(labels).values()}) == len(labels)


def test_a_contender_has_one_colour_in_every_figure(data):
    where = data.mains[0]
    wanted = colors_of(data.labels)
    for drawn in draw_all(data, where):
        for legend in drawn.figure.legends:
            for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
                if text.get_text() in LEVELS:
                    assert handle.get_color() == wanted[text.get_text()], drawn.name


MIXED = ("hyperion (tuned)", "hyperion, boxes, ahead", "hyperion-mixed, boxes", "elf-v", "device-only", "cloud-only")


@pytest.mark.parametrize("labels", [
    [f"a rather long name of a policy, number {number}" for number in range(5)],
    [*MIXED, "cloud-only, fused"],
])  # fmt: skip
def test_a_legend_is_read_line_by_line(labels):
    with styled() as new_figure:
        figure = new_figure(figsize=(8.6, 3))
        figure.subplots()
        legend_above(figure, labels, labels)
        figure.draw_without_rendering()
        places = [text.get_window_extent() for text in figure.legends[0].get_texts()]
        read = sorted(zip(places, figure.legends[0].get_texts(), strict=True), key=lambda p: (-round(p[0].y0), p[0].x0))
        assert [text.get_text() for _, text in read] == labels
        assert max(place.x1 for place in places) < figure.bbox.x1


def test_no_point_lies_outside_its_panel(data):
    figure = by_property(data, data.mains[0]).figure
    highest = max(line.get_ydata().max() for axes in figure.axes for line in axes.lines)
    assert all(axes.get_ylim()[1] >= highest for axes in figure.axes)


def test_distributions_of_times_begin_at_0(data):
    times = freshness(data, data.mains[0]).figure.axes[:3]
    assert [axes.get_xlim()[0] for axes in times] == [0, 0, 0]


def test_choices_that_never_vary_are_said_in_words(data):
    (quality, *_) = [
        axes for axes in shares(data, data.mains[0]).figure.axes if axes.get_title("left") == "JPEG quality"
    ]
    assert [text.get_text() for text in quality.get_yticklabels()] == ["ViTMAlis"]
    assert "always 95: Back2Back, TrackB2B, TrackRoI, TrackUD" in quality.get_xlabel().replace("\n", " ")
