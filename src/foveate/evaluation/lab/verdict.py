"""The verdict in words: who wins, by how much, how sure, and what it depends on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from foveate.evaluation.lab.phrases import counted, listed, range_text, score_text
from foveate.evaluation.lab.standings import Ranking, Slice, clips_with, main_slices, references_in, slices_of
from foveate.evaluation.lab.statistics import LEAST_CLUSTERS, Difference
from foveate.evaluation.lab.tables import Record

REFERENCE_NAMES = {
    "exact": "exact truth",
    "model": "the model's own full-resolution results",
    "pseudo": "the boxes of an independent detector",
}
"""In words, by name of the reference."""
FEW_CLUSTERS = 5
"""With fewer videos or recordings a percentile interval is known to be too narrow."""
State = Literal["sure", "few", "open", "disagree"]
"""The first is surely above all others; so it is, but by few videos or recordings; it is not; truths contradict."""


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A slice in which another contender wins than in the main one."""

    where: Slice
    winner: str
    sure: bool
    """Whether the interval of its lead there lies above 0."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Of one kind of clips."""

    kind: str
    rankings: tuple[Ranking, ...]
    """Of the main slice, by every truth, the most trusted first."""
    flips: tuple[Flip, ...]
    """Among the other slices, by the most trusted truth."""
    others: int
    """How many other slices have a ranking."""
    sure_others: int
    """In how many of them the interval of the lead of whoever is first lies above 0."""
    uncovered: tuple[str, ...] = ()
    """What is not ranked because a truth covers a part of the clips alone, a sentence each."""

    @property
    def contradictions(self) -> tuple[tuple[str, str], ...]:
        """Pairs of which exact truth puts the first surely above the second, and the model's own results below."""
        by = {ranking.reference: ranking.surely_above for ranking in self.rankings}
        if not {"exact", "model"} <= set(by):
            return ()
        return tuple(
            (upper, lower)
            for upper, below in by["exact"].items()
            for lower in below
            if upper in by["model"].get(lower, ())
        )

    @property
    def disagree(self) -> bool:
        """Whether exact truth and the model's own results contradict each other beyond what noise explains."""
        return bool(self.contradictions)

    @property
    def state(self) -> State:
        """How settled it is."""
        best = self.rankings[0]
        if self.disagree:
            return "disagree"
        if best.to_next is None or best.tied:
            return "open"
        return "few" if _few(best.to_next) else "sure"

    @property
    def headline(self) -> str:
        """One sentence."""
        best, reference = self.rankings[0], REFERENCE_NAMES[self.rankings[0].reference]
        if self.disagree and best.order[0] != self._by("model").order[0]:
            return (
                f"{best.order[0]} wins by exact truth, {self._by('model').order[0]} by the model's own results: "
                f"the two truths disagree on {self.kind} clips"
            )
        return _headline(best, reference)

    def _by(self, reference: str) -> Ranking:
        return next(ranking for ranking in self.rankings if ranking.reference == reference)

    @property
    def sentences(self) -> list[str]:
        """What stands below the headline."""
        best = self.rankings[0]
        found = [_lead(best), *_rivals(best)]
        if best.enough and best.order[0] != best.focus:
            found += _beside_focus(best)
        found += [*self._unconfirmed(), *map(_lead, self.rankings[1:])]
        return [*found, *self._agreement(), *self.uncovered, *self._dependence()]

    def _unconfirmed(self) -> list[str]:
        """A lead that a less trusted truth does not show."""
        first, shown = self.rankings[0].order[0], self.rankings[0].surely_above
        missing = {
            other.reference: [rival for rival in shown[first] if rival not in other.surely_above.get(first, ())]
            for other in self.rankings[1:]
        }
        return [
            f"By {REFERENCE_NAMES[reference]} it is not confirmed that {first} is above {listed(rivals)}."
            for reference, rivals in missing.items()
            if rivals
        ]

    def _agreement(self) -> list[str]:
        """Of exact truth and the model's own results."""
        if not self.rankings[0].enough or not {r.reference for r in self.rankings} >= {"exact", "model"}:
            return []
        exact, model = self._by("exact").order, self._by("model").order
        if exact == model:
            return ["Exact truth and the model's own results give the same order."]
        orders = f"By exact truth: {', '.join(exact)}. By the model's own results: {', '.join(model)}."
        if not self.disagree:
            return [f"The two orders differ by no more than noise explains. {orders}"]
        apart = "; ".join(f"{upper} against {lower}" for upper, lower in self.contradictions)
        why = "The first counts: the second also rewards repeating the model's mistakes."
        return [f"The rankings disagree. {orders} Each is sure of the contrary for {apart}. {why}"]

    def _dependence(self) -> list[str]:
        if not self.others:
            return []
        if not self.flips:
            them = "the one variation" if self.others == 1 else f"all {self.others} variations"
            what = f"{them} of link, traces and machine"
            if self.sure_others == self.others:
                return [f"The same contender wins in {what}."]
            sure = "within noise" if self.others == 1 else f"surely in {self.sure_others}"
            return [f"The same contender is first in {what}, {sure}."]
        main = self.rankings[0].where
        them = "the one variation" if self.others == 1 else f"{len(self.flips)} of {self.others} variations"
        told = (
            f"{flip.winner}{'' if flip.sure else ' (within noise)'} with {_varied(flip.where, main)}"
            for flip in self.flips
        )
        return [f"Another contender wins in {them}: {'; '.join(told)}."]


