"""Figures over conditions, from tables whose means are known."""

from dataclasses import replace

from foveate.core import PairTimes
from foveate.device import AnswerRules
from foveate.evaluation.lab.answering.experiment import AnswerCondition, Pair
from foveate.evaluation.lab.answering.standings import AnswerTable, Standing
from foveate.evaluation.lab.answering.sweeps import draw_sweeps

MAIN = AnswerCondition(
    group="as recorded", transport="ideal", pair=Pair(times=PairTimes()), rules=AnswerRules(), offsets=1, main=True
)


def table(means, condition=MAIN, common=4):
    scores = {"per_frame": means, "streaming": {label: 1 - value for label, value in means.items()}}
    return AnswerTable(
        condition=condition,
        kind="rendered",
        reference="exact",
        videos=1,
        recordings=2,
        standings=[],
        common=common,
        common_means=scores if common else {},
    )


def pair(look_s, cloud_s):
    return replace(MAIN, main=False, pair=Pair(times=PairTimes(look_s=look_s, cloud_s=cloud_s)))


def deadline(seconds):
    return replace(MAIN, main=False, rules=AnswerRules(deadline_s=seconds))


def texts(drawn, panel):
    return sorted(text.get_text() for text in drawn.figure.axes[panel].texts)


def test_who_leads_is_drawn_for_every_pair_of_machines():
    tables = [table({"A": 0.3, "B": 0.2, "V1": 0.9}), table({"A": 0.25, "B": 0.35}, pair(0.3, 0.4))]
    (drawn,) = draw_sweeps(tables, ["A", "B", "V1"])
    assert drawn.name == "machines-rendered"
    assert texts(drawn, 0) == ["+0.100", "+0.100"]
    names = [text.get_text() for text in drawn.figure.legends[0].get_texts()]
    assert names == ["A", "B"], "an ablation that one table alone has leads nowhere"
    colours = {patch.get_facecolor() for patch in drawn.figure.axes[0].patches}
    assert len(colours) == 2


def test_machines_where_nobody_has_an_answer_of_the_cloud_have_no_leader():
    def answered(made, times, means):
        counts = {f"made of {made}": 3}
        standing = Standing(contender="A", cells=1, videos=1, recordings=1, answers=3, intervals={}, counts=counts)
        return replace(table(means, times), standings=[standing])

    near, far = answered("both", MAIN, {"A": 0.3, "B": 0.2}), answered("device", pair(0.3, 0.4), {"A": 0.2, "B": 0.3})
    (drawn,) = draw_sweeps([near, far], ["A", "B"])
    assert texts(drawn, 0) == ["+0.100", "device alone"]


def test_accuracy_is_drawn_by_deadline_in_its_order():
    tables = [
        table({"A": 0.3, "B": 0.2}),
        table({"A": 0.5, "B": 0.1}, deadline(2.0)),
        table({"A": 0.1, "B": 0.1}, deadline(0.3)),
    ]
    (drawn,) = draw_sweeps(tables, ["A", "B"])
    assert drawn.name == "deadlines-rendered"
    first = drawn.figure.axes[0].lines[0]
    assert list(first.get_xdata()) == [300, 400, 2000]
    assert list(first.get_ydata()) == [0.1, 0.3, 0.5]


def test_other_variations_and_conditions_without_common_cells_are_left_out():
    tcp = replace(MAIN, main=False, transport="tcp")
    slow = replace(pair(0.3, 0.4), transport="tcp")
    tables = [table({"A": 0.3, "B": 0.2}), table({"A": 0.3, "B": 0.2}, tcp), table({"A": 0.3, "B": 0.2}, slow)]
    assert draw_sweeps([*tables, table({}, pair(0.05, 0.04), common=0)], ["A", "B"]) == []


def test_the_same_data_give_the_same_picture():
    tables = [table({"A": 0.3, "B": 0.2}), table({"A": 0.25, "B": 0.35}, pair(0.3, 0.4))]
    one, two = (draw_sweeps(tables, ["A", "B"])[0].svg for _ in range(2))
    assert one == two
