"""Syncs in children of its own that are killed from outside; run as a script.

A line on stdin names a database and a moment; the answer is the process that syncs it from then on,
as if a minute went by with every turn, and, when it is gone, another line.
"""

import json
import os
import sys
from datetime import datetime, timedelta

from bot.openrouter import OpenRouter
from bot.store import Database, Store
from bot.sync.sync import Sync
from tests.databases import address


def sync(url: str, key: str, path: str, start: str) -> None:
    turns = 0

    def clock() -> datetime:
        return datetime.fromisoformat(start) + turns * timedelta(minutes=1)

    api = OpenRouter(url, key, wait=lambda _: None, requests_a_minute=10**9)
    street = Sync(api, Store(Database(address(path))), clock)
    while True:
        turn = street.turn()
        assert turn.error is None, turn.error
        turns += not turn.more


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                sync(*sys.argv[1:3], *json.loads(line))
            finally:
                os._exit(70)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
