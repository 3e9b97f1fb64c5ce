"""The house's walls: which room may know of what. Read from the imports, wherever they stand."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PURE = {
    *("__future__", "reports", "typing", "dataclasses", "enum", "collections", "contextlib"),
    *("bisect", "functools", "itertools", "operator", "decimal", "fractions", "math", "hashlib"),
    *("statistics",),
    *("calendar", "datetime", "zoneinfo"),
    *("csv", "difflib", "json", "re", "string", "textwrap", "unicodedata"),
}
DRAWING = {
    "io",
    "pathlib",
    "struct",
    "zlib",
    "pypdfium2",
    "PIL",
    "bidi",
    "uharfbuzz",
    "reportlab",
    "tabulate",
}
WALLS = {
    "bot/flows": ["slack_bolt", "apscheduler", "os", "httpx", "sqlite3", "bot.listeners"],
    "bot/store": ["bot.openrouter", "bot.slack.client", "bot.flows", "bot.listeners", "httpx"],
    "bot/openrouter": ["bot.store", "bot.slack.client", "bot.flows", "bot.listeners", "sqlite3"],
    "bot/slack/client.py": ["bot.store", "bot.openrouter", "bot.flows", "bot.listeners", "sqlite3"],
    "bot/listeners": ["sqlite3", "httpx", "reports.render", "bot.store", "bot.openrouter"],
}
DOORS = {
    "bot/imports/import_csv.py": "os",  # the size of a file that is open
    "bot/listeners/forms.py": "reports.block_kit.inputs.notice",  # acks may carry a view
}
READS_SETTINGS = {"bot/config.py", "bot/demo/run.py"}  # the demo takes them out of its own process
CLOCKS = {"now", "utcnow", "today", "monotonic"}


def files(room: str) -> list[str]:
    place = ROOT / room
    found = [place] if place.is_file() else sorted(place.rglob("*.py"))
    return [str(path.relative_to(ROOT)) for path in found]


@lru_cache
def nodes(file: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse((ROOT / file).read_text("utf-8"), file)))


def imports(file: str) -> set[str]:
    """All that a file imports, as `package.module.name`."""
    found: set[str] = set()
    for node in nodes(file):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            above = file.removesuffix(".py").split("/")[: -node.level] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("file", files("reports"))
def test_reports_know_nothing_of_the_world(file: str) -> None:
    allowed = PURE | DRAWING if file.startswith("reports/render/") else PURE
    assert {name.partition(".")[0] for name in imports(file)} <= allowed
    for node in nodes(file):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            assert called not in CLOCKS, f"{file}:{node.lineno} reads a clock"
            assert node.args or called != "astimezone", f"{file}:{node.lineno} takes our own zone"
            opens = isinstance(node.func, ast.Name) and node.func.id in {"open", "__import__"}
            assert not opens, f"{file}:{node.lineno} opens a door"


@pytest.mark.parametrize(
    ("file", "forbidden"), [(file, names) for room, names in WALLS.items() for file in files(room)]
)
def test_rooms_do_not_know_of_each_other(file: str, forbidden: list[str]) -> None:
    # a listener may know the names of buttons, which are constants, but nothing that draws them
    buttons = {
        name
        for name in imports(file)
        if name.startswith("reports.render.") and name.rpartition(".")[2].isupper()
    }
    known = imports(file) - buttons - {DOORS.get(file)}
    over = {found for found in known for name in forbidden if f"{found}.".startswith(f"{name}.")}
    assert over == set()


@pytest.mark.parametrize("file", files("bot"))
def test_one_file_reads_the_environment(file: str) -> None:
    words = {node.attr for node in nodes(file) if isinstance(node, ast.Attribute)}
    words |= {name.rpartition(".")[2] for name in imports(file)}
    assert file in READS_SETTINGS or not words & {"environ", "environb", "getenv"}


def test_there_is_something_to_look_at() -> None:
    assert all(files(room) for room in ("reports", *WALLS))
    assert set(files("bot")) >= READS_SETTINGS
    assert all(name in imports(file) for file, name in DOORS.items())
    assert "reports.time.period.Counted" in imports("reports/questions/grammar.py")
