"""`python -m tests.bench [MODULE...]`: run all measurements, or those of some modules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import tests.bench
from tests.bench.table import Figure, show


def figures(wanted: list[str]) -> Iterator[Figure]:
    """Every figure of every module that has a `run`, as they are measured."""
    for found in iter_modules(tests.bench.__path__):
        if found.name == "__main__" or (wanted and found.name not in wanted):
            continue
        run = getattr(import_module(f"tests.bench.{found.name}"), "run", None)
        if run is not None:
            yield from run()


if __name__ == "__main__":
    sys.exit(0 if show(figures(sys.argv[1:])) else 1)