RankBy = Callable[[Slice, str], Ranking | None]
"""The ranking of a slice by one truth; None without complete cells."""


def verdicts_of(records: Sequence[Record], rank_by: RankBy) -> list[Verdict]:
    """One for each kind of clips that has complete cells."""
    found = []
    for where in main_slices(records):
        told = _ranked(rank_by, [(where, name) for name in references_in(records, where)])
        if told:
            others = [other for other in slices_of(records) if other.kind == where.kind and other != where]
            ranked = _ranked(rank_by, [(other, told[0].reference) for other in others])
            found.append(
                Verdict(
                    kind=where.kind,
                    rankings=tuple(told),
                    flips=_flips(ranked, told[0]),
                    others=len(ranked),
                    sure_others=sum(_leads_surely(ranking) for ranking in ranked),
                    uncovered=_uncovered(records, where),
                )
            )
    return found


def _ranked(rank_by: RankBy, places: Sequence[tuple[Slice, str]]) -> list[Ranking]:
    """Rankings of slices by a truth each, where there are any."""
    return [ranking for place in places if (ranking := rank_by(*place)) is not None]


def _uncovered(records: Sequence[Record], where: Slice) -> tuple[str, ...]:
    """A truth that some clips lack ranks nothing: that must not go unsaid."""
    counts = {name: clips_with(records, where, name) for name in REFERENCE_NAMES}
    return tuple(
        f"Nothing is ranked by {REFERENCE_NAMES[name]}: {with_it} of {clips} clips have it."
        for name, (with_it, clips) in counts.items()
        if 0 < with_it < clips
    )


def _flips(others: Sequence[Ranking], main: Ranking) -> tuple[Flip, ...]:
    return tuple(
        Flip(where=ranking.where, winner=ranking.order[0], sure=_leads_surely(ranking))
        for ranking in others
        if ranking.order[0] != main.order[0]
    )


def _leads_surely(ranking: Ranking) -> bool:
    return ranking.to_next is not None and ranking.to_next.surely_above


def _varied(where: Slice, main: Slice) -> str:
    """In what a slice differs from the main one."""
    parts = (
        (where.machine, main.machine, ""),
        (where.traces, main.traces, "traces "),
        (where.transport, main.transport, "transport "),
    )
    return ", ".join(f"{name}{here}" for here, there, name in parts if here != there)


def _headline(best: Ranking, reference: str) -> str:
    """Without a contradiction of truths."""
    lead, kind, first = best.to_next, best.where.kind, best.order[0]
    if lead is None:
        median = score_text(best.standings[0].median.value)
        return f"{first} alone on {kind} clips: a median rendering F1 of {median} by {reference}"
    if not lead.enough:
        return f"{first} shows most on {kind} clips, too few to rank anything: {_medians(best, best.order[1])}"
    trailed = [rival for rival in best.tied if best.to_rivals[rival].mean.high < 0]
    if trailed:
        return (
            f"{first} leads {trailed[0]} on {kind} clips by the median, and trails it by the mean: "
            f"{_medians(best, trailed[0])}"
        )
    if len(best.tied) > 1:
        cannot = _cannot(len(best.tied), len(best.order) - 1)
        return f"{first} shows most on {kind} clips, but {cannot} be told apart from it, by {reference}"
    if best.tied:
        return f"{first} and {best.tied[0]} cannot be told apart on {kind} clips: {_medians(best, best.tied[0])}"
    amount = score_text(lead.mean.value, signed=True)
    return (
        f"{first} wins on {kind} clips: {amount} rendering F1 above {best.order[1]} (95 % interval "
        f"{range_text(lead.mean, signed=True)}), by {reference}"
    )


