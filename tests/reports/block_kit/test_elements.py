from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from reports.block_kit import elements as parts
from reports.wording.safe_text import escape

ANY = st.text(max_size=4_000)


@given(ANY)
def test_every_piece_keeps_its_own_limit(text: str) -> None:
    assert len(parts.section(text)["text"]["text"]) <= 3_000
    assert len(parts.header(text)["text"]["text"]) <= 150
    assert len(parts.button(text, "act")["text"]["text"]) <= 75
    assert len(parts.option(text, "value")["text"]["text"]) <= 75
    assert len(parts.menu("act", text, [])["placeholder"]["text"]) <= 150
    sure = parts.confirmation(text, text, text)
    limits = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
    assert all(len(sure[name]["text"]) <= limit for name, limit in limits.items())


def test_a_row_beside_each_other_has_ten_at_most() -> None:
    texts = [str(n) for n in range(30)]
    assert len(parts.context(*texts)["elements"]) == 10
    assert len(parts.fields(*texts)["fields"]) == 10


@given(st.text(alphabet="&<>`ab ", max_size=800), st.integers(2, 400))
def test_a_cut_never_leaves_a_part_of_an_entity(text: str, longest: int) -> None:
    shown = parts.fit(escape(text), longest)
    assert len(shown) <= longest
    rest = shown.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in rest


@given(st.text(alphabet="&<>`ab \n", max_size=800))
def test_nothing_typed_ends_the_code_it_stands_in(text: str) -> None:
    shown = parts.code(text)
    assert shown[0] == shown[-1] == "`"
    assert "`" not in shown[1:-1]
    assert len(shown) <= parts.LONGEST_CODE + 2


@given(st.lists(st.text(alphabet="ab", max_size=parts.LONGEST_SECTION), max_size=12))
def test_packed_lines_are_all_there_and_fit_into_sections(lines: list[str]) -> None:
    texts = parts.packed(lines)
    assert "\n".join(texts) == "\n".join(lines)
    assert all(len(text) <= parts.LONGEST_SECTION for text in texts)


@given(st.lists(st.text(alphabet="ab", max_size=40), max_size=12), st.integers(0, 200))
def test_as_many_lines_as_fit_are_kept_from_the_first(lines: list[str], longest: int) -> None:
    kept = parts.fitting(lines, longest)
    assert kept == lines[: len(kept)]
    assert len("\n".join(kept)) <= longest or not kept
    assert kept == lines or len("\n".join(lines[: len(kept) + 1])) > longest


def test_the_option_that_is_chosen_stands_in_the_menu() -> None:
    options = [parts.option("One", "1"), parts.option("Two", "2")]
    assert parts.menu("act", "Which", options, "2")["initial_option"] == options[1]
    assert "initial_option" not in parts.menu("act", "Which", options, "3")


def test_a_moment_has_words_for_who_cannot_draw_it() -> None:
    at = datetime(2026, 11, 22, 10, 31, tzinfo=UTC)
    assert parts.moment(at).endswith("|22 Nov 2026, 10:31 UTC>")
    assert parts.moment(at, "Monday").endswith("|Monday>")
