"""Mutation testing: small changes of the code, one at a time; its tests must fail for each.

`python -m tests.trust.mutants money periods access ledger` (`make mutants`) tests all of them, or
with `--most N` so many of each, chosen by `--seed`. What survives is printed with its line: a test
is missing there, or the change makes no difference.

Tests run in a process that is forked for each mutant, in which the changed code takes the place of
the module. A mutant counts as killed when a test fails, an import fails or the tests hang.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parents[2]
SLOWER = 5
"""A mutant may take so many times as long as the unchanged code before it counts as hanging."""
EXAMPLES = 15
"""Examples of a property: fewer than usual, as all tests run for every mutant."""


@dataclass(frozen=True)
class Area:
    """Modules, and the tests that have to notice their mutants.

    Tests of `pure` modules need no fixtures of the whole bot, whose import takes seconds.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    pure: bool = False


AREAS = {
    "money": Area(
        tuple(f"reports/usage/{name}.py" for name in ("usage", "figure_table", "format", "limits")),
        (
            "tests/reports/usage/test_usage.py",
            "tests/reports/usage/test_figures.py",
            "tests/reports/wording/test_safe_text_and_format.py",
        ),
        pure=True,
    ),
    "periods": Area(
        ("reports/time/period_to_range.py", "reports/time/time_range.py", "reports/time/period.py"),
        ("tests/reports/time",),
        pure=True,
    ),
    "access": Area(
        ("bot/access/policy.py",),
        ("tests/bot/access/test_access.py", "tests/bot/access/test_enterprise_grid.py"),
    ),
    "ledger": Area(
        ("bot/store/schedules/runs.py", "bot/store/schedules/planning.py"),
        (
            "tests/bot/store/test_runs.py",
            "tests/bot/schedules/test_deliver.py",
            "tests/bot/test_bad_items.py",
        ),
    ),
}


@dataclass(frozen=True)
class Mutant:
    """One change of a module."""

    path: str
    line: int
    change: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.change}"


@dataclass(frozen=True)
class Outcome:
    """What came of an area."""

    tried: int
    survivors: tuple[Mutant, ...]

    @property
    def killed(self) -> float:
        """The share of killed mutants, from 0 to 1."""
        return 1 - len(self.survivors) / self.tried if self.tried else 0.0


COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult, ast.Mod: ast.FloorDiv,
}  # fmt: skip
SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}
SQL = (
    (r"(?<=[\w?)] )<= ", "< "), (r"(?<=[\w?)] )>= ", "> "), (r"(?<=[\w?)] )< ", "<= "),
    (r"(?<=[\w?)] )> ", ">= "), (r"((?:WHERE|AND|OR|ON) [\w.]+) = ", r"\1 <> "),
    (r"((?:AND|OR) [\w.]+) != ", r"\1 = "), (r" AND ", " OR "), (r" OR ", " AND "),
    (r"\bNOT EXISTS\b", "EXISTS"), (r"(?<!NOT) IN \(", " NOT IN ("), (r" NOT IN \(", " IN ("),
    (r"\bmin\(", "max("), (r"\+ 1\b", "+ 2"), (r" DESC\b", ""), (r"'sending'", "'other'"),
    (r"'due'", "'other'"), (r"'posted'", "'other'"), (r"'sent'", "'other'"),
    (r"'failed'", "'other'"), (r" IS NOT NULL", " IS NULL"),
    (r"(?<!NOT) IS NULL", " IS NOT NULL"),
)  # fmt: skip
"""Changes of statements, each tried at every place where its pattern is found."""
STATEMENT = re.compile(r"\b(?:SELECT|UPDATE|INSERT|DELETE|WHERE|AND|state)\b")


