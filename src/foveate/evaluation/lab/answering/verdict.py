"""The verdict on answering policies in words: who answers best, by how much, how sure, and where another does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foveate.evaluation.lab.answering.standings import AnswerTable, Standing, side
from foveate.evaluation.lab.phrases import counted, interval_text, listed, score_text
from foveate.evaluation.lab.statistics import LEAST_CLUSTERS, Difference
from foveate.evaluation.lab.verdict import FEW_CLUSTERS, State


@dataclass(frozen=True, kw_only=True)
class AnswerVerdict:
    """On one kind of clips under the main condition."""

    kind: str
    state: State
    headline: str
    """One sentence."""
    sentences: tuple[str, ...]
    """What stands below it."""


def answer_verdicts(tables: Sequence[AnswerTable], focus: str) -> list[AnswerVerdict]:
    """One for each kind of clips whose main table has cells that all contenders have."""
    return [
        _verdict(table, [other for other in tables if other.kind == table.kind and not other.main], focus)
        for table in tables
        if table.main and table.winner is not None
    ]


def _verdict(table: AnswerTable, others: Sequence[AnswerTable], focus: str) -> AnswerVerdict:
    winner = str(table.winner)
    tied = [label for label, found in table.to_winner.items() if side(found) < 1]
    clips = f"the one {table.kind} clip" if table.videos == 1 else f"{table.kind} clips"
    told = [
        *_lead(table, winner),
        *(_beside(table, focus) if winner != focus and table.comparable else []),
        *_cost(table, winner),
        *_one_clip(table),
        *_elsewhere(table, others),
    ]
    return AnswerVerdict(
        kind=table.kind,
        state=_state(table, tied),
        headline=_headline(table, winner, tied, clips),
        sentences=tuple(told),
    )


def _state(table: AnswerTable, tied: Sequence[str]) -> State:
    fewest = min((min(found.videos, found.recordings) for found in table.to_winner.values()), default=0)
    if tied or fewest < LEAST_CLUSTERS:
        return "open"
    return "few" if fewest < FEW_CLUSTERS else "sure"


def _headline(table: AnswerTable, winner: str, tied: Sequence[str], clips: str) -> str:
    by = "by exact truth" if table.reference == "exact" else "by agreement with a detector outside the system"
    score = score_text(_standing(table, winner).intervals["per_frame"].value)
    if not table.to_winner:
        return f"{winner} alone on {clips}: AP50 per frame {score}, {by}"
    if not table.comparable:
        return f"{winner} answers best on {clips}, too little to rank anything: AP50 per frame {score}, {by}"
    if not tied:
        rival, lead = min(table.to_winner.items(), key=lambda found: found[1].mean.value)
        amount = interval_text(lead.mean, signed=True)
        return f"{winner} answers best on {clips}: AP50 per frame {amount} above {rival}, {by}"
    others = len(table.to_winner)
    cannot = (
        f"none of {counted(others, 'other')} can" if len(tied) == others else f"{len(tied)} of {others} others cannot"
    )
    return f"{winner} has the greatest AP50 per frame on {clips}, {score}, but {cannot} be told apart from it, {by}"


def _lead(table: AnswerTable, winner: str) -> list[str]:
    """The winner beside all others."""
    if not table.comparable:
        return []
    parts = _sorted_out(table.to_winner)
    words = ("is surely above", "cannot be told apart from", "is surely below")
    told = "; it ".join(f"{what} {listed(which)}" for what, which in zip(words, parts, strict=True) if which)
    return [f"By AP50 per frame over {counted(table.common, 'cell')} that all have, {winner} {told}."]


def _beside(table: AnswerTable, focus: str) -> list[str]:
    """What the experiment is about beside all others."""
    if not table.differences:
        return []
    above, level, below = _sorted_out(table.differences)
    parts = (("is surely above", above), ("cannot be told apart from", level), ("is surely below", below))
    return [f"{focus} {'; it '.join(f'{what} {listed(which)}' for what, which in parts if which)}."]


def _sorted_out(found: Mapping[str, Difference]) -> tuple[list[str], list[str], list[str]]:
    """Labels with their mean differences: surely above 0, neither, surely below."""
    sides = {label: side(difference) for label, difference in found.items()}
    told = {label: f"{label} ({score_text(d.mean.value, signed=True)})" for label, d in found.items()}
    above, level, below = ([told[label] for label in found if sides[label] == one] for one in (1, 0, -1))
    return above, level, below


def _cost(table: AnswerTable, winner: str) -> list[str]:
    of = _standing(table, winner).intervals
    if not {"frame_latency_s_mean", "violation_rate", "bytes_per_answer"} <= set(of):
        return []
    latency, missed, sent = (of[name].value for name in ("frame_latency_s_mean", "violation_rate", "bytes_per_answer"))
    misses = f"misses the deadline of {1000 * table.deadline_s:.0f} ms on {100 * missed:.1f} % of the frames"
    sends = f"sends {sent / 1000:.0f} kB an answer"
    return [f"{winner} answers in {1000 * latency:.0f} ms in the mean, {misses} and {sends}."]


def _one_clip(table: AnswerTable) -> list[str]:
    if table.videos > 1:
        return []
    return ["All of this is one clip: intervals are over its recordings alone and say nothing of other clips."]


def _elsewhere(table: AnswerTable, others: Sequence[AnswerTable]) -> list[str]:
    ranked = [other for other in others if other.winner is not None]
    other_winners = [f"{other.winner} ({_differing(other, table)})" for other in ranked if other.winner != table.winner]
    if not ranked:
        return []
    if not other_winners:
        return [f"The same has the greatest AP50 in {_all(len(ranked))}."]
    them = "the other condition" if len(ranked) == 1 else f"{len(other_winners)} of {len(ranked)} other conditions"
    return [f"Another has the greatest AP50 in {them}: {'; '.join(other_winners)}."]


def _differing(other: AnswerTable, table: AnswerTable) -> str:
    """What of the other's condition is not this one's."""
    known = table.condition.label.split(", ")
    return ", ".join(word for word in other.condition.label.split(", ") if word not in known)


def _all(conditions: int) -> str:
    return "the other condition" if conditions == 1 else f"all {conditions} other conditions"


def _standing(table: AnswerTable, label: str) -> Standing:
    return next(standing for standing in table.standings if standing.contender == label)
