"""The table of `make trust`."""

import pytest

from .table import BEGIN, END, Row, as_text, write

FIRST = Row("reports", "killed", "90 kills", 0, 42.4, 7, 0, 0)
SECOND = Row("words", "read", "1,000 texts", 2, 600)


def test_a_row_has_a_dash_where_there_is_nothing_to_count():
    assert SECOND.cells() == ("words", "read", "1,000 texts", "-", "-", "2", "-", "10 min")
    assert as_text([FIRST, SECOND]).splitlines()[1].split() == (
        ["reports", "killed", "90", "kills", "0", "0", "0", "7", "42", "s"]
    )


@pytest.mark.parametrize("field", ["lost", "doubled", "wrong"])
def test_anything_lost_doubled_or_wrong_breaks_a_promise(field):
    found = {"lost": 0, "doubled": 0, "wrong": 0, field: 1}
    assert FIRST.holds
    assert not Row("reports", "killed", "90 kills", seconds=1, **found).holds


def test_a_part_that_is_run_again_takes_the_place_of_its_rows_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Proof\n\n{BEGIN}\n{END}\n\nafterwards\n")
    write(page, [SECOND, FIRST], ["reports", "words"])
    write(page, [Row("words", "read", "5 texts", 0, 1)], ["reports", "words"])
    lines = page.read_text().splitlines()
    rows = [line for line in lines if line.startswith("|")][2:]
    assert rows == [
        "| reports | killed | 90 kills | 0 | 0 | 0 | 7 | 42 s |",
        "| words | read | 5 texts | - | - | 0 | - | 1 s |",
    ]
    assert lines[0] == "# Proof"
    assert lines[-1] == "afterwards"
