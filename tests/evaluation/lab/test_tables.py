"""Tables as files."""

import csv
import sys

import pytest

from foveate.core import FoveateError
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


def test_parquet_without_pyarrow_names_the_extra(comparison, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FoveateError, match=r"pip install 'foveate\[parquet\]'"):
        write_tables(comparison.cells, tmp_path, parquet=True)
