from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import reports.render.fonts as shipped
from reports.render.canvas.canvas import PageCanvas
from reports.render.fonts import FALLBACKS, NOTO, Face, fit, font, runs, text_width
from reports.render.fonts.shaping import directional_runs, glyph_text
from reports.wording.safe_text import visible
from tests.reports.render.samples import HOSTILE

FOLDER = Path(shipped.__file__).parent
SCRIPTS = (
    *("علي", "ليلى", "גרסה 12-5", "गोविंद", "தமிழ்", "রবীন্দ্রনাথ", "ਗੁਰਮੁਖੀ", "ગુજરાતી", "ଓଡ଼ିଆ"),
    *("తెలుగు", "ಕನ್ನಡ", "മലയാളം", "සිංහල", "ไทย", "ລາວ", "မြန်မာ", "ខ្មែរ", "አማርኛ", "ქართული"),
    *("Հայերեն", "བོད་ཡིག", "ᠮᠣᠩᠭᠣᠯ", "ދިވެހި", "ܫܠܡܐ", "ߒߞߏ", "ⵜⴰⵎ", "ᏣᎳᎩ", "ᐃᓄᒃ", "ꦗꦮ", "𞤀𞤁", "𓀀"),
    *("生产密钥", "プロダクション", "프로덕션", "Ελλάδα", "Тьюринг", "می‌خواهم", "🇩🇪 👩‍🚀 ❤️", "𝕬𝖉𝖆"),
)


def drawn(text: str, face: Face = Face.SANS) -> list[str]:
    """What the glyphs of a text draw, from left to right."""
    return [
        (glyph_text(c) or "") if run.glyphs else c for run in runs(text, face) for c in run.text
    ]


def extracted(text: str) -> str:
    """A text as another program reads it out of a document."""
    out = io.BytesIO()
    paper = PageCanvas(out)
    paper.text(100, 400, text)
    paper.finish()
    command = ["pdftotext", "-enc", "UTF-8", "-", "-"]
    done = subprocess.run(command, input=out.getvalue(), capture_output=True, check=True)
    return done.stdout.decode()


@pytest.mark.parametrize("name", [*Face, *FALLBACKS])
def test_every_font_is_shipped_with_its_license(name: str) -> None:
    assert font(name).face.charToGlyph
    family = name.partition("-")[0]
    licenses = {
        path.name.removeprefix("LICENSE-").removesuffix(".txt")
        for path in FOLDER.glob("LICENSE-*.txt")
    }
    assert any(family.startswith(one.replace("DejaVu", "DejaVuSans")) for one in licenses)


def test_every_noto_font_is_listed_has_what_the_list_says_and_is_licensed() -> None:
    listed = set()
    for line in (NOTO / "ranges.txt").read_text().splitlines():
        span, name = line.split()
        listed.add(f"{name}.ttf")
        for end in span.split("-"):
            assert int(end, 16) in font(name).face.charToGlyph, line
    assert listed == {path.name for path in NOTO.glob("*.ttf")}
    assert "SIL OPEN FONT LICENSE" in (NOTO / "LICENSE.txt").read_text()


@pytest.mark.parametrize(
    ("text", "fonts"),
    [
        ("Ada Lovelace", [Face.SANS]),
        ("Алан Ελλάδα", [Face.SANS]),
        ("key 生产", [Face.SANS, "DroidSansFallback"]),
        ("프로덕션", ["DroidSansFallback"]),
        ("ไทย", ["NotoSansThai-Regular"]),
        ("🚀 go", ["NotoEmoji-Regular", Face.SANS]),
        ("❤️", ["NotoEmoji-Regular"]),
        ("שלום", ["NotoSansHebrew-Regular"]),
        ("علي", ["NotoSansArabic-Regular"]),
        ("गोविंद", ["NotoSansDevanagari-Regular"]),
        ("রবীন্দ্রনাথ।", ["NotoSansBengali-Regular", "NotoSansDevanagari-Regular"]),
        ("தமிழ்", ["NotoSansTamil-Regular"]),
        ("ሰላም", ["NotoSansEthiopic-Regular"]),
        ("ქართული", ["NotoSansGeorgian-Regular"]),
        ("prod שלום 7", [Face.SANS, "NotoSansHebrew-Regular"]),
    ],
)
def test_each_part_of_a_name_is_drawn_by_a_font_that_has_it(text: str, fonts: list[str]) -> None:
    found = [run.font for run in runs(text, Face.SANS)]
    assert sorted(set(found)) == sorted(set(fonts))


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_shows_code_points_or_missing_glyphs(name: str) -> None:
    for run in runs(name, Face.SANS):
        assert "U+" not in run.text
        for c in run.text:
            assert font(run.font).face.charToGlyph[ord(c)] != 0


