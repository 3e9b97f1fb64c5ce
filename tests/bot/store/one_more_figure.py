"""A later version of this bot that stores one more figure, run in a process of its own.

Arguments: database files. Each is opened (and migrated, or created), one day of usage is written
and read back; prints what was read, as JSON.
"""

import importlib.util
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[3]


CHANGED = {
    "reports/usage/figure_table.py": (
        '    Figure("cached",',
        '    Figure("audio", "tokens_audio", FigureKind.COUNT, Metric.TOKENS), Figure("cached",',
    ),
    "reports/usage/usage.py": (
        "    cached: int = 0\n",
        "    audio: int = 0\n    cached: int = 0\n",
    ),
}
"""All that such a version changes, besides its migration: a line in each of two files."""


def with_one_more_figure() -> None:
    """Put a Usage with `audio` between its other figures in the place of today's."""
    for name, (now, later) in CHANGED.items():
        path = ROOT / name
        source = path.read_text()
        assert source.count(now) == 1
        module_name = name.removesuffix(".py").replace("/", ".")
        spec = importlib.util.spec_from_loader(module_name, loader=None)
        assert spec
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        exec(compile(source.replace(now, later), str(path), "exec"), module.__dict__)


sys.path.insert(0, str(ROOT))
with_one_more_figure()

from bot.store import Database, Store, migrations  # noqa: E402
from bot.store.encoding import StoredView  # noqa: E402
from reports.time.time_range import Granularity  # noqa: E402
from reports.usage.usage import Usage  # noqa: E402
from reports.usage.windows_to_fetch import Window  # noqa: E402


@migrations.migration
def m999_audio(db: object) -> None:
    """One more figure, as a migration adds it."""
    for table in ("usage", "total"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN audio INTEGER NOT NULL DEFAULT 0")  # type: ignore[attr-defined]


USAGE = Usage(
    requests=3, byok_requests=1, prompt=100, completion=10, reasoning=4, credits=5, byok=6
)
USAGE = USAGE._replace(audio=70, cached=7, saved=-8)
START, END = datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)


def main() -> None:
    found = {}
    for name in sys.argv[1:]:
        store = Store(Database(Path(name)))
        at = int(START.timestamp())
        rows = [((StoredView.KEY, at, 1, 2), USAGE), ((StoredView.CREATOR, at, 2, 2), USAGE)]
        store.replace(Window(Granularity.DAY, START, END), rows, None)
        store.replace(Window(Granularity.DAY, START, END), rows, None)
        columns = ", ".join(Usage._fields)
        with store._db.read() as connection:
            found[name] = [
                dict(zip(Usage._fields, row, strict=True))
                for table in ("usage", "total")
                for row in connection.execute(
                    f"SELECT {columns} FROM {table} WHERE granularity = 2 AND bucket = ?", (at,)
                )
            ]
        store.close()
    json.dump({"wanted": USAGE._asdict(), "found": found}, sys.stdout)


main()
