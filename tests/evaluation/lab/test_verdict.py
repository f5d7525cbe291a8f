"""Words for rankings whose outcome is known."""

from functools import partial

import numpy as np
import pytest

from foveate.evaluation.lab.standings import Slice, main_slices, rank, references_in
from foveate.evaluation.lab.verdict import verdicts_of


def table(scores, *, videos=4, traces=5, kind="rendered", noise=0.01, machine="paper", seed=0):
    """Cells of contenders with the given rendering F1 by truth: {label: {truth: F1}}."""
    rng = np.random.default_rng(seed)
    return [
        {
            "contender": label,
            "video": f"{kind}{v}",
            "kind": kind,
            "trace": f"t{t}",
            "recording": f"r{t}",
            "trace_group": "recorded",
            "transport": "ideal",
            "machine": machine,
            "offset_number": 0,
            **{f"rendering_f1_{truth}": value + rng.normal(0, noise) for truth, value in by_truth.items()},
        }
        for v in range(videos)
        for t in range(traces)
        for label, by_truth in scores.items()
    ]


def only(records):
    (verdict,) = verdicts_of(records, partial(rank, records, focus="A"))
    return verdict


def test_a_clear_winner_wins():
    verdict = only(table({"A": {"exact": 0.4, "model": 0.5}, "B": {"exact": 0.5, "model": 0.6}}))
    lead = verdict.rankings[0].to_next.mean
    assert verdict.headline == (
        f"B wins on rendered clips: {lead.value:+.3f} rendering F1 above A "
        f"(95 % interval {lead.low:+.3f} to {lead.high:+.3f}), by exact truth"
    )
    assert "Medians 0.5" in verdict.sentences[0]
    assert "B shows more in 20 of 20 cells, in the mean on 4 of 4 videos and over 5 of 5 recordings" in "".join(
        verdict.sentences
    )
    assert not verdict.disagree
    assert "it leaves 0 out" in verdict.sentences[0]
    assert "Exact truth and the model's own results give the same order." in verdict.sentences


def test_a_winner_over_few_videos_is_called_less_sure():
    scores = {"A": {"exact": 0.4}, "B": {"exact": 0.5}}
    assert only(table(scores, videos=4)).state == "few"
    assert "with fewer than 5 of either it is too narrow" in only(table(scores, videos=4)).sentences[0]
    assert only(table(scores, videos=5)).state == "sure"
    assert "too narrow" not in only(table(scores, videos=5)).sentences[0]


def test_a_lead_over_the_second_alone_is_no_win():
    """C shows much more than A on one video, and less elsewhere: by its mean it may be as good."""
    records = table({"A": {"exact": 0.6}, "B": {"exact": 0.55}, "C": {"exact": 0.5}}, videos=6, traces=6, noise=0.001)
    for record in records:
        if record["contender"] == "C" and record["video"] == "rendered0":
            record["rendering_f1_exact"] = 0.95
    verdict = only(records)
    ranking = verdict.rankings[0]
    assert ranking.order == ("A", "B", "C")
    assert ranking.to_next.surely_above
    assert ranking.tied == ("C",)
    assert verdict.state == "open"
    assert verdict.headline.startswith("A and C cannot be told apart on rendered clips")
    assert any("it cannot be told apart from C (+0.0" in sentence for sentence in verdict.sentences)


def test_several_that_cannot_be_told_from_the_first_are_counted():
    scores = {label: {"exact": 0.5} for label in "ABCD"}
    assert "but none of the 3 others can be told apart from it" in only(table(scores, noise=0.1)).headline
    scores["D"] = {"exact": 0.1}
    assert "but 2 of 3 others cannot be told apart from it" in only(table(scores, noise=0.05)).headline


def test_what_the_experiment_asks_about_is_answered_also_where_another_is_first():
    verdict = only(table({"A": {"exact": 0.5}, "B": {"exact": 0.7}, "C": {"exact": 0.3}, "D": {"exact": 0.6}}, noise=0))
    assert (
        "Beside A, by exact truth: surely more is shown by B (+0.200) and D (+0.100); surely less by C (-0.200)."
        in verdict.sentences
    )


