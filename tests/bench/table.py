"""What was measured, and the table that shows it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `met` is whether it keeps its target, None where there is none.

    `ratio` is how many times as much a peer takes, measured in the same run.
    """

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None
    peer: str = ""
    ratio: float | None = None


def at_most(name: str, value: float, unit: str, limit: float) -> Figure:
    """A figure that should not be above a limit."""
    return Figure(name, value, unit, f"<= {limit:g} {unit}".rstrip(), value <= limit)


def faster(name: str, value: float, peer: str, other: float, least: float) -> Figure:
    """Seconds that should be at least so many times less than a peer's."""
    ratio = other / value
    return Figure(name, value, "s", f">= {least:g} x {peer}", ratio >= least, peer, ratio)


def show(figures: Iterable[Figure]) -> bool:
    """Print the figures as they come; returns whether all targets are kept."""
    print(machine())
    print(f"{'figure':<58}{'value':>12} {'target':<24}{'':<8}peer")
    kept = True
    for figure in figures:
        kept = kept and figure.met is not False
        mark = {True: "ok", False: "MISSED", None: ""}[figure.met]
        value = f"{figure.value:,.4g} {figure.unit}".rstrip()
        peer = f"{figure.ratio:.3g} x {figure.peer}" if figure.ratio is not None else ""
        line = f"{figure.name:<58}{value:>12} {figure.target:<24}{mark:<8}{peer}"
        print(line.rstrip(), flush=True)
    return kept


def machine() -> str:
    """What it was measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = ", ".join(f"{part:.2f}" for part in os.getloadavg())
    return f"{_processor()}, {cores} cores, Python {platform.python_version()}, load {load}"


def peak_memory() -> float:
    """The most memory that this process has held, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource  # noqa: PLC0415 - not on every system

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
