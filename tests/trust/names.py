"""Hostile names of keys, models and people in everything that shows them.

Some at a time become one answer, which is then read as Slack, a spreadsheet, a PDF viewer and a
terminal would read it.
"""

from __future__ import annotations

import csv
import io
import random
import re
import string
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

import pypdf
import pypdfium2

from bot.answers.write_file import Format, file_name
from bot.demo.slack import validate
from reports.questions.query import Query
from reports.questions.slack.answer import answer as message_of
from reports.questions.slack.controls import Controls
from reports.render.csv import write_csv
from reports.render.pdf import write_pdf
from reports.render.terminal import as_text
from reports.time.period import Counted, Unit
from reports.usage.dimensions import STORED, Dimension, Filter, Metric
from tests.reports.render.samples import HOSTILE, NOW, answer, rows, sections, time_range

TOGETHER = 20
"""Names in one answer."""
PERIOD = Counted(2, Unit.DAY)
PARTS = (
    *(name for name in HOSTILE if len(name) < 1_000),
    *("<!channel>", "<!here>", "<@U0DEMO00001>", "<#C1|x>", "<https://e|pay>", "&lt;!here&gt;"),
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", '=HYPERLINK("http://e","x")'),
    *("<img src='file:///etc/passwd'/>", "<a href='http://e'>x</a>", "<para>", "</para>", "]]>"),
    *("../../etc/passwd", "/etc/passwd", "C:\\x", "a\x00b", "\n", "\r\n", "\u2028", "\u202e"),
    *("\u200b", "\ufeff", "\ud83d", "{0}", "%s%n", "%(x)s", "';DROP TABLE usage;--"),
    *("`x`", "*b*", "Z\u0337\u0349a" * 20, "\U0001f525" * 9, "\u0600", "\ufdfa", "x" * 90, " "),
    *("\x1b]0;x\x07", "null", "\u2066", "\U000e0041"),
)  # fmt: skip
FILE_NAME = re.compile(r"openrouter-[A-Za-z0-9._-]+\.(?:csv|pdf|png)")
STARTS_A_FORMULA = tuple("=+-@\t\r")
MARKUP = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|[\w:, -]+>")


def names(count: int, seed: int) -> Iterator[str]:
    """Names, always the same for the same seed, and each one another."""
    chance = random.Random(seed)
    for number in range(count):
        parts = chance.choices(PARTS, k=chance.randrange(1, 4))
        parts.insert(chance.randrange(len(parts) + 1), f"{number:x}")
        if chance.random() < 0.2:
            parts.append("".join(chance.choices(string.printable, k=9)))
        yield "".join(parts)


@dataclass
class Outcome:
    """What came of some names; `wrong` says what got through, or what was raised."""

    names: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.names:,} hostile names, {len(self.wrong)} got through"


def shown(count: int, seed: int) -> Outcome:
    """Show names everywhere, some at a time, by key, by creator and by model."""
    found, every = Outcome(), list(names(count, seed))
    span = time_range(PERIOD)
    for number, first in enumerate(range(0, count, TOGETHER)):
        some = every[first : first + TOGETHER]
        by = list(STORED)[number % 3]
        metric = (*Metric, None)[number % 4]
        filters = (Filter(by, some[0].replace("*", "")[:80] or "x"),)
        query = Query(metric=metric, period=PERIOD, by=by, filters=filters)
        used = rows(
            span, some, tuple(some) if by is Dimension.MODEL else ("openai/gpt-5.1",), by, 900
        )
        found.names += len(some)
        for check in (in_slack, in_csv, in_pdf, in_a_file_name, in_a_terminal):
            try:
                wrong = check(query, used)
            except Exception as error:  # noqa: BLE001 - any exception is what is looked for
                wrong = repr(error)
            if wrong:
                found.wrong.append(f"{check.__name__}: {wrong} of {some!r}")
    return found


def in_slack(query: Query, used: list) -> str:
    """Slack takes the message, and no name is markup in it."""
    summary = answer(query, used, time_range(PERIOD))
    labels = {group.label for part in summary.metrics.values() for group in part.groups}
    inside = {label: f"{index}" for index, label in enumerate(sorted(labels))}
    message = message_of(summary, "/activity", controls=Controls("s", "x", inside, private=True))
    if problems := validate(list(message.blocks)):
        return str(problems[0])
    for text in (message.text, *mrkdwn(message.blocks)):
        text.encode()
        bare = MARKUP.sub("", text)
        if "<" in bare or ">" in bare or "&" in re.sub(r"&(amp|lt|gt);", "", bare):
            return f"markup in {bare[:200]!r}"
    return ""


def mrkdwn(value: object) -> Iterator[str]:
    """Every text that Slack reads as markup."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from mrkdwn(one)
    elif isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        else:
            yield from mrkdwn(list(value.values()))


def in_csv(query: Query, used: list) -> str:
    """A spreadsheet reads as many rows as there are, and takes no name for a formula."""
    out = io.BytesIO()
    count = write_csv(query, used, out)
    table = list(csv.reader(io.StringIO(out.getvalue().decode(), newline=""), strict=True))
    if len(table) != count + 1 or {len(row) for row in table} != {len(table[0])}:
        return "the rows are torn"
    for row in table[1:]:
        for cell in row:
            plain = unicodedata.normalize("NFKC", cell)
            is_number = re.fullmatch(r"-?\d+(\.\d+)?", cell)
            if plain.startswith(STARTS_A_FORMULA) and not is_number:
                return f"a formula: {cell!r}"
    return ""


def in_pdf(query: Query, used: list) -> str:
    """A viewer opens it strictly, and it has no link, script, picture or file of a name."""
    out = io.BytesIO()
    pages = write_pdf(
        answer(query, used, time_range(PERIOD)), sections(query, used), out, organization=used[0][1]
    )
    reader = pypdf.PdfReader(out, strict=True)
    if len(reader.pages) != pages:
        return "pages are missing"
    if {"/OpenAction", "/AA", "/AcroForm"} & set(reader.trailer["/Root"]):
        return "it acts by itself"
    if (
        "/Names" in reader.trailer["/Root"]
        and "/EmbeddedFiles" in reader.trailer["/Root"]["/Names"]
    ):
        return "it embeds a file"
    for page in reader.pages:
        links = [note.get_object() for note in page.get("/Annots", ())]
        if any("/URI" in str(link) or "/JS" in str(link) for link in links):
            return "a link"
    return "a file of this machine" if "passwd:" in pdf_text(out.getvalue()) else ""


def pdf_text(file: bytes) -> str:
    """All text of a PDF; pdfium reads it in a tenth of the time that pypdf takes."""
    document = pypdfium2.PdfDocument(file)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def in_a_file_name(query: Query, used: list) -> str:
    """A file's name has no name in it."""
    del used
    named = [file_name(query, NOW, "UTC", format_) for format_ in Format]
    return next((name for name in named if not FILE_NAME.fullmatch(name)), "")


def in_a_terminal(query: Query, used: list) -> str:
    """A terminal gets no control character, so no name can move the cursor or set the title."""
    text = as_text(answer(query, used, time_range(PERIOD)))
    odd = {c for c in text if unicodedata.category(c) in {"Cc", "Cs"} and c != "\n"}
    return f"control characters {odd!r}" if odd else ""
