"""Tables as files."""

import csv
import sys
from dataclasses import replace

import msgspec
import pytest

from foveate.core import FoveateError
from foveate.evaluation.lab.report_data import ReportData
from foveate.evaluation.lab.result import OFFLOAD_COLUMNS
from foveate.evaluation.lab.tables import write_tables
from foveate.testing.comparisons import drawn_comparison


@pytest.fixture
def comparison(inputs, tmp_path):
    return drawn_comparison(tmp_path, inputs / "fast.csv", inputs / "round.json", videos=1, traces=1, seconds=1.0)


@pytest.mark.parquet
def test_parquet_holds_what_the_tables_hold(comparison, tmp_path):
    from pyarrow import parquet

    write_tables(comparison.cells, tmp_path, parquet=True)
    for name in ("cells", "offloads", "frames", "objects", "choices"):
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        table = parquet.read_table(tmp_path / f"{name}.parquet")
        assert (table.num_rows, table.column_names) == (len(rows), list(rows[0]))


@pytest.mark.parquet
def test_names_stay_text_in_parquet(comparison, tmp_path):
    from pyarrow import parquet

    def numbered(stored):
        clip = msgspec.structs.replace(stored.cell.clip, name="001")
        return msgspec.structs.replace(stored, cell=msgspec.structs.replace(stored.cell, clip=clip))

    write_tables([(c, numbered(s)) for c, s in comparison.cells], tmp_path, parquet=True)
    for name in ("cells", "choices"):
        assert set(parquet.read_table(tmp_path / f"{name}.parquet")["video"].to_pylist()) == {"001"}


@pytest.mark.parquet
def test_parquet_without_rows_is_written_too(comparison, tmp_path):
    from pyarrow import parquet

    empty = [(c, msgspec.structs.replace(s, result=replace(s.result, offloads=[]))) for c, s in comparison.cells]
    write_tables(empty, tmp_path, parquet=True)
    assert parquet.read_table(tmp_path / "offloads.parquet").num_rows == 0


def test_a_table_without_rows_has_its_head(comparison, tmp_path):
    """As when the link let no offload pass."""
    empty = [
        (c, msgspec.structs.replace(s, result=replace(s.result, offloads=[], choices=[], objects=[])))
        for c, s in comparison.cells
    ]
    write_tables(comparison.cells, tmp_path / "full", parquet=False)
    write_tables(empty, tmp_path / "empty", parquet=False)
    for name in ("offloads", "objects", "choices"):
        head, *rows = (tmp_path / "empty" / f"{name}.csv").read_text().splitlines()
        assert head == (tmp_path / "full" / f"{name}.csv").read_text().splitlines()[0]
        assert not rows


def test_offloads_that_failed_are_no_delays(comparison):
    """They have stages of 0 s and waited for seconds: means of stages and latencies would be neither."""
    failed, latency = OFFLOAD_COLUMNS.index("failed"), OFFLOAD_COLUMNS.index("e2e_latency_s")

    def with_failures(stored):
        rows = [
            tuple(1 if i == failed else 5.0 if i == latency else v for i, v in enumerate(stored.result.offloads[0]))
        ]
        return msgspec.structs.replace(stored, result=replace(stored.result, offloads=stored.result.offloads + rows))

    whole = ReportData(comparison=comparison)
    torn = ReportData(comparison=replace(comparison, cells=[(c, with_failures(s)) for c, s in comparison.cells]))
    for label, values in whole.offloads(whole.mains[0], "e2e_latency_s").items():
        assert torn.offloads(torn.mains[0], "e2e_latency_s")[label].tolist() == values.tolist()


def test_parquet_without_pyarrow_names_the_extra(comparison, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FoveateError, match=r"pip install 'foveate\[parquet\]'"):
        write_tables(comparison.cells, tmp_path, parquet=True)
