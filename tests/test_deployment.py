"""What runs the bot elsewhere: container, compose, systemd, platforms, and what watches it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from bot import config
from bot.__main__ import cli
from bot.config import load
from bot.services import OutcomeKind
from bot.store.schedules.runs import RunState

from . import world as worlds

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "ops/systemd/activity.service"
RULES = yaml.safe_load((ROOT / "ops/prometheus/activity.rules.yaml").read_text(encoding="utf-8"))
BOARD = json.loads((ROOT / "ops/grafana/activity.json").read_text(encoding="utf-8"))
SETTINGS = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)*)"', Path(config.__file__).read_text("utf-8")))
PYTHON = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
ALERT_STATES = {"due", "sending", "sent", "failed"}
MOST_EXPOSED = 20
"""Tenths: systemd calls up to 2.0 well protected; a service without a network has less."""


def is_a_command(words: list[str]) -> bool:
    return words[:1] == ["activity"] and words[1:2] == [name for name in cli.commands
                                                         if name in words[1:2]]  # fmt: skip


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, with continued lines joined."""
    text = re.sub(
        r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines) if word]


def final_stage() -> dict[str, str]:
    words = instructions()
    last = max(index for index, (word, _) in enumerate(words) if word == "FROM")
    return dict(words[last:])


def health_check() -> list[str]:
    found = json.loads(final_stage()["HEALTHCHECK"].partition("CMD ")[2])
    assert found[0] == "python"
    return [sys.executable, *found[1:]]


def test_the_image_runs_a_command_as_somebody_without_rights() -> None:
    stage = final_stage()
    assert is_a_command(json.loads(stage["ENTRYPOINT"]) + json.loads(stage["CMD"]))
    assert int(stage["USER"]) >= 10_000
    values = dict(re.findall(r"([A-Z_]+)=(\S+)", stage["ENV"]))
    assert set(values) <= SETTINGS | PYTHON
    assert str(load(values).database) == f"{stage['VOLUME']}/activity.db"


def test_the_image_has_no_compiler_and_the_build_checks_hashes() -> None:
    words = instructions()
    assert [rest.split()[0].endswith("-slim") for word, rest in words if word == "FROM"] == [
        True
    ] * 2
    steps = " ".join(rest for word, rest in words if word == "RUN")
    assert not re.search(r"apt|gcc|build-essential|curl|wget", steps)
    assert "--require-hashes -r constraints.txt" in steps
    assert "--no-deps --no-build-isolation ." in steps


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert "*" in ignored
    copied = {
        place
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for place in rest.split()[:-1]
    }
    assert copied == allowed
    assert all((ROOT / place).exists() for place in copied)


