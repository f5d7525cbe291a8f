"""What figures and tables of a report are drawn from: the cells of a comparison, sorted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from foveate.evaluation.lab.compare import Comparison
from foveate.evaluation.lab.result import FRAME_COLUMNS, OFFLOAD_COLUMNS, Value
from foveate.evaluation.lab.standings import Ranking, Slice, main_slices, rank, references_in, slices_of
from foveate.evaluation.lab.store import Stored
from foveate.evaluation.lab.tables import Record, cell_records
from foveate.evaluation.lab.verdict import Verdict, verdicts_of

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportData:
    """One comparison."""

    comparison: Comparison
    _rankings: dict[tuple[Slice, str], Ranking | None] = field(default_factory=dict, init=False)

    @property
    def focus(self) -> str:
        """Label of the contender that the others are compared with."""
        return self.comparison.experiment.compared_with

    @cached_property
    def records(self) -> list[Record]:
        """Rows of the table of cells."""
        return cell_records(self.comparison.cells)

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """One for each kind of clips."""
        return verdicts_of(self.records, self.ranking)

    def ranking(self, where: Slice, reference: str) -> Ranking | None:
        """Of a slice by one truth; computed once."""
        if (where, reference) not in self._rankings:
            self._rankings[where, reference] = rank(self.records, where, reference, focus=self.focus)
        return self._rankings[where, reference]

    @property
    def mains(self) -> list[Slice]:
        """The main slice of each kind of clips."""
        return main_slices(self.records)

    def others(self, where: Slice) -> list[Slice]:
        """The other slices of the same kind of clips."""
        return [other for other in slices_of(self.records) if other.kind == where.kind and other != where]

    def references(self, where: Slice) -> list[str]:
        """Truths of a slice, the most trusted first."""
        return references_in(self.records, where)

    @property
    def labels(self) -> list[str]:
        """Of the contenders that finished anything, in the experiment's order."""
        there = {str(record["contender"]) for record in self.records}
        return [row.label for row in self.comparison.experiment.rows if row.label in there]

    def cells(self, where: Slice) -> dict[str, list[Stored]]:
        """By contender, the cells of a slice that every contender finished, in the same order; empty without any."""
        found: dict[tuple[str, ...], dict[str, Stored]] = {}
        for record, (contender, stored) in zip(self.records, self.comparison.cells, strict=True):
            if where.holds(record):
                found.setdefault(stored.cell.group, {})[contender.label] = stored
        labels = list(dict.fromkeys(label for group in found.values() for label in group))
        full = [group for group in found.values() if len(group) == len(labels)]
        return {label: [group[label] for group in full] for label in self.labels if label in labels} if full else {}

    def figure(self, where: Slice, name: str) -> dict[str, Numbers]:
        """A figure of every complete cell, by contender; cells without it are left out."""
        return {
            label: _array(stored.result.figures.get(name) for stored in cells)
            for label, cells in self.cells(where).items()
        }

    def offloads(self, where: Slice, column: str) -> dict[str, Numbers]:
        """A column of the offloads of complete cells that brought a result, by contender.

        One that failed has stages of 0 s, and as its latency the time that was waited.
        """
        at, failed = OFFLOAD_COLUMNS.index(column), OFFLOAD_COLUMNS.index("failed")
        return {
            label: _array(row[at] for stored in cells for row in stored.result.offloads if not row[failed])
            for label, cells in self.cells(where).items()
        }

    def frames(self, where: Slice, column: str) -> dict[str, Numbers]:
        """A column of all displayed frames of complete cells, by contender."""
        at = FRAME_COLUMNS.index(column)
        return {
            label: _array(row[at] for stored in cells for row in stored.result.frames)
            for label, cells in self.cells(where).items()
        }


def _array(values: "Iterator[Value]") -> Numbers:
    return np.array([value for value in values if value is not None], np.float64)
