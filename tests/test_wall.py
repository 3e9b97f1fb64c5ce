"""The boundaries between packages, read from the imports of every file."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PURE = {
    *("__future__", "abc", "reports", "typing", "dataclasses", "enum", "collections", "contextlib"),
    *("bisect", "functools", "itertools", "operator", "decimal", "fractions", "math", "hashlib"),
    *("heapq", "statistics"),
    *("calendar", "datetime", "zoneinfo"),
    *("csv", "difflib", "json", "re", "string", "textwrap", "unicodedata"),
}
DRAWING = {
    "io",
    "pathlib",
    "struct",
    "zlib",
    "pypdfium2",
    "reportlab",
    "tabulate",
    "PIL",
    "bidi",
    "uharfbuzz",
}
READS_SETTINGS = {"bot/config.py", "bot/demo/run.py"}  # the demo removes them from its own process
CLOCKS = {"now", "utcnow", "today", "monotonic"}

FEATURES = ("questions", "schedules", "alerts", "sync", "imports", "admin")
INFRASTRUCTURE = ("http", "runtime", "access", "slack", "openrouter", "clickhouse", "store")
ABOVE = ("bot.commands", "bot.home", "bot.listeners", "bot.app", "bot.__main__")
EXCEPTIONS = {
    "bot/imports/import_csv.py": {"os"},  # the size of an open file
    "bot/listeners/forms.py": {"reports.block_kit.inputs.notice"},  # an ack may carry a view
}


def _features_but(one: str) -> list[str]:
    return [f"bot.{other}" for other in FEATURES if other != one]


MUST_NOT_IMPORT: dict[str, list[str]] = {
    **{
        f"bot/{one}": [*_features_but(one), *ABOVE, "slack_bolt", "apscheduler", "os", "httpx",
                       "sqlite3", "psycopg"]
        for one in FEATURES
    },
    **{
        f"bot/{shared}": [*(f"bot.{one}" for one in FEATURES), *ABOVE, "slack_bolt", "apscheduler"]
        for shared in ("answers", "analysis", "modals", "services.py")
    },
    **{
        f"bot/{one}": [*(f"bot.{f}" for f in FEATURES), *ABOVE, "bot.answers", "bot.analysis",
                       "bot.modals", "bot.services"]
        for one in INFRASTRUCTURE
    },
    "bot/commands": ["sqlite3", "psycopg", "httpx", "slack_bolt", "bot.listeners", "bot.app"],
    "bot/home": ["sqlite3", "psycopg", "httpx", "slack_bolt", "bot.listeners", "bot.app",
                 "bot.commands"],
    "bot/listeners": ["sqlite3", "psycopg", "httpx", "bot.store", "bot.openrouter",
                      "bot.clickhouse", "bot.app"],
}  # fmt: skip
EDGES = {
    "bot/store": ["bot.openrouter", "bot.clickhouse", "bot.slack", "httpx", "slack_sdk"],
    "bot/openrouter": ["bot.store", "bot.clickhouse", "bot.slack", "sqlite3", "psycopg",
                       "slack_sdk"],
    "bot/clickhouse": ["bot.store", "bot.openrouter", "bot.slack", "sqlite3", "psycopg",
                       "slack_sdk"],
    "bot/slack": ["bot.store", "bot.openrouter", "bot.clickhouse", "sqlite3", "psycopg"],
}  # fmt: skip
"""The four edges of the process know of their own library and of no other edge."""
DRAWS = ("reports.render", "reports.block_kit")
"""What renders: a listener may use the ids of buttons, which are constants, and nothing else."""

LAYERS = (
    ("reports/time",),
    ("reports/usage", "reports/wording"),
    ("reports/questions", "reports/block_kit", "reports/render"),
    ("reports/questions/slack", "reports/analysis"),
    ("reports/schedules", "reports/alerts", "reports/imports"),
    ("reports/natural", "reports/admin", "reports/commands.py"),
    ("reports/home", "reports/reader.py"),
)
"""From the bottom up; the longest path counts. A file imports from its own layer and below."""
SIBLINGS = ("schedules", "alerts", "imports")
"""Features of `reports/` in one layer, which do not import one another."""


def files(room: str) -> list[str]:
    place = ROOT / room
    found = [place] if place.is_file() else sorted(place.rglob("*.py"))
    return [str(path.relative_to(ROOT)) for path in found]


@cache
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


def layer(path: str) -> int | None:
    """The layer of a file or module of `reports/`; None for the package itself."""
    place = path.replace(".", "/").removesuffix("/py")
    found = [
        (len(prefix), number)
        for number, prefixes in enumerate(LAYERS)
        for prefix in prefixes
        if f"{place}/".startswith(f"{prefix.removesuffix('.py')}/")
    ]
    return max(found)[1] if found else None


@pytest.mark.parametrize("file", files("reports"))
def test_reports_do_no_io(file: str) -> None:
    allowed = PURE | DRAWING if file.startswith("reports/render/") else PURE
    assert {name.partition(".")[0] for name in imports(file)} <= allowed
    for node in nodes(file):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            assert called not in CLOCKS, f"{file}:{node.lineno} reads a clock"
            assert node.args or called != "astimezone", f"{file}:{node.lineno} takes our own zone"
            opens = isinstance(node.func, ast.Name) and node.func.id in {"open", "__import__"}
            assert not opens, f"{file}:{node.lineno} opens a file"


def _forbidden(table: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    return [(file, names) for room, names in table.items() for file in files(room)]


@pytest.mark.parametrize(("file", "forbidden"), [*_forbidden(MUST_NOT_IMPORT), *_forbidden(EDGES)])
def test_no_feature_imports_another_and_nothing_imports_upward(
    file: str, forbidden: list[str]
) -> None:
    known = imports(file) - EXCEPTIONS.get(file, set())
    over = {found for found in known for name in forbidden if f"{found}.".startswith(f"{name}.")}
    assert over == set()


@pytest.mark.parametrize("file", files("bot/listeners"))
def test_listeners_render_nothing(file: str) -> None:
    known = {
        name
        for name in imports(file) - EXCEPTIONS.get(file, set())
        if not name.rpartition(".")[2].isupper()
    }
    rendering = {name for name in known if name.startswith(DRAWS) or ".slack." in name}
    assert {name for name in rendering if name.startswith("reports.")} == set()


@pytest.mark.parametrize("file", [f for f in files("reports") if not f.endswith("__init__.py")])
def test_reports_import_downward_only(file: str) -> None:
    own = layer(file.removesuffix(".py"))
    assert own is not None, f"{file} has no layer"
    for name in imports(file):
        other = layer(name) if name.startswith("reports.") else None
        assert other is None or other <= own, f"{file} imports {name}, which lies above it"
        mine, theirs = file.split("/")[1], name.split(".")[1] if "." in name else ""
        if mine in SIBLINGS and name.startswith("reports."):
            assert theirs not in set(SIBLINGS) - {mine}, f"{file} imports {name}"


def test_no_two_classes_share_a_name() -> None:
    named = defaultdict(set)
    for file in [*files("bot"), *files("reports")]:
        if not file.startswith("bot/demo/"):
            for node in nodes(file):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    named[node.name].add(file)
    assert {name: places for name, places in named.items() if len(places) > 1} == {}


@pytest.mark.parametrize("file", files("bot"))
def test_one_file_reads_the_environment(file: str) -> None:
    words = {node.attr for node in nodes(file) if isinstance(node, ast.Attribute)}
    words |= {name.rpartition(".")[2] for name in imports(file)}
    assert file in READS_SETTINGS or not words & {"environ", "environb", "getenv"}


def test_no_member_of_an_enum_is_an_empty_tuple() -> None:
    """Python before 3.11.4, as Debian 12 has it, makes another value of it."""
    empty = [
        f"{path.name}: {ast.unparse(line)}"
        for top in ("bot", "reports")
        for path in sorted((ROOT / top).rglob("*.py"))
        for of in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(of, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in of.bases)
        for line in of.body
        if isinstance(line, ast.Assign) and ast.unparse(line.value) == "()"
    ]
    assert empty == []


def test_there_is_something_to_look_at() -> None:
    rooms = ["reports", *MUST_NOT_IMPORT, *EDGES, *(one for row in LAYERS for one in row)]
    assert all(files(room) for room in rooms)
    assert set(files("bot")) >= READS_SETTINGS
    assert all(names <= imports(file) for file, names in EXCEPTIONS.items())
    assert "reports.time.period.Counted" in imports("reports/questions/grammar.py")