def asked_for_health(folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    """The image's health check, in an environment with a proxy that doesn't answer."""
    proxy = "http://127.0.0.1:1"
    environ = {"PATH": os.environ["PATH"], "PORT": str(port), "http_proxy": proxy}
    return subprocess.run(
        health_check(), env=environ, cwd=folder, check=False, capture_output=True, text=True
    )


def test_its_health_check_says_how_the_bot_is(world: worlds.World, tmp_path: Path) -> None:
    assert asked_for_health(tmp_path, world.bot.port).returncode == 0
    world.bot.stopping.set()
    found = asked_for_health(tmp_path, world.bot.port)
    assert (found.returncode, found.stderr) == (1, "")
    assert json.loads(found.stdout)["reason"] == "stopping"
    assert asked_for_health(tmp_path, port=1).returncode == 1


def test_compose_keeps_only_the_volume_writable() -> None:
    found = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    service = found["services"]["activity"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    # the server's password isn't the bot's business, but .env has it
    assert service["environment"].pop("POSTGRES_PASSWORD") == ""
    assert set(service["environment"]) <= SETTINGS
    defaults = {
        name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
        for name, value in service["environment"].items()
    }
    assert str(load(defaults).database) == "/data/activity.db"
    for one in found["services"].values():
        for volume in one.get("volumes", ()):
            assert volume.partition(":")[0] in found["volumes"]
    # nothing is open to other machines
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")


def unit(folder: Path) -> str:
    """The unit with a program that exists here."""
    text = UNIT.read_text(encoding="utf-8")
    [words] = re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)
    assert is_a_command([Path(words.split()[0]).name, *words.split()[1:]])
    copy = folder / UNIT.name
    copy.write_text(text.replace(words, "/bin/true"))
    return str(copy)


@needs_systemd
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    command = ["systemd-analyze", "verify", "--man=no", unit(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_systemd_finds_it_well_protected(tmp_path: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}"]
    done = subprocess.run(
        [*command, "--no-pager", unit(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_unit_allows_what_the_bot_does() -> None:
    text = UNIT.read_text(encoding="utf-8")
    # os.nice of the process that creates files is setpriority, which belongs to @resources
    assert "~@privileged\n" in text
    [values] = re.findall(r"^Environment=(.+)$", text, re.MULTILINE)
    named = dict(one.split("=", 1) for one in values.split())
    assert set(named) <= SETTINGS | PYTHON
    [state] = re.findall(r"^StateDirectory=(.+)$", text, re.MULTILINE)
    assert str(load(named).database.parent) == f"/var/lib/{state}"


def test_each_process_of_the_procfile_is_a_command() -> None:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    processes = dict(line.split(": ", 1) for line in lines)
    assert "web" in processes
    for words in processes.values():
        assert is_a_command(words.split()), words


def test_compose_starts_a_server_only_when_asked_to_and_opens_it_to_nobody() -> None:
    found = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    server = found["services"]["postgres"]
    assert server["profiles"] == ["postgres"]
    assert "ports" not in server
    [url] = re.findall(r"#\s+DATABASE_URL=(\S+)", (ROOT / "compose.yaml").read_text("utf-8"))
    assert load({"DATABASE_URL": url}).database != load({}).database
    user, name = server["environment"]["POSTGRES_USER"], server["environment"]["POSTGRES_DB"]
    assert url.startswith(f"postgresql://{user}:")
    assert url.endswith(f"@postgres:5432/{name}")


def test_the_description_for_platforms_names_settings_and_processes() -> None:
    found = json.loads((ROOT / "app.json").read_text(encoding="utf-8"))
    assert set(found["env"]) <= SETTINGS
    required = {name for name, one in found["env"].items() if one["required"]}
    assert required == {"OPENROUTER_MANAGEMENT_KEY", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"}
    load({name: one["value"] for name, one in found["env"].items() if "value" in one})
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    assert set(found["formation"]) <= {line.partition(":")[0] for line in lines}
    wanted = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()[-1]
    assert wanted == ".[postgres]"


@pytest.fixture(scope="module")
def metrics(shared: worlds.World) -> set[str]:
    """The names of all metrics that a bot serves."""
    text = shared.bot.metrics.text().decode()
    named = set(re.findall(r"^# TYPE (\w+) (?:counter|gauge)", text, re.MULTILINE))
    named |= {
        f"{name}_bucket" for name in re.findall(r"^# TYPE (\w+) histogram", text, re.MULTILINE)
    }
    return {name for name in named if not name.endswith("_created")}


def expressions() -> list[str]:
    rules = [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
    panels = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
    queries = [one["query"]["query"] for one in BOARD["templating"]["list"] if one["name"] == "job"]
    return [*rules, *panels, *queries]


def test_every_metric_that_is_watched_exists(metrics: set[str]) -> None:
    named = {name for text in expressions() for name in re.findall(r"activity_\w+", text)}
    assert len(named) >= 6
    assert named <= metrics


def test_every_label_that_is_watched_exists() -> None:
    known = {
        "activity_report_runs": {str(state) for state in RunState},
        "activity_alert_messages": ALERT_STATES,
        "activity_asks_total": {str(kind) for kind in OutcomeKind},
        "activity_sync_turns_total": {"done", "failed"},
        "activity_sync_age_seconds": {"minute", "hour", "day", "month"},
    }
    found = 0
    for text in expressions():
        for name, labels in re.findall(r"(activity_\w+)\{([^}]*)\}", text):
            pairs = re.findall(r'(?:state|outcome|granularity)=~?"([^"]+)"', labels)
            values = {value for pair in pairs for value in pair.split("|")}
            assert values <= known.get(name, set()), text
            found += len(values)
    assert found > 10


def test_every_metric_is_on_the_dashboard(metrics: set[str]) -> None:
    text = " ".join(target["expr"] for panel in BOARD["panels"] for target in panel["targets"])
    assert {name for name in metrics if name not in text} == set()


def test_the_rules_have_what_prometheus_and_people_need() -> None:
    [group] = RULES["groups"]
    named = [rule["alert"] for rule in group["rules"]]
    assert len(named) == len(set(named)) >= 8
    for rule in group["rules"]:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert re.fullmatch(r"\d+m", rule.get("for", "0m"))


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart or above
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)
