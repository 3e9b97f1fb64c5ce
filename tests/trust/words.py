"""Random input for everything that reads what people type: an answer or a sentence, never a crash.

The words are those of the grammar and of natural language, mixed with what breaks parsers: other
scripts, digits of other scripts, control characters, markup, huge numbers, halves of quotes.
"""

from __future__ import annotations

import random
import string
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reports.commands import parse_command
from reports.natural.names import KnownNames
from reports.questions.grammar import CommandError
from reports.reader import Clock, read
from reports.wording.typed_text import unmarked

LONGEST_MILLISECONDS = 20
NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
NAMES = KnownNames(
    tuple(f"maker-{n % 9}/model-{n}-pro" for n in range(400)),
    (
        "prod", "Prod key", "team-a", "nightly evals", "ci:main", "(chatroom)",
        *(f"team-{n % 40}-key-{n}" for n in range(1_000)),
    ),
    (
        ("Ada Lovelace", "ada@example.com"), ("Sam One", "sam@example.com"),
        ("Sam Two", "sam@e.com"),
        *((f"First{n} Last{n}", f"first{n}.last{n}@example.com") for n in range(200)),
    ),
)  # fmt: skip
"""As many as a large organization has, since their number decides how long reading takes."""
_KNOWN = """
spend cost tokens requests by model key creator credits byok top vs before csv pdf summary share tz
yesterday today this last week month year mtd ytd since until from to between and or not without
except only per day hour over under above below schedule daily weekly weekdays monthly mon tue,thu
9:00 in here me creators alert alerts spike budget new forecast sync quiet urgent schedules pause
status audit help price why whatif cache limits keys unused retiring balance what did we on how much
many the of is are people opus sonnet claude* gpt-5 ada sam prod q3 h1 october oct 3rd 2026-10
2026-10-03 2026-10-01..2026-10-15 10/03/2026 1h 1d 1m 1y 90d 1000000d 0d -1d 1.5m $50 50$ $1e400 80%
1_000 5k 10m Europe/Berlin UTC+14 0 9 * * 1
"""
_ODD = """
\u0661\u0662\u0663 \uff11\uff12 \u00b2\u00b3 \u00bd \u221e NaN 9e999 \u202e \u200b \u0000 \u001b[31m
\ud800 \ufeff <!channel> <@U1> <@U1|ada> <#C1|x> <https://x.y|z> &lt;!here&gt; \u201cquote\u201d
\u201c " ' `a` ``` *b* _c_ ~d~ :wave: model: :prod key:"Prod creator: -key: - -- \u2014 > < >= => =
! ? , ; ( ) [ ] { } \\ / // ../.. %s %n {0} ${x} \u751f\u4ea7 \u0645\u0641\u062a \u0e01\u0e38
\U0001f525 Z\u0337\u0349a\u0336 e\u0301 \ufb01 \u00df \u0130 \u0131
"""
WORDS = (*_KNOWN.split(), *_ODD.split())
LETTERS = f"{string.printable}\u00e4\u6f22\u202e\u200d\u0300\u0663\ud83d"


def texts(count: int, seed: int) -> Iterator[str]:
    """Random input, always the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        words = chance.choices(WORDS, k=min(int(chance.expovariate(0.2)) + 1, 60))
        if chance.random() < 0.3:
            at = chance.randrange(len(words))
            words[at] = "".join(chance.choices(LETTERS, k=chance.randrange(1, 12)))
        if chance.random() < 0.2:
            at = chance.randrange(len(words))
            words[at] = mangled(words[at], chance)
        yield chance.choice((" ", " ", " ", "", "\n", "\u00a0")).join(words)


def mangled(word: str, chance: random.Random) -> str:
    """A word with a letter lost, doubled or replaced."""
    at = chance.randrange(len(word)) if word else 0
    return word[:at] + chance.choice(("", word[at : at + 1] * 2, "x", " ")) + word[at + 1 :]


@dataclass
class Outcome:
    """What came of some inputs; `crashed` has the first inputs that raised, with the error."""

    inputs: int = 0
    understood: int = 0
    slowest: float = 0.0
    slow: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.inputs:,} inputs, {self.understood:,} understood, {len(self.crashed)} crashed,"
            f" {len(self.slow)} over {LONGEST_MILLISECONDS} ms, the slowest"
            f" {self.slowest * 1000:.1f} ms"
        )


def fuzz(count: int, seed: int) -> Outcome:
    """Read random input as it comes from Slack, strictly and as natural language."""
    found, clock = Outcome(), Clock(NOW)
    read("spend for me", lambda: NAMES, clock)  # tables that are made once
    for text in texts(count, seed):
        found.inputs += 1
        try:
            spent = timed(text, clock, found)
            if spent * 1000 > LONGEST_MILLISECONDS:
                # a pause of the collector or of the machine doesn't come back
                spent = min(timed(text, clock, Outcome()) for _ in range(3))
        except Exception as error:  # noqa: BLE001 - any exception is what is looked for
            found.crashed.append(f"{text!r}: {error!r}")
            continue
        found.slowest = max(found.slowest, spent)
        if spent * 1000 > LONGEST_MILLISECONDS:
            found.slow.append(f"{text!r}: {spent * 1000:.0f} ms")
    return found


def timed(text: str, clock: Clock, found: Outcome) -> float:
    """Read a text; the seconds of processor time that it took."""
    begun = time.thread_time()
    found.understood += understood(text, clock)
    return time.thread_time() - begun


def understood(text: str, clock: Clock) -> bool:
    """Whether a text is a command; whatever it is, what is said about it can be sent."""
    parse_command(text)
    heard = read(unmarked(text, "/activity"), lambda: NAMES, clock)
    if isinstance(heard, CommandError):
        assert "\n" not in heard.problem
        heard.problem.encode()
        return False
    if heard is None:
        return False
    heard.words.encode()
    return not isinstance(parse_command(heard.words), CommandError)
