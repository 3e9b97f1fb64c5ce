"""OpenRouter fails in every way while usage is fetched: answers are right, or say what they miss.

Each trial starts with a cache that holds everything. Usage is added, OpenRouter has one
fault while the next sync runs, and questions are asked. An answer may be the one of now, the one of
before with the date of before, or say that something is missing; it is never lower without a word.
A day after OpenRouter is well again, when the past was fetched once more, all answers are right.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.answers.answer import answer
from bot.demo.openrouter import faults
from bot.demo.openrouter.organization import Organization
from bot.demo.openrouter.server import QUERY, LocalOpenRouter
from reports.questions.grammar import parse
from tests import databases
from tests.cache_help import HOUR, MINUTE, NOW, ONE, TWO, Cache, assert_true, company, record
from tests.clock import Clock

QUESTIONS = ("spend 1h", "spend 1d", "tokens 1d", "1w", "requests 1m", "spend 1d by key")
METRICS = ("request_count", "tokens_prompt", "tokens_completion", "credits_usage", "byok_usage")
HEALED = ("1w", "requests 1m", "spend 2026-11-22", "spend 2026-11-22 by key", "tokens 3d")
LATER, HEALING = 20 * MINUTE, 26 * HOUR
MOST_TURNS = 40
Trouble = Callable[[LocalOpenRouter, random.Random], None]


@dataclass
class Outcome:
    """What came of it; `wrong` says which fault led to which answer."""

    trials: int = 0
    answers: int = 0
    partial: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.trials} faults, {self.answers} answers, {self.partial} say what is missing,"
            f" {len(self.wrong)} wrong"
        )


def run(folder: Path, seed: int, *, every: int = 1) -> Outcome:
    """Try every fault, or only one in `every`."""
    outcome, chance = Outcome(), random.Random(seed)
    template, clock = folder / "template.db", Clock(NOW)
    with _server(company(), clock) as server:
        made = Cache(server, template, clock)
        made.fill()
        made.close()
    expected = _expected(folder, template)
    for number, (name, trouble) in enumerate(troubles()):
        if number % every == seed % every:
            outcome.trials += 1
            try:
                _try(outcome, folder, template, expected, name, trouble, chance)
            except Exception as error:  # noqa: BLE001 - any exception is what is looked for
                outcome.wrong.append(f"{name}: {error!r:.300}")
    return outcome


def _server(organization: Organization, clock: Clock) -> LocalOpenRouter:
    server = LocalOpenRouter(organization, clock=clock)
    server.requests_per_minute = None
    return server


def later_company() -> Organization:
    """The same company after LATER: more was used, also in hours and days that were stored."""
    organization = company()
    new = [
        record(-5 * MINUTE, ONE, "user_ada", "a/x", credits_nano=7_000_000_000),
        record(-9 * MINUTE, TWO, "user_bob", "c/new", credits_nano=5_000_000_000),
    ]
    organization.records += new
    return organization


def _ask(
    cache: Cache, questions: tuple[str, ...] = QUESTIONS
) -> dict[str, tuple[object, object, tuple[str, ...]]]:
    """Figures, date and gaps by question."""
    found = {}
    for words in questions:
        said = answer(cache.store, parse(words).query, cache.clock(), "UTC", whole=True)
        figures = {
            metric: (one.sum, {group.label: group.sum for group in one.groups})
            for metric, one in said.metrics.items()
        }
        found[words] = figures, said.as_of, said.partial
    return found


def _expected(folder: Path, template: Path) -> tuple[dict, dict, dict]:
    """The answers before and after the sync that goes well, and those of the next day."""
    path, clock = folder / "expected.db", Clock(NOW + LATER)
    databases.copy(template, path)
    with _server(later_company(), clock) as server:
        cache = Cache(server, path, clock)
        before = _ask(cache)
        cache.fill()
        assert_true(cache, server.organization)
        after = _ask(cache)
        clock.advance(HEALING)
        cache.fill()
        healed = _ask(cache, HEALED)
        cache.close()
    assert all(not partial for _, _, partial in after.values())
    assert all(before[words][0] != after[words][0] for words in QUESTIONS)
    return before, after, healed


def _try(
    outcome: Outcome,
    folder: Path,
    template: Path,
    expected: tuple[dict, dict, dict],
    name: str,
    trouble: Trouble,
    chance: random.Random,
) -> None:
    path, clock = folder / "trial.db", Clock(NOW + LATER)
    path.unlink(missing_ok=True)
    databases.copy(template, path)
    before, after, healed = expected
    with _server(later_company(), clock) as server:
        cache = Cache(server, path, clock)
        trouble(server, chance)
        for _ in range(MOST_TURNS):
            if not cache.turn().more:
                break
        for words, (figures, as_of, partial) in _ask(cache).items():
            outcome.answers += 1
            outcome.partial += bool(partial)
            old = (figures, as_of) == before[words][:2]
            if not (partial or old or figures == after[words][0]):
                outcome.wrong.append(f"{name}: {words} is {figures}, not {after[words][0]}")
        server.heal()
        server.mangle, server.row_limit, server.refused_metrics = None, 10_000, set()
        server.__dict__.pop("_query", None)
        server.__dict__.pop("receive", None)
        clock.advance(HEALING)
        for _ in range(MOST_TURNS):
            turn = cache.turn()
            if not (turn.more or turn.error):
                break
            clock.advance(MINUTE * bool(turn.error))
        for words, (figures, _, partial) in _ask(cache, HEALED).items():
            if partial or figures != healed[words][0]:
                outcome.wrong.append(
                    f"{name}: a day later {words} is {figures} {partial}, not {healed[words][0]}"
                )
        cache.close()


# -- what goes wrong


def troubles() -> Iterator[tuple[str, Trouble]]:
    """Every fault with its name: once at several requests, for good, in usage and in lists."""
    for name, fault in _faults().items():
        for at in (0, 1, 3, 6):
            yield f"{name} once, at query {at}", _once(QUERY, fault, at)
        yield f"{name} at every query", _always(QUERY, fault)
        yield f"{name} at every request", _always("/", fault)
        for path in ("/keys", "/organization/members", "/workspaces", "/credits"):
            yield f"{name} at {path}", _always(path, fault)
    for metric in METRICS:
        for how, change in _columns(metric).items():
            yield f"{metric} {how}", _mangled(change)
            yield f"{metric} {how} in some rows", _mangled(change, share=0.3)
            for granularity in ("minute", "hour", "day"):
                yield f"{metric} {how} in {granularity}s", _mangled(change, of=granularity)
    yield "rows vanish", _mangled(lambda _: None, share=0.3)
    yield "all rows vanish", _mangled(lambda _: None)
    for granularity in ("minute", "hour", "day"):
        yield f"rows of {granularity}s vanish", _mangled(lambda _: None, of=granularity, share=0.3)
        yield f"all rows of {granularity}s vanish", _mangled(lambda _: None, of=granularity)
    yield "the time is renamed", _mangled(_renamed_time)
    yield "rows are of another year", _mangled(_dated)
    yield "some rows are of another year", _mangled(_dated, share=0.3)
    yield "every row comes twice", _answered(_doubled)
    yield "rows come twice at random", _answered(_doubled_at_random)
    yield "always truncated", _answered(_truncated)
    for limit in (1, 3, 10):
        yield (
            f"truncated at {limit} rows",
            lambda server, _, limit=limit: setattr(server, "row_limit", limit),
        )


def _faults() -> dict[str, faults.Fault | faults.Kind]:
    found: dict[str, faults.Fault | faults.Kind] = {
        str(status): faults.answer(status)
        for status in (400, 401, 402, 403, 404, 408, 413, 429, 500, 502, 503, 504, 524, 529)
    }
    for wait in ("0", "7", "3600", "31536000", "999999999999", "soon", "-5", "1e9", "\u0663"):
        headers = {"Retry-After": wait.encode().decode("latin-1")}
        found[f"429 with Retry-After {wait!a}"] = faults.answer(429, headers=headers)
        found[f"503 with Retry-After {wait!a}"] = faults.answer(503, headers=headers)
    kinds: tuple[faults.Kind, ...] = ("drop", "reset", "half", "cut", "html", "null_data")
    found |= {kind: kind for kind in kinds}
    for name, body in {
        "an empty body": b"", "null": b"null", "a list": b"[]", "a string": b'"data"',
        "data is a string": b'{"data": "none"}', "rows are null": b'{"data": {"data": null}}',
        "rows are strings": b'{"data": {"data": ["a", "b"]}}', "rows are none": b'{"data": {}}',
        "NaN": b"NaN", "not UTF-8": b'{"data": "\xff\xfe"}', "an error with 200":
        b'{"error": {"code": 500, "message": "Internal Server Error"}}',
        "endless nesting": b"[" * 5_000,
    }.items():  # fmt: skip
        found[name] = faults.answer(200, body)
    return found


def _once(path: str, fault: faults.Fault | faults.Kind, at: int) -> Trouble:
    def trouble(server: LocalOpenRouter, _: random.Random) -> None:
        receive, seen = server.receive, [0]

        def counted(request, token):
            right, other = receive(request, token)
            if request.path.startswith(path):
                seen[0] += 1
                if seen[0] == at + 1:
                    return right, faults.Plan(path, (fault,), 1).next(request.path)
            return right, other

        server.receive = counted

    return trouble


def _always(path: str, fault: faults.Fault | faults.Kind) -> Trouble:
    return lambda server, _: server.fail(path, fault, times=None)


def _columns(metric: str) -> dict[str, Callable[[dict], dict | None]]:
    def put(value: object) -> Callable[[dict], dict | None]:
        return lambda row: row | {metric: value}

    return {
        "is missing": lambda row: {k: v for k, v in row.items() if k != metric},
        "is renamed": lambda row: {(f"{k}_v2" if k == metric else k): v for k, v in row.items()},
        "is null": put(None),
        "is words": put("a lot"),
        "is NaN": put(float("nan")),
        "is 1e400": put("@1e400@"),
        # money may be below zero: a refund
        **({} if metric.endswith("usage") else {"is -1": put(-1)}),
        "is a list": put([1, 2]),
        "is true": put(True),
        "is empty": put(""),
    }


def _mangled(change: Callable[[dict], dict | None], of: str = "", share: float = 1.0) -> Trouble:
    """Change rows, all of them or a share, of one granularity or of all."""

    def trouble(server: LocalOpenRouter, chance: random.Random) -> None:
        def mangle(row: dict) -> dict | None:
            kind = next((k.rpartition("__")[2] for k in row if "__" in k), "")
            if (of and kind != of) or chance.random() >= share:
                return row
            return change(row)

        server.mangle = mangle
        receive = server.receive

        def literally(request, token):
            right, fault = receive(request, token)
            return replace(right, body=right.body.replace(b'"@1e400@"', b"1e400")), fault

        server.receive = literally

    return trouble


def _renamed_time(row: dict) -> dict:
    return {k.replace("__", "_of_"): v for k, v in row.items()}


def _dated(row: dict) -> dict:
    return {k: ("2020-01-01T00:00:00Z" if "__" in k else v) for k, v in row.items()}


def _answered(change: Callable[[dict, random.Random], None]) -> Trouble:
    """Change the answers to queries as a whole."""

    def trouble(server: LocalOpenRouter, chance: random.Random) -> None:
        query = server._query

        def changed(body):
            said = query(body)
            change(said["data"], chance)
            return said

        server._query = changed

    return trouble


def _doubled(data: dict, _: random.Random) -> None:
    data["data"] = data["data"] * 2


def _doubled_at_random(data: dict, chance: random.Random) -> None:
    data["data"] = [row for row in data["data"] for _ in range(1 + (chance.random() < 0.3))]


def _truncated(data: dict, _: random.Random) -> None:
    data["metadata"]["truncated"] = True


def names() -> list[str]:
    """The names of all faults, which are all different."""
    return [name for name, _ in troubles()]