def mutants(path: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of its lines."""
    tree = ast.parse((ROOT / path).read_text())
    nodes = [node for node in ast.walk(tree) if hasattr(node, "lineno")]
    skipped = set(_skipped(tree))
    wanted = [node for node in nodes if id(node) not in skipped]
    for node in sorted(wanted, key=lambda one: (one.lineno, one.col_offset)):
        for change in _changes(node):
            before = _short(node)
            changed, found = _copied(tree, node)
            change(found)
            ast.fix_missing_locations(changed)
            yield Mutant(path, node.lineno, f"{before} -> {_short(found)}", changed)


def _copied(tree: ast.Module, node: ast.AST) -> tuple[ast.Module, ast.AST]:
    memo: dict[int, object] = {}
    changed = copy.deepcopy(tree, memo)
    found = memo[id(node)]
    assert isinstance(found, ast.AST)
    return changed, found


def _short(node: ast.AST) -> str:
    with suppress(Exception):
        return re.sub(r"\s+", " ", ast.unparse(node))[:150]
    return type(node).__name__


def _skipped(tree: ast.Module) -> Iterator[int]:
    """What is no behavior: docstrings, annotations, decorators and log messages."""
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            parts += [*node.decorator_list, node.returns]
            parts += [argument.annotation for argument in ast.walk(node.args)
                      if isinstance(argument, ast.arg)]  # fmt: skip
        elif isinstance(node, ast.ClassDef):
            parts += node.decorator_list
        elif isinstance(node, ast.AnnAssign):
            parts.append(node.annotation)
        elif (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or (
            isinstance(node, ast.Call) and _short(node.func).startswith("log.")
        ):
            parts.append(node)
        for part in parts:
            if part is not None:
                yield from (id(inner) for inner in ast.walk(part))


Change = Callable[[ast.AST], None]


def _changes(node: ast.AST) -> Iterator[Change]:
    """The ways in which one node is changed."""
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            if other := COMPARED.get(type(operator)):
                yield lambda one, index=index, other=other: one.ops.__setitem__(index, other())
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield lambda one: setattr(one, "op", other())
    elif isinstance(node, ast.BinOp | ast.AugAssign):
        if found := CALCULATED.get(type(node.op)):
            yield lambda one: setattr(one, "op", found())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield lambda one: setattr(one, "op", ast.UAdd() if isinstance(one.op, ast.USub) else None)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            yield lambda one: setattr(one, "test", ast.UnaryOp(ast.Not(), one.test))
    elif isinstance(node, ast.Return):
        if node.value is not None and not _is_none(node.value):
            yield lambda one: setattr(one, "value", ast.Constant(None))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if swapped := SWAPPED.get(node.func.id):
            yield lambda one: setattr(one.func, "id", swapped)
    elif isinstance(node, ast.Constant):
        yield from _changed_constants(node)


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _changed_constants(node: ast.Constant) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield lambda one: setattr(one, "value", not one.value)
    elif isinstance(node.value, int):
        yield lambda one: setattr(one, "value", one.value + 1)
    elif isinstance(node.value, str) and STATEMENT.search(node.value):
        for pattern, other in SQL:
            for match in re.finditer(pattern, node.value):
                text = node.value[: match.start()] + match.expand(
                    other if "\\1" in other else other.replace("\\", "\\\\")
                ) + node.value[match.end() :]  # fmt: skip
                yield lambda one, text=text: setattr(one, "value", text)


class _NoNot(ast.NodeTransformer):
    """Takes away a `not` that a mutant has without an operator."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return node.operand if node.op is None else node


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in the place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = mutant.path.removesuffix(".py").replace("/", ".")
        self._path = str(ROOT / mutant.path)
        self._code = compile(_NoNot().visit(mutant.tree), self._path, "exec")

    def find_spec(self, name, path=None, target=None):
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def exec_module(self, module) -> None:
        exec(self._code, module.__dict__)


def run(area: Area, mutant: Mutant | None, seconds: float) -> bool:
    """Whether all tests pass, in a process of their own and within so many seconds of its time."""
    child = os.fork()
    if not child:
        os.setsid()
        _test(area, mutant)
    until = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(status) == 0
        if time.monotonic() > until:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return False
        time.sleep(0.01)


def _test(area: Area, mutant: Mutant | None) -> None:
    code = 70
    try:
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silent, stream)
        if mutant:
            sys.meta_path.insert(0, _Finder(mutant))
        hypothesis.settings.register_profile(
            "mutants", max_examples=EXAMPLES, derandomize=True, deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip
        # no other plugins and no rewritten assertions: what counts is whether a test fails
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        options = [
            *("-x", "-q", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin"),
            *("--hypothesis-profile=mutants", "--assert=plain"),
            *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
            *["--noconftest"] * area.pure,
        ]
        code = int(pytest.main([*options, *(str(ROOT / one) for one in area.tests)]))
    finally:
        os._exit(code)


def preload() -> None:
    """Import what the project needs, and forget the project itself: each fork imports it anew."""
    importlib.import_module("bot.app")
    for name in list(sys.modules):
        if name.partition(".")[0] in {"bot", "reports"}:
            del sys.modules[name]


def tested(area: Area, most: int, seed: int) -> Outcome:
    """Test the mutants of an area, at most so many of them."""
    begun = time.monotonic()
    if not run(area, None, 900):
        sys.exit(f"The tests fail without any change: {' '.join(area.tests)}")
    longest = 10 + SLOWER * (time.monotonic() - begun)
    every = [mutant for path in area.modules for mutant in mutants(path)]
    if most and most < len(every):
        chosen = sorted(random.Random(seed).sample(range(len(every)), most))
        every = [every[index] for index in chosen]
    survivors = []
    for number, mutant in enumerate(every, 1):
        if run(area, mutant, longest):
            survivors.append(mutant)
            print(f"  survived {mutant}", flush=True)
        if number % 50 == 0:
            print(f"  {number} of {len(every)}, {len(survivors)} survived", flush=True)
    return Outcome(len(every), tuple(survivors))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("areas", nargs="*", choices=[[], *AREAS], default=[])
    options.add_argument("--most", type=int, default=0, help="mutants of each area; 0 is all")
    options.add_argument("--seed", type=int, default=1, help="which ones are chosen")
    chosen = options.parse_args()
    preload()
    for name in chosen.areas or AREAS:
        begun = time.monotonic()
        print(f"{name}:", flush=True)
        outcome = tested(AREAS[name], chosen.most, chosen.seed)
        print(
            f"{name}: {outcome.tried - len(outcome.survivors)} of {outcome.tried} mutants killed"
            f" ({outcome.killed:.1%}), seed {chosen.seed}, in {time.monotonic() - begun:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