def test_what_no_font_has_is_shown_as_its_number() -> None:
    assert [run.text for run in runs("\U000105c0a", Face.SANS)] == ["U+105C0a"]


def test_a_private_character_in_a_name_is_not_taken_for_a_glyph() -> None:
    runs("علي", Face.SANS)
    assert "U+F0000" in "".join(run.text for run in runs("\U000f0000", Face.SANS))


@pytest.mark.parametrize("emoji", ["👩\u200d🚀", "🇩🇪", "👍🏽", "1\ufe0f\u20e3"])
def test_an_emoji_of_several_characters_is_one_glyph(emoji: str) -> None:
    [run] = runs(emoji, Face.SANS)
    assert len(run.glyphs) == 1


@given(st.text(max_size=12).map(visible))
@example("\U00010800\U00018cd6")  # letters of scripts that Unicode knows, and does not know yet
@example("א\u0378 12\u0379")
def test_a_line_of_any_characters_is_put_in_order(text: str) -> None:
    ordered = directional_runs(text)
    assert sorted("".join(run.text for run in ordered)) == sorted(text)


def test_arabic_letters_are_joined() -> None:
    def glyphs(text: str) -> list[int]:
        face = font("NotoSansArabic-Regular").face
        return [face.charToGlyph[ord(c)] for run in runs(text, Face.SANS) for c in run.text]

    alone = [*glyphs("ع"), *glyphs("ل"), *glyphs("ي")]
    joined = glyphs("علي")
    assert len(joined) == 3
    assert not set(alone) & set(joined)
    assert len(glyphs("لا")) == 1


def test_an_indian_vowel_is_drawn_before_the_consonant_that_it_follows() -> None:
    def glyphs(text: str) -> list[int]:
        face = font("NotoSansDevanagari-Regular").face
        return [face.charToGlyph[ord(c)] for run in runs(text, Face.SANS) for c in run.text]

    assert glyphs("कि")[-1] == glyphs("क")[0]


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("latin only", "latin only"),
        ("שלום", "םולש"),
        ("a שלום 7 b", "a 7 םולש b"),
        ("(שלום)", "(םולש)"),
        ("שלום (אב)", "(בא) םולש"),
        ("גרסה 12-5", "12-5 הסרג"),
        ("ב", "ב"),
        ("علي", "يلع"),
        ("مفتاح 42", "42 حاتفم"),
        ("ליلى x", "x ىلיל"),
    ],
)
def test_names_that_run_to_the_left_are_drawn_in_the_order_of_the_eye(name: str, seen: str) -> None:
    assert "".join(drawn(name)) == seen


def test_marks_stay_with_their_letters_and_persian_keeps_its_letters_apart() -> None:
    assert [part.text for part in directional_runs("שָׁלוֹם")] == ["שָׁלוֹם"]
    assert [part.text for part in directional_runs("می\u200cخواهم")] == ["می\u200cخواهم"]


@pytest.mark.parametrize("name", ["علي", "ليلى", "गोविंद", "தமிழ்", "অর্ক", "ሰላም", "ไทย", "生产"])
def test_names_can_be_copied_out_of_a_document(name: str) -> None:
    assert name in extracted(name)


@given(st.text(max_size=30), st.sampled_from(Face), st.floats(2, 30))
@example("000000000000)", Face.SANS, 2.0)
def test_a_fitted_text_is_never_wider_than_its_place(text: str, face: Face, ems: float) -> None:
    assert text_width(fit(text, face, ems), face) <= ems


def test_a_model_loses_its_author_before_it_is_cut() -> None:
    assert fit("anthropic/claude-opus-4.5", Face.SANS, 9) == "claude-opus-4.5"


def test_two_keys_of_one_name_stay_different_when_cut() -> None:
    names = ["production (sk-or-v1-0e6...1c96)", "production (sk-or-v1-77a...02fd)"]
    assert len({fit(name, Face.SANS, 9) for name in names}) == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_every_letter_of_a_hostile_name_has_a_font(name: str) -> None:
    for run in runs(name.encode("utf-8", "replace").decode(), Face.MONO):
        assert all(ord(c) in font(run.font).face.charToGlyph for c in run.text)
