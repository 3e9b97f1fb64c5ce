"""The README and the pages under docs/ are held against the program."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bot import config
from bot.__main__ import cli
from reports.commands import parse_command
from reports.questions.grammar import CommandError

ROOT = Path(__file__).parents[2]
PAGES = {
    path: path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
TEXT = "\n".join(PAGES.values())
LOUD = {"warning", "error", "exception", "critical"}
SETTING = re.compile(r"^\| `([A-Z_]+)` \| (.*?) \|", re.MULTILINE)


def section(title: str) -> str:
    """What is under a heading, whatever its level, up to the next one of that level or above."""
    [(marks, rest)] = re.findall(rf"^(#+) {re.escape(title)}\n(.*)", TEXT, re.MULTILINE | re.DOTALL)
    return re.split(rf"^#{{1,{len(marks)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def test_it_names_every_command_and_no_other() -> None:
    table = re.findall(r"^\| `activity ([a-z]+)", section("In the terminal"), re.MULTILINE)
    assert sorted(table) == sorted(cli.commands)


def test_it_names_every_setting_and_no_other() -> None:
    source = Path(config.__file__).read_text(encoding="utf-8")
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)*)"', source)) - {"UTC", "DEBUG", "INFO"}
    read -= {"WARNING", "ERROR", "CRITICAL", "OPENROUTER_TRACES"}  # levels, and a default
    assert {name for name, _ in SETTING.findall(section("Settings"))} == {
        name for name in read if name in {"HOST", "PORT"} or "_" in name
    }


def test_its_defaults_are_the_defaults() -> None:
    settings = config.load({})
    told = {name: value.strip("`") for name, value in SETTING.findall(section("Settings"))}
    assert told["OPENROUTER_BASE_URL"] == settings.openrouter_url
    assert told["SLACK_API_URL"] == settings.slack_api_url
    assert told["DATABASE_URL"] == f"sqlite:///{settings.database}"
    assert (told["HOST"], told["PORT"]) == (settings.host, str(settings.port))
    assert told["ACTIVITY_COMMAND"] == settings.command
    assert told["ACTIVITY_VISIBILITY"] == settings.visibility
    assert told["ACTIVITY_GUESTS"] == settings.guests
    assert told["ACTIVITY_TIMEZONE"] == settings.zone
    assert told["LOG_LEVEL"] == settings.log_level
    assert told["LOG_FORMAT"] == "text"
    assert not settings.log_json


@pytest.mark.parametrize("words", re.findall(r"`/activity ([^\[`]+)`", TEXT))
def test_every_question_in_it_is_understood(words: str) -> None:
    assert not isinstance(parse_command(words), CommandError)


def in_table(title: str, pattern: str) -> list[str]:
    """What a pattern finds in the rows of a section's table."""
    rows = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [word for row in rows for word in re.findall(pattern, row)]


def test_every_word_of_its_table_is_understood() -> None:
    words = in_table("The words", r"`([^`]+)`")
    assert len(words) > 30
    for word in words:
        assert not isinstance(parse_command(word), CommandError), word


def test_every_alert_of_its_table_is_understood() -> None:
    words = in_table("Alerts", r"`(alert[^`]*)`")
    assert len(words) > 12
    for word in words:
        assert not isinstance(parse_command(word), CommandError), word


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_says_what_it_does(name: str) -> None:
    command = cli.commands[name]
    assert isinstance(command, click.Command)
    assert (command.help or "").strip().endswith(".")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_pictures_and_links_are_there(page: Path) -> None:
    for place in re.findall(r"\]\(([^)#]+)\)", PAGES[page]):
        assert (page.parent / place).is_file(), place


def test_the_readme_leads_to_every_page() -> None:
    readme = PAGES[ROOT / "README.md"]
    elsewhere = {"index.md", "security.md"}  # the site's first page, and SECURITY.md itself
    for page in set(PAGES) - {ROOT / "README.md"}:
        assert f"](docs/{page.name})" in readme or page.name in elsewhere, page.name


