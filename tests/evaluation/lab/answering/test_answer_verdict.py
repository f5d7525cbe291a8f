"""Words for tables of answers whose outcome is known."""

import pytest

from foveate.core import PairTimes
from foveate.device import AnswerRules
from foveate.evaluation.lab.answering.experiment import AnswerCondition, Pair
from foveate.evaluation.lab.answering.standings import AnswerTable, Standing
from foveate.evaluation.lab.answering.verdict import answer_verdicts
from foveate.evaluation.lab.statistics import Difference, Interval


def difference(value, width, videos, recordings):
    found = Interval(value=value, low=value - width, high=value + width)
    above = 1.0 if value > 0 else 0.0
    return Difference(mean=found, median=found, above=above, cells=12, videos=videos, recordings=recordings)


def table(scores, *, width=0.01, videos=5, shared=6, main=True, late="device", transport="ideal", focus="A"):
    winner = max(scores, key=lambda label: scores[label])
    names = {"frame_latency_s_mean": 0.31, "violation_rate": 0.02, "bytes_per_answer": 250_000.0}
    costs = {name: Interval(value=value, low=value, high=value) for name, value in names.items()}
    return AnswerTable(
        condition=AnswerCondition(
            group="as recorded",
            transport=transport,
            pair=Pair(times=PairTimes()),
            rules=AnswerRules(late=late),
            offsets=1,
            main=main,
        ),
        kind="rendered",
        reference="exact",
        videos=videos,
        recordings=6,
        standings=[
            Standing(
                contender=label,
                cells=12,
                videos=videos,
                recordings=6,
                answers=100,
                intervals={"per_frame": Interval(value=score, low=score, high=score), **costs},
                counts={},
            )
            for label, score in scores.items()
        ],
        differences={
            label: difference(scores[focus] - score, width, videos, shared)
            for label, score in scores.items()
            if label != focus
        },
        to_winner={
            label: difference(scores[winner] - score, width, videos, shared)
            for label, score in scores.items()
            if label != winner
        },
        common=12,
        common_means={"per_frame": scores},
    )


def only(*tables):
    (verdict,) = answer_verdicts(tables, "A")
    return verdict


def test_a_clear_winner_answers_best():
    verdict = only(table({"A": 0.2, "B": 0.3, "C": 0.25}))
    assert verdict.state == "sure"
    assert verdict.headline == (
        "B answers best on rendered clips: AP50 per frame +0.050 (+0.040 to +0.060) above C, by exact truth"
    )
    assert verdict.sentences[:2] == (
        "By AP50 per frame over 12 cells that all have, B is surely above A (+0.100) and C (+0.050).",
        "A is surely below B (-0.100) and C (-0.050).",
    )
    assert (
        "B answers in 310 ms in the mean, misses the deadline of 400 ms on 2.0 % of the frames" in verdict.sentences[2]
    )


@pytest.mark.parametrize(("scores", "words"), [
    ({"A": 0.30, "B": 0.29, "C": 0.1}, "but 1 of 2 others cannot be told apart from it"),
    ({"A": 0.30, "B": 0.29, "C": 0.28}, "but none of 2 others can be told apart from it"),
])  # fmt: skip
def test_who_cannot_be_told_from_the_first_is_counted(scores, words):
    verdict = only(table(scores, width=0.05))
    assert verdict.state == "open"
    assert words in verdict.headline


def test_one_clip_settles_nothing():
    verdict = only(table({"A": 0.3, "B": 0.2}, videos=1))
    assert verdict.state == "open"
    assert "on the one rendered clip" in verdict.headline
    assert "All of this is one clip" in " ".join(verdict.sentences)


def test_two_clips_have_no_interval():
    verdict = only(table({"A": 0.3, "B": 0.2}, videos=2))
    assert "too little to rank anything" in verdict.headline
    assert not any("surely" in sentence for sentence in verdict.sentences)


def test_a_lead_over_fewer_recordings_than_the_table_has_is_not_sure():
    verdict = only(table({"A": 0.3, "B": 0.2}, videos=1, shared=2))
    assert verdict.state == "open"
    assert "too little to rank anything" in verdict.headline
    assert not any("surely" in sentence for sentence in verdict.sentences)


def test_a_winner_over_few_clips_is_called_less_sure():
    assert only(table({"A": 0.3, "B": 0.2}, videos=3)).state == "few"


def test_other_conditions_in_which_another_is_first_are_named():
    main = table({"A": 0.3, "B": 0.2})
    same = table({"A": 0.3, "B": 0.2}, main=False, transport="tcp")
    other = table({"A": 0.1, "B": 0.2}, main=False, late="kept")
    assert only(main).sentences[-1].startswith("A answers in")
    assert only(main, same).sentences[-1] == "The same has the greatest AP50 in the other condition."
    kept = "late: kept"
    assert only(main, other).sentences[-1] == f"Another has the greatest AP50 in the other condition: B ({kept})."
    assert only(main, same, other).sentences[-1] == (
        f"Another has the greatest AP50 in 1 of 2 other conditions: B ({kept})."
    )
