"""Renders CSV, PDF and PNG files in a separate process.

Rendering keeps the interpreter busy for seconds, which would delay acknowledgements.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.answers.write_file import Job, UnanswerableError, write_file
from bot.config import environment_without_secrets
from bot.runtime.private_folder import private_folder
from bot.store import Database, Store, StoreError

if TYPE_CHECKING:
    from bot.clickhouse import ClickHouse

log = logging.getLogger(__name__)

AT_ONCE = 2  # processes; more would only compete for the CPU
LONGEST_SECONDS = 300  # a million rows take a few minutes
_ENTRY = Path(__file__).resolve().with_name("render_process.py")
_NICENESS = 10  # below the bot itself
_TEXT_FOR_PEOPLE = 3
"""The exit code of the process if the text on stderr is meant for people."""


class RenderError(Exception):
    """A file couldn't be rendered; the text is meant for people."""


class Renderer:
    """Renders files from one database, a few at a time, each in its own process.

    Questions that only ClickHouse can answer are put to it there, if it has a URL.
    """

    def __init__(
        self, database: Path | str, clickhouse_url: str = "", clickhouse_table: str = ""
    ) -> None:
        self._clickhouse = {"url": clickhouse_url, "table": clickhouse_table}
        self._database = database.absolute() if isinstance(database, Path) else database
        self._slots = threading.BoundedSemaphore(AT_ONCE)

    @contextmanager
    def file(self, job: Job) -> Iterator[Path]:
        """The file of a job, private and deleted afterwards. Raises RenderError."""
        with private_folder() as folder:
            path = folder / f"file.{job.format.suffix}"
            with self._slots:
                self._run(job, path)
            yield path

    def _run(self, job: Job, path: Path) -> None:
        # everything that is not public goes through stdin: arguments are seen by all users
        name = "path" if isinstance(self._database, Path) else "url"
        request = {
            name: str(self._database),
            "clickhouse": self._clickhouse,
            "file": str(path),
            "job": job.as_json(),
        }
        try:
            done = subprocess.run(  # our own file, no shell  # noqa: S603  # nosec B603
                [sys.executable, "-P", str(_ENTRY)],
                input=json.dumps(request).encode(),
                capture_output=True,
                timeout=LONGEST_SECONDS,
                check=False,
                cwd=path.parent,
                env=environment_without_secrets(),
            )
        except subprocess.TimeoutExpired:
            raise RenderError(
                f"The file took longer than {LONGEST_SECONDS // 60} minutes. Try a shorter period"
                " or fewer groups."
            ) from None
        stderr_text = done.stderr.decode(errors="replace").strip()
        if done.returncode == _TEXT_FOR_PEOPLE and stderr_text:
            raise RenderError(stderr_text.splitlines()[-1])
        if done.returncode:
            log.error("The rendering process ended with %d: %s", done.returncode, stderr_text)
            raise RenderError("I couldn't create the file. The reason is in the bot's log.")


def _traces(url: str, table: str) -> ClickHouse | None:
    """The client of ClickHouse; None without a URL."""
    if not url:
        return None
    from bot.clickhouse import LIVE, ClickHouse  # noqa: PLC0415 - most files don't need it

    return ClickHouse(url, table, limits=LIVE)


def main() -> None:
    """Render one file as stdin says: {"path" or "url": database, "file": path, "job": {...},
    "clickhouse": {"url": ..., "table": ...}}.
    """
    os.nice(_NICENESS)
    try:
        request = json.load(sys.stdin)
        job = Job.from_json(request["job"])
        database = Path(request["path"]) if "path" in request else request["url"]
        store = Store(Database(database, must_exist=True))
        traces = _traces(**request["clickhouse"])
        with Path(request["file"]).open("wb") as out:
            write_file(store, job, out, traces)
    except (UnanswerableError, StoreError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(_TEXT_FOR_PEOPLE)
