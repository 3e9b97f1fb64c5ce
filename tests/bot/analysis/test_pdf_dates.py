"""PDF documents of analyses write dates as the answer does, in sentences, tables and footers."""

import io
import re

import pypdf
import pytest

QUESTIONS = ("why spend 1d", "limits", "keys", "forecast", "cache 1m by key", "new models 1m",
             "price 1m by model")  # fmt: skip
_NUMERIC = re.compile(r"\b\d\d/\d\d\b")


@pytest.mark.parametrize("words", QUESTIONS)
def test_a_document_writes_all_its_dates_in_one_way(ask, tmp_path, words):
    code, _, err = ask(*words.split(), "--pdf", str(tmp_path / "a.pdf"))
    assert code == 0, err
    document = pypdf.PdfReader(io.BytesIO((tmp_path / "a.pdf").read_bytes()))
    text = "\n".join(page.extract_text() for page in document.pages)
    assert _NUMERIC.findall(text) == []
    assert re.search(r"Data as of \d\d? [A-Z][a-z]{2} \d{4}, \d\d:\d\d UTC", text)