def _cannot(tied: int, others: int) -> str:
    return f"none of the {others} others can" if tied == others else f"{tied} of {others} others cannot"


def _medians(ranking: Ranking, rival: str) -> str:
    medians = {standing.contender: score_text(standing.median.value) for standing in ranking.standings}
    return (
        f"median rendering F1 {medians[ranking.order[0]]} against {medians[rival]} of {rival}, by "
        f"{REFERENCE_NAMES[ranking.reference]}"
    )


def _lead(ranking: Ranking) -> str:
    """By how much the first leads the second, and how sure that is."""
    reference, lead, ahead = REFERENCE_NAMES[ranking.reference], ranking.to_next, ranking.ahead
    best = ranking.standings[0]
    if lead is None or ahead is None:
        return f"By {reference}: {best.contender} at a median of {score_text(best.median.value)}, without a rival."
    rival, amount = ranking.order[1], score_text(lead.mean.value, signed=True)
    how = f"leads {rival} by" if lead.mean.value >= 0 else f"has the higher median, {rival} the higher mean:"
    return (
        f"By {reference}: {best.contender} {how} {amount} rendering F1 in the mean of "
        f"{counted(lead.cells, 'cell')} ({_how_sure(lead)}). Medians {score_text(best.median.value)} and "
        f"{score_text(ranking.standings[1].median.value)}; {best.contender} shows more in {ahead.cells} of "
        f"{counted(lead.cells, 'cell')}, in the mean on {ahead.videos} of {counted(lead.videos, 'video')} and over "
        f"{ahead.recordings} of {counted(lead.recordings, 'recording')}."
    )


def _how_sure(lead: Difference) -> str:
    if not lead.enough:
        return (
            f"{counted(lead.videos, 'video')}, {counted(lead.recordings, 'recording')}; an interval needs "
            f"{LEAST_CLUSTERS} of both at least"
        )
    borders = f"95 % interval {range_text(lead.mean, signed=True)}"
    few = f", but with fewer than {FEW_CLUSTERS} of either it is too narrow" if _few(lead) else ""
    if lead.sure:
        return f"{borders}: it leaves 0 out{few}"
    return f"{borders}: it holds 0, {100 * max(lead.above, 1 - lead.above):.0f} % of the draws agree on the sign{few}"


def _few(lead: Difference) -> bool:
    return min(lead.videos, lead.recordings) < FEW_CLUSTERS


def _rivals(ranking: Ranking) -> list[str]:
    """Where the first stands beside the contenders after the second."""
    later = {rival: ranking.to_rivals[rival] for rival in ranking.order[2:]}
    if not ranking.enough or not later:
        return []
    above, level, below = _sorted_out(later)
    parts = [("is surely above", above), ("cannot be told apart from", level), ("is surely below", below)]
    return [f"Of the others: it {'; it '.join(f'{what} {listed(which)}' for what, which in parts if which)}."]


def _beside_focus(ranking: Ranking) -> list[str]:
    """The experiment asks about one contender, and another is first."""
    about = {label: ranking.to_focus[label] for label in ranking.order if label in ranking.to_focus}
    if not about:
        return []
    above, level, below = _sorted_out(about)
    parts = [("surely more is shown by", above), ("surely less by", below), ("it cannot be told apart from", level)]
    told = "; ".join(f"{what} {listed(which)}" for what, which in parts if which)
    return [f"Beside {ranking.focus}, by {REFERENCE_NAMES[ranking.reference]}: {told}."]


def _sorted_out(found: Mapping[str, Difference]) -> tuple[list[str], list[str], list[str]]:
    """Labels with their mean differences: surely above 0, neither, surely below."""
    above: list[str] = []
    level: list[str] = []
    below: list[str] = []
    for label, difference in found.items():
        group = level if not difference.sure else above if difference.surely_above else below
        group.append(f"{label} ({score_text(difference.mean.value, signed=True)})")
    return above, level, below
