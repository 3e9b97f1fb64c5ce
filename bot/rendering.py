"""Files are written in another process, so that no acknowledgement waits for the typesetting."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.flows.files import Job, UnanswerableError, write_file
from bot.store import Database, Store, StoreError

log = logging.getLogger(__name__)

AT_ONCE = 2
LONGEST_SECONDS = 300
_NICENESS = 10
_SAID = 3


class RenderError(Exception):
    """A file could not be written; the text is fit for people."""


class Renderer:
    """Writes files of one database, a few at a time, each in a process of its own."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    @contextmanager
    def file(self, job: Job) -> Iterator[Path]:
        """The file of a job, private and gone afterwards. Raises RenderError."""
        with tempfile.TemporaryDirectory(prefix="activity-") as folder:
            path = Path(folder) / f"file.{job.format.suffix}"
            with self._turns:
                self._run(job, path)
            yield path

    def _run(self, job: Job, path: Path) -> None:
        command = [sys.executable, "-m", "bot.rendering", str(self._database), str(path)]
        try:
            done = subprocess.run(  # noqa: S603 - our own module
                command,
                input=json.dumps(job.as_json()).encode(),
                capture_output=True,
                timeout=LONGEST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RenderError(
                f"The file took longer than {LONGEST_SECONDS // 60} minutes. Ask for a shorter"
                " period or fewer groups."
            ) from None
        said = done.stderr.decode(errors="replace").strip()
        if done.returncode == _SAID:
            raise RenderError(said.splitlines()[-1])
        if done.returncode:
            log.error("Writing a file ended with %d: %s", done.returncode, said)
            raise RenderError(
                "The file could not be written here; whoever runs the bot finds why in its log."
            )


def main() -> None:
    """Write one file: the database and the file as arguments, the job on standard input."""
    os.nice(_NICENESS)
    database, path = map(Path, sys.argv[1:3])
    try:
        job = Job.from_json(json.load(sys.stdin))
        store = Store(Database(database, must_exist=True))
        with path.open("wb") as out:
            write_file(store, job, out)
    except (UnanswerableError, StoreError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(_SAID)


if __name__ == "__main__":
    main()