def messages() -> Iterator[str]:
    """Every message that is logged as a warning or worse, with `...` for what is filled in."""
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if "demo" in path.parts or not isinstance(node, ast.Call):
                continue
            text: ast.expr | None = None
            if isinstance(node.func, ast.Attribute) and node.func.attr in LOUD:
                is_log = isinstance(node.func.value, ast.Name) and node.func.value.id == "log"
                text = node.args[0] if is_log else None
            elif isinstance(node.func, ast.Name) and node.func.id == "isolated":
                text = node.args[1]
            if isinstance(text, ast.Constant):
                yield re.sub(r"%[.0-9]*[a-z]", "...", str(text.value))


def test_no_warning_is_worded_where_the_table_is_not_compared_with_it() -> None:
    """Sentences of the database stand by themselves; `isolated` logs what it was called with."""
    others = []
    for path in sorted((ROOT / "bot").rglob("*.py")):
        if "demo" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = ast.unparse(node.func)
            loud = called in {"log.log", "isolated", *(f"log.{name}" for name in LOUD)}
            fixed = isinstance(node.args[int(called == "isolated")], ast.Constant)
            if loud and not (fixed and called != "log.log"):
                others.append(f"{path.name}: {ast.unparse(node)}")
    assert others == [
        "database_monitor.py: log.log(level, '%s', line)",
        "isolation.py: log.exception(failed, *arguments)",
    ]


def test_every_warning_is_in_the_table_of_log_messages_and_no_other() -> None:
    rows = re.findall(r"^\| `(.+?)` \| .+ \|$", PAGES[ROOT / "docs/logs.md"], re.MULTILINE)
    assert len(rows) == len(set(rows)) > 60
    assert set(rows) == set(messages())


def packages_on_the_map() -> dict[str, set[str]]:
    """The names on the README's map, by top-level package: `{"bot": {"app", "store"}}`."""
    found: dict[str, set[str]] = {}
    top = ""
    for line in section("How it is built").split("```")[1].splitlines():
        if named := re.match(r"([a-z]+)/", line):
            top = named[1]
        elif named := re.match(r"  ([a-z_]+/?(?:, [a-z_]+/?)*)  ", line):
            names = (name.strip().rstrip("/") for name in named[1].split(","))
            found.setdefault(top, set()).update(names)
    return found


def test_everything_on_its_map_exists() -> None:
    named = packages_on_the_map()
    assert set(named) == {"bot", "reports"}
    for top, names in named.items():
        for name in names:
            here = ROOT / top / name
            assert here.is_dir() or here.with_suffix(".py").is_file(), f"{top}/{name}"


@pytest.mark.parametrize("top", ["bot", "reports"])
def test_its_map_names_every_package_and_module_at_the_top(top: str) -> None:
    inside = (ROOT / top).iterdir()
    packages = {one.name for one in inside if (one / "__init__.py").is_file()}
    modules = {one.stem for one in (ROOT / top).glob("*.py")} - {"__init__"}
    assert packages_on_the_map()[top] == packages | modules


def test_what_its_map_says_of_rendering_exists() -> None:
    [line] = [one for one in section("How it is built").splitlines() if "  render/" in one]
    for name in re.findall(r"([a-z]+)/", line.partition("render/")[2]):
        assert (ROOT / "reports" / "render" / name / "__init__.py").is_file(), name


def test_the_example_of_settings_names_settings_only() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    assert {"OPENROUTER_MANAGEMENT_KEY", "SLACK_APP_TOKEN", "ACTIVITY_ADMINS"} <= named
    assert named <= {name for name, _ in SETTING.findall(section("Settings"))}


def test_it_says_all_that_an_installation_takes() -> None:
    install = section("Installing")
    for word in ("ACTIVITY_ADMINS", "Copy member ID", "/invite", ".env.example", "systemd",
                 "Procfile", "reverse_proxy"):  # fmt: skip
        assert word in install