def test_orders_that_differ_within_noise_are_no_disagreement():
    scores = {
        "A": {"exact": 0.7, "model": 0.8},
        "B": {"exact": 0.5, "model": 0.5},
        "C": {"exact": 0.5, "model": 0.5},
    }
    verdicts = [only(table(scores, noise=0.05, videos=5, seed=seed)) for seed in range(9)]
    verdict = next(found for found in verdicts if len({ranking.order for ranking in found.rankings}) == 2)
    assert not verdict.disagree
    assert verdict.state == "sure"
    assert any(sentence.startswith("The two orders differ by no more than noise") for sentence in verdict.sentences)


def test_a_win_that_another_truth_does_not_show_is_told():
    verdict = only(table({"A": {"model": 0.6, "pseudo": 0.5}, "B": {"model": 0.5, "pseudo": 0.5}}, kind="real"))
    assert "By the boxes of an independent detector it is not confirmed that A is above B." in verdict.sentences


def test_too_few_clips_print_no_interval():
    verdict = only(table({"A": {"model": 0.4}, "B": {"model": 0.9}}, videos=2))
    assert "95 %" not in verdict.headline + verdict.sentences[0]
    assert "2 videos, 5 recordings; an interval needs 3" in verdict.sentences[0]


def test_what_noise_hides_cannot_be_told_apart():
    verdict = only(table({"A": {"exact": 0.5}, "B": {"exact": 0.5}}, noise=0.1))
    assert "cannot be told apart on rendered clips" in verdict.headline
    assert "it holds 0" in verdict.sentences[0]


def test_a_higher_median_with_a_surely_lower_mean_is_no_win():
    """A shows a little more in most cells, and nothing at all over a third of the recordings."""
    records = table({"A": {"exact": 0.6}, "B": {"exact": 0.59}}, videos=6, traces=9, noise=0)
    for record in records:
        if record["contender"] == "A" and record["recording"] in ("r0", "r1", "r2", "r3"):
            record["rendering_f1_exact"] = 0.0
    verdict = only(records)
    lead = verdict.rankings[0].to_next
    assert verdict.rankings[0].order == ("A", "B")
    assert lead.sure
    assert lead.mean.high < 0
    assert not lead.surely_above
    assert verdict.headline.startswith("A leads B on rendered clips by the median, and trails it by the mean")
    assert "A has the higher median, B the higher mean: -0.2" in verdict.sentences[0]


def test_a_variation_whose_first_has_the_lower_mean_is_within_noise():
    usual = table({"A": {"exact": 0.5}, "B": {"exact": 0.6}})
    other = table({"A": {"exact": 0.6}, "B": {"exact": 0.59}}, machine="slow", videos=6, traces=9, noise=0)
    for record in other:
        if record["contender"] == "A" and record["recording"] in ("r0", "r1", "r2", "r3"):
            record["rendering_f1_exact"] = 0.0
    assert "A (within noise) with slow" in only(usual + other).sentences[-1]


def test_a_single_clip_ranks_nothing():
    verdict = only(table({"A": {"model": 0.4}, "B": {"model": 0.9}}, videos=1, kind="real"))
    assert verdict.headline.startswith("B shows most on real clips, too few to rank anything")
    assert "an interval needs 3 of both at least" in verdict.sentences[0]


def test_disagreeing_truths_are_the_headline():
    verdict = only(table({"A": {"exact": 0.5, "model": 0.6}, "B": {"exact": 0.4, "model": 0.8}}))
    assert verdict.disagree
    assert verdict.headline == (
        "A wins by exact truth, B by the model's own results: the two truths disagree on rendered clips"
    )
    assert any(sentence.startswith("The rankings disagree. By exact truth: A, B.") for sentence in verdict.sentences)


def test_a_disagreement_below_the_top_is_told_but_does_not_replace_the_winner():
    scores = {
        "A": {"exact": 0.7, "model": 0.8},
        "B": {"exact": 0.5, "model": 0.4},
        "C": {"exact": 0.4, "model": 0.5},
    }
    verdict = only(table(scores))
    assert verdict.disagree
    assert verdict.headline.startswith("A wins")


def test_a_variation_in_which_another_wins_is_named():
    usual = table({"A": {"exact": 0.6}, "B": {"exact": 0.5}})
    other = table({"A": {"exact": 0.5}, "B": {"exact": 0.6}}, machine="paper (codec x2)")
    same = table({"A": {"exact": 0.6}, "B": {"exact": 0.5}}, machine="paper (codec x0.5)")
    verdict = only(usual + other + same)
    assert verdict.others == 2
    assert verdict.sentences[-1].startswith("Another contender wins in 1 of 2 variations: B with paper (codec x2)")
    assert only(usual + same).sentences[-1].startswith("The same contender wins in the one variation")


