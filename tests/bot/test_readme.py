"""The README is held against the program."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from bot import config
from bot.__main__ import cli
from reports.commands import parse_command
from reports.questions.grammar import CommandError

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTING = re.compile(r"^\| `([A-Z_]+)` \| (.*?) \|", re.MULTILINE)


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_it_names_every_command_and_no_other() -> None:
    table = re.findall(r"^\| `activity ([a-z]+)", section("In the terminal"), re.MULTILINE)
    assert sorted(table) == sorted(cli.commands)


def test_it_names_every_setting_and_no_other() -> None:
    source = Path(config.__file__).read_text(encoding="utf-8")
    read = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)*)"', source)) - {"UTC", "DEBUG", "INFO"}
    read -= {"WARNING", "ERROR", "CRITICAL"}
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


@pytest.mark.parametrize("words", re.findall(r"`/activity ([^\[`]+)`", README))
def test_every_question_in_it_is_understood(words: str) -> None:
    assert not isinstance(parse_command(words), CommandError)


def in_table(title: str, pattern: str) -> list[str]:
    """What a pattern finds in the rows of a section's table."""
    rows = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [word for row in rows for word in re.findall(pattern, row)]


def test_every_word_of_its_table_is_understood() -> None:
    words = in_table("Ask", r"`([^`]+)`")
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


def test_its_pictures_and_links_are_there() -> None:
    places = re.findall(r"\]\(([^)#]+)\)", README)
    assert places
    for place in places:
        assert (ROOT / place).is_file(), place


def packages_on_the_map() -> dict[str, set[str]]:
    """The names on the README's map, by top-level package: `{"bot": {"app", "store"}}`."""
    found: dict[str, set[str]] = {}
    top = ""
    for line in section("Where things live").split("```")[1].splitlines():
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
    [line] = [one for one in section("Where things live").splitlines() if "  render/" in one]
    for name in re.findall(r"([a-z]+)/", line.partition("render/")[2]):
        assert (ROOT / "reports" / "render" / name / "__init__.py").is_file(), name


def test_the_example_of_settings_names_settings_only() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    assert {"OPENROUTER_MANAGEMENT_KEY", "SLACK_APP_TOKEN", "ACTIVITY_ADMINS"} <= named
    assert named <= {name for name, _ in SETTING.findall(section("Settings"))}


def test_it_says_all_that_an_installation_takes() -> None:
    install = section("Install it in your Slack")
    for word in ("ACTIVITY_ADMINS", "Copy member ID", "/invite", ".env.example", "systemd",
                 "Procfile", "reverse_proxy"):  # fmt: skip
        assert word in install
