"""The documents beside the README are held against the repository."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from bot.clickhouse.errors import OLDEST
from bot.openrouter import client
from bot.slack.scopes import SCOPES
from tests.trust.parts import PARTS
from tests.trust.table import BEGIN, END

ROOT = Path(__file__).parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
EXTERNAL = ("http://", "https://", "#")
NAMED = re.compile(r"`((?:reports|bot|tests)/[a-z_/]*(?:\.py)?)`")


def links(text: str) -> list[str]:
    """The files that a document links to."""
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [place.partition("#")[0] for place in found if not place.startswith(EXTERNAL)]


def test_contributing_names_only_files_that_exist() -> None:
    named = [*links(CONTRIBUTING), *NAMED.findall(CONTRIBUTING)]
    assert len(named) > 30
    for place in named:
        assert (ROOT / place).exists(), place


def test_contributing_names_the_registries_where_they_are() -> None:
    said = re.findall(r"`([A-Z]{4,}|Watch|Usage|Dimension|QueryGrouping)`[^()]*?\]\(([^)]+\.py)",
                      re.sub(r"\s+", " ", CONTRIBUTING))  # fmt: skip
    assert len(said) >= 7
    for name, place in said:
        words = set()
        for node in ast.walk(ast.parse((ROOT / place).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                words.add(node.name)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                words.add(node.id)
        assert name in words, f"{place} does not define {name}"


def test_security_says_what_each_scope_of_the_manifest_is_for() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    rows = re.findall(r"^\| `([a-z_.:]+)` \| (.+) \|$", SECURITY, re.MULTILINE)
    assert [scope for scope, _ in rows] == manifest["oauth_config"]["scopes"]["bot"]
    assert dict(rows) == SCOPES


def test_security_names_every_call_to_openrouter_and_no_other() -> None:
    [row] = [line for line in SECURITY.splitlines() if line.startswith("| OpenRouter")]
    paths = set(re.findall(r"`(?:POST )?(/[^`]+)`", row))
    assert paths == {*client._READS, "/workspaces/ID/budgets", client._QUERY}


@pytest.mark.parametrize("target", re.findall(r"`make ([a-z]+)`", SECURITY + CONTRIBUTING))
def test_the_commands_that_they_name_exist(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_readme_has_counts_of_the_table_of_what_was_tried() -> None:
    proof = (ROOT / "docs/proof.md").read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    counts = {line.split(" | ")[2] for line in proof.splitlines() if line.startswith("| ")}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [part] = re.findall(r"^## Tried at length$(.+?)^## ", readme, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| .+ \| (\d.+) \|$", part, re.MULTILINE)
    assert len(rows) > 5
    for count in "; ".join(rows).replace(" of the sync", "").split("; "):
        assert count in counts


def test_nothing_in_the_table_of_what_was_tried_is_lost_doubled_or_wrong() -> None:
    proof = (ROOT / "docs/proof.md").read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    rows = [line.split(" | ") for line in proof.splitlines() if line.startswith("| ")][2:]
    assert {row[0].removeprefix("| ") for row in rows} == set(PARTS)
    assert {cell for row in rows for cell in row[3:6]} <= {"-", "0"}


LOCKS = ("constraints.txt", "constraints-dev.txt", "constraints-tools.txt")


def locked(file: str) -> dict[str, str]:
    """The version of each package in a file of constraints; each must have hashes, and no host."""
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = {}
    for line in lines:
        named = re.match(r"([a-z0-9-]+)==(\S+)[^-]*(?:--hash=sha256:[0-9a-f]{64}\s*)+$", line)
        assert named, line[:80]
        found[named[1]] = named[2]
    assert "://" not in text
    return found


def needed(*extras: str) -> set[str]:
    """The packages that pyproject.toml names, in the spelling of the constraints."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"]]
    for extra in extras:
        named += project["optional-dependencies"][extra]
    return {re.split(r"[\[<>=]", name)[0].lower().replace("_", "-") for name in named}


def test_every_dependency_has_a_version_and_hashes() -> None:
    every = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert needed("postgres") <= set(locked("constraints.txt"))
    assert needed("dev") <= set(locked("constraints-dev.txt"))
    assert needed(*every["optional-dependencies"]) <= set(locked("constraints-tools.txt"))
    assert set(locked("constraints-clickhouse.txt")) == {"chdb", "chdb-core"}


def test_the_oldest_version_of_clickhouse_that_was_tried_is_the_one_that_errors_name() -> None:
    said = (ROOT / "docs" / "clickhouse.md").read_text()
    assert f"versions **{OLDEST}**" in " ".join(said.split())
    assert f"versions before {OLDEST}." in said


def test_the_constraints_agree_with_each_other() -> None:
    run, dev, tools = (locked(file) for file in LOCKS)
    assert run.items() <= dev.items() <= tools.items()