def test_a_variation_is_named_by_what_is_varied_in_it():
    usual = table({"A": {"exact": 0.6}, "B": {"exact": 0.5}})
    other = [{**record, "transport": "tcp"} for record in table({"A": {"exact": 0.5}, "B": {"exact": 0.6}})]
    assert only(usual + other).sentences[-1] == ("Another contender wins in the one variation: B with transport tcp.")


def test_the_same_first_without_a_sure_lead_is_told():
    usual = table({"A": {"exact": 0.6}, "B": {"exact": 0.5}})
    close = [table({"A": {"exact": 0.5}, "B": {"exact": 0.5}}, machine="slow", noise=0.05, seed=s) for s in range(9)]
    told = [only(usual + records).sentences[-1] for records in close]
    assert "The same contender is first in the one variation of link, traces and machine, within noise." in told
    far = table({"A": {"exact": 0.6}, "B": {"exact": 0.5}}, machine="quick")
    told = [only(usual + records + far).sentences[-1] for records in close]
    assert "The same contender is first in all 2 variations of link, traces and machine, surely in 1." in told


def test_a_variation_without_comparable_cells_is_none_in_which_the_same_wins():
    usual = table({"A": {"exact": 0.6}, "B": {"exact": 0.5}})
    torn = table({"A": {"exact": 0.6}, "B": {"exact": 0.5}}, machine="slow")
    torn = [r for r in torn if (r["contender"] == "A") == (r["video"] == "rendered0")]
    verdict = only(usual + torn)
    assert verdict.others == 0
    assert not any("same contender" in sentence for sentence in verdict.sentences)


def test_a_truth_that_some_clips_lack_is_named():
    records = table({"A": {"exact": 0.6, "model": 0.5}, "B": {"exact": 0.5, "model": 0.6}})
    bare = [{**r, "rendering_f1_exact": None} if r["video"] == "rendered0" else r for r in records]
    verdict = only(bare)
    assert [ranking.reference for ranking in verdict.rankings] == ["model"]
    assert "Nothing is ranked by exact truth: 3 of 4 clips have it." in verdict.sentences
    assert not any("Nothing is ranked" in sentence for sentence in only(records).sentences)


def test_kinds_of_clips_are_kept_apart():
    records = table({"A": {"exact": 0.6}, "B": {"exact": 0.5}})
    records += table({"A": {"model": 0.5}, "B": {"model": 0.6}}, kind="real")
    verdicts = verdicts_of(records, partial(rank, records, focus="A"))
    assert [(v.kind, v.rankings[0].order[0]) for v in verdicts] == [("rendered", "A"), ("real", "B")]
    assert [where.kind for where in main_slices(records)] == ["rendered", "real"]


def test_only_cells_that_every_contender_finished_count():
    records = table({"A": {"exact": 0.6}, "B": {"exact": 0.5}})
    lost = [record for record in records if record["contender"] == "B" and record["video"] == "rendered0"]
    ranking = rank([r for r in records if r not in lost], where(), "exact", focus="A")
    assert {standing.cells for standing in ranking.standings} == {15}


def where():
    return Slice(kind="rendered", traces="recorded", transport="ideal", machine="paper")


def test_a_contender_without_any_cell_leaves_the_others_ranked():
    records = table({"A": {"exact": 0.6}})
    ranking = rank(records, where(), "exact", focus="A")
    assert ranking.order == ("A",)
    assert ranking.to_next is None
    assert only(records).headline.startswith("A alone on rendered clips")


def test_differences_to_the_contender_in_focus_are_signed():
    ranking = rank(
        table({"A": {"exact": 0.6}, "B": {"exact": 0.5}, "C": {"exact": 0.7}}, noise=0), where(), "exact", focus="A"
    )
    assert ranking.to_focus["B"].mean.value == pytest.approx(-0.1)
    assert ranking.to_focus["C"].mean.value == pytest.approx(0.1)
    assert "A" not in ranking.to_focus


def test_references_come_with_the_most_trusted_first():
    assert references_in(table({"A": {"model": 0.6, "pseudo": 0.4, "exact": 0.5}}), where()) == [
        "exact",
        "model",
        "pseudo",
    ]
    assert references_in(table({"A": {"model": 0.6, "pseudo": 0.4}}), where()) == ["model", "pseudo"]
