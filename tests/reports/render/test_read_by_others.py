"""CSV files as other programs read them: sums are equal, numbers are numbers, names run nothing."""

from __future__ import annotations

import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest

from reports.questions.query import Query
from reports.render.csv import write_csv
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import UsageRow, dollars, total
from tests.reports.render.samples import HOSTILE, KEYS, MONTH, rows, time_range

SPAN = time_range(MONTH)
OFFICE = shutil.which("soffice")
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE_NS = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
# comma, quote, UTF-8; numbers and formulas are found in quotes too
_FILTER = "CSV:44,34,76,1,,0,false,true,false,false,0,true"


@pytest.fixture
def used() -> list[UsageRow]:
    """A month of usage by keys, some of which would be formulas."""
    return rows(SPAN, (*KEYS, *HOSTILE), density=60)


@pytest.fixture
def export(tmp_path: Path, used: list[UsageRow]) -> Path:
    """Its spend by key as a file."""
    path = tmp_path / "export.csv"
    with path.open("wb") as out:
        write_csv(Query(metric=Metric.SPEND, by=Dimension.KEY), used, out)
    return path


def test_duckdb_adds_up_what_was_used(export: Path, used: list[UsageRow]) -> None:
    found = duckdb.sql(
        "SELECT COUNT(*), SUM(Spend::DECIMAL(38, 9)), SUM(Credits::DECIMAL(38, 9)) FROM"
        f" read_csv('{export}', all_varchar = true, max_line_size = 1000000)"
    ).fetchall()
    whole = total(row.usage for row in used)
    expected = [Decimal(dollars(n)) for n in (whole.value(Metric.SPEND), whole.credits)]
    assert found == [(len(used), *expected)]


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice (soffice) is not installed")
def test_libreoffice_finds_numbers_and_not_one_formula(
    export: Path, used: list[UsageRow], tmp_path: Path
) -> None:
    careless = tmp_path / "careless.csv"
    careless.write_text('Name,Spend\n"=1+1","1.5"\n')
    assert opened_in_office(careless) == (1, 1)
    assert opened_in_office(export) == (0, 3 * len(used))


def opened_in_office(path: Path) -> tuple[int, int]:
    """How many cells of a file are formulas, and how many are plain numbers."""
    assert OFFICE is not None
    profile = (path.parent / "profile").as_uri()
    subprocess.run(
        [OFFICE, f"-env:UserInstallation={profile}", "--headless", f"--infilter={_FILTER}",
         "--convert-to", "fods", "--outdir", str(path.parent), str(path)],
        check=True, capture_output=True, timeout=240,
    )  # fmt: skip
    formulas = numbers = 0
    for cell in ElementTree.parse(path.with_suffix(".fods")).iter(f"{TABLE}table-cell"):
        if cell.get(f"{TABLE}formula"):
            formulas += 1
        elif cell.get(f"{OFFICE_NS}value-type") == "float":
            numbers += int(cell.get(f"{TABLE}number-columns-repeated", "1"))
    return formulas, numbers
