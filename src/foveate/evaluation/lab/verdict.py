"""The verdict in words: who wins, by how much, how sure, and what it depends on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    uncovered: tuple[str, ...] = ()
    """What is not ranked because a truth covers a part of the clips alone, a sentence each."""

    @property
    def disagree(self) -> bool:
        """Whether the rankings by exact truth and by the model's own results differ, if there is a ranking at all."""
        if not self.rankings[0].enough:
            return False
        orders = {ranking.reference: ranking.order for ranking in self.rankings}
        return "exact" in orders and "model" in orders and orders["exact"] != orders["model"]

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
        found = [_lead(ranking) for ranking in self.rankings]
        if self.disagree:
            exact, model = self._by("exact").order, self._by("model").order
            found.append(
                f"The rankings disagree. By exact truth: {', '.join(exact)}. By the model's own results: "
                f"{', '.join(model)}. The first counts: the second also rewards repeating the model's mistakes."
            )
        elif self.rankings[0].enough and {r.reference for r in self.rankings} >= {"exact", "model"}:
            found.append("Exact truth and the model's own results give the same order.")
        return [*found, *self.uncovered, *self._dependence()]

    def _dependence(self) -> list[str]:
        if not self.others:
            return []
        if not self.flips:
            them = "the one variation" if self.others == 1 else f"all {self.others} variations"
            return [f"The same contender wins in {them} of link, traces and machine."]
        listed = "; ".join(
            f"{flip.winner}{'' if flip.sure else ' (within noise)'} with {flip.where.machine}, traces "
            f"{flip.where.traces}, transport {flip.where.transport}"
            for flip in self.flips
        )
        return [f"Another contender wins in {len(self.flips)} of {self.others} variations: {listed}."]


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
        Flip(
            where=ranking.where,
            winner=ranking.order[0],
            sure=ranking.to_next is not None and ranking.to_next.surely_above,
        )
        for ranking in others
        if ranking.order[0] != main.order[0]
    )


def _headline(best: Ranking, reference: str) -> str:
    """Without a disagreement of truths."""
    lead, kind, median = best.to_next, best.where.kind, best.standings[0].median.value
    if lead is None:
        return f"{best.order[0]} alone on {kind} clips: a median rendering F1 of {median:.3f} by {reference}"
    medians = f"{median:.3f} against {best.standings[1].median.value:.3f} of {best.order[1]}, by {reference}"
    if lead.surely_above:
        return f"{best.order[0]} wins on {kind} clips: median rendering F1 {medians}"
    if not lead.enough:
        return f"{best.order[0]} shows most on {kind} clips, too few to rank anything: median rendering F1 {medians}"
    if lead.sure:
        return (
            f"{best.order[0]} leads {best.order[1]} on {kind} clips by the median, and trails it by the mean: median "
            f"rendering F1 {medians}"
        )
    return f"{best.order[0]} and {best.order[1]} cannot be told apart on {kind} clips: median rendering F1 {medians}"


def _lead(ranking: Ranking) -> str:
    """By how much the first leads, and how sure that is."""
    reference, lead = REFERENCE_NAMES[ranking.reference], ranking.to_next
    best = ranking.standings[0]
    if lead is None:
        return f"By {reference}: {best.contender} at a median of {best.median.value:.3f}, without a rival."
    rival = ranking.order[1]
    how = f"leads {rival} by" if lead.mean.value >= 0 else f"has the higher median, {rival} the higher mean:"
    return (
        f"By {reference}: {best.contender} {how} {lead.mean.value:+.3f} rendering F1 in the mean of {lead.cells} cells "
        f"(95 % interval {lead.mean.low:+.3f} to {lead.mean.high:+.3f}; {lead.videos} videos, {lead.recordings} "
        f"recordings; {_how_sure(lead)})."
    )


def _how_sure(lead: Difference) -> str:
    if not lead.enough:
        return f"an interval needs {LEAST_CLUSTERS} of both at least"
    few = ", though few samples make it narrow" if min(lead.videos, lead.recordings) < FEW_CLUSTERS else ""
    if lead.sure:
        return f"it leaves 0 out{few}"
    return f"it holds 0, {100 * max(lead.above, 1 - lead.above):.0f} % of the draws agree on the sign{few}"
