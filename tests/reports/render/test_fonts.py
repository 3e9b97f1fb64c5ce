from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import reports.render.fonts as shipped
from reports.render.fonts import FALLBACKS, Face, fit, font, runs, width
from reports.render.fonts.bidi import visual
from tests.reports.render.samples import HOSTILE

FOLDER = Path(shipped.__file__).parent


@pytest.mark.parametrize("name", [*Face, *FALLBACKS])
def test_every_font_is_shipped_with_its_licence(name: str) -> None:
    assert font(name).face.charToGlyph
    family = name.partition("-")[0]
    licences = {
        path.name.removeprefix("LICENSE-").removesuffix(".txt")
        for path in FOLDER.glob("LICENSE-*.txt")
    }
    assert any(family.startswith(licence.replace("DejaVu", "DejaVuSans")) for licence in licences)


@pytest.mark.parametrize(
    ("text", "fonts"),
    [
        ("Ada Lovelace", [Face.SANS]),
        ("Алан Ελλάδα", [Face.SANS]),
        ("key 生产", [Face.SANS, "DroidSansFallback"]),
        ("프로덕션", ["DroidSansFallback"]),
        ("ไทย", ["NotoSansThai-Regular"]),
        ("🚀 go", ["NotoEmoji-Regular", Face.SANS]),
        ("שלום", ["DejaVuSans"]),
    ],
)
def test_each_part_of_a_name_is_drawn_by_a_font_that_has_it(text: str, fonts: list[str]) -> None:
    assert [run.font for run in runs(text, Face.SANS)] == fonts


def test_what_no_font_has_is_shown_as_its_number() -> None:
    assert [run.text for run in runs("𓀀a", Face.SANS)] == ["U+13000a"]


def test_what_only_joins_or_varies_letters_is_not_shown() -> None:
    assert "".join(run.text for run in runs("👩\u200d🚀\ufe0f", Face.SANS)) == "👩🚀"


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("latin only", "latin only"),
        ("שלום", "םולש"),
        ("a שלום 7 b", "a 7 םולש b"),
        ("(שלום)", "(םולש)"),
        ("שלום (אב)", "(בא) םולש"),
        ("سلام", "ﻡﻼﺳ"),
        ("ب", "ﺏ"),
        ("ببب", "ﺐﺒﺑ"),
        ("دد", "ﺩﺩ"),
        ("مفتاح 42", "42 ﺡﺎﺘﻔﻣ"),
    ],
)
def test_names_that_run_to_the_left_are_put_in_the_order_of_the_eye(name: str, seen: str) -> None:
    assert visual(name) == seen


@given(st.text(max_size=30), st.sampled_from(Face), st.floats(2, 30))
@example("000000000000)", Face.SANS, 2.0)
def test_a_fitted_text_is_never_wider_than_its_place(text: str, face: Face, ems: float) -> None:
    assert width(fit(text, face, ems), face) <= ems


def test_a_model_loses_its_author_before_it_is_cut() -> None:
    assert fit("anthropic/claude-opus-4.5", Face.SANS, 9) == "claude-opus-4.5"


def test_two_keys_of_one_name_stay_different_when_cut() -> None:
    names = ["production (sk-or-v1-0e6...1c96)", "production (sk-or-v1-77a...02fd)"]
    assert len({fit(name, Face.SANS, 9) for name in names}) == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_every_letter_of_a_hostile_name_has_a_font(name: str) -> None:
    for run in runs(name.encode("utf-8", "replace").decode(), Face.MONO):
        assert all(ord(c) in font(run.font).face.charToGlyph for c in run.text)
