"""The bot in a process of its own, at a fixed moment, as `serving` starts it.

With the address of an OpenRouter it syncs as well: the same window again and again, without rest.
`--journal=wal` or `--journal=rollback` sets the journal mode, whatever this SQLite is safe for, and
`--plain-http` replaces our HTTP server with plain waitress.
"""

from __future__ import annotations

import sys
import threading

from bot.app import Bot, Parts
from bot.config import Need, environment, load
from bot.http import server as server_module
from bot.openrouter import OpenRouter
from bot.runtime import logs
from bot.runtime.priority import tune_interpreter
from bot.store import sqlite as sqlite_module
from bot.sync.pull_window import Callbacks, pull
from tests.bench.organizations import NOW, WEEK
from tests.bench.plain_waitress import PLAIN_HTTP, PlainWaitress


def main() -> None:
    """Serve until stdin ends; the port is said on stdout."""
    settings = load(environment(), Need.SLACK)
    logs.set_up(settings.log_level, [], as_json=False)
    options = {word for word in sys.argv[1:] if word.startswith("--")}
    for word in options:
        if word == PLAIN_HTTP:
            server_module.HttpServer = PlainWaitress
        else:
            sqlite_module.has_safe_wal = lambda _, word=word: word.endswith("=wal")
    bot = Bot(settings, Parts(web=True, worker=False), lambda: NOW)
    bot.start()
    tune_interpreter()
    syncs = [
        threading.Thread(target=_sync, args=(bot, address), daemon=True)
        for address in sys.argv[1:]
        if address not in options
    ]
    for thread in syncs:
        thread.start()
    print(bot.port, flush=True)
    sys.stdin.read()
    bot.stopping.set()
    for thread in syncs:
        thread.join()
    bot.stop()


def _sync(bot: Bot, address: str) -> None:
    api = OpenRouter(address, "sk-or-v1-bench", wait=bot.stopping.wait, requests_a_minute=10**6)
    while not bot.stopping.is_set():
        pulled = pull(api, bot.store, WEEK, Callbacks(lambda: None), NOW)
        assert not pulled.notes, pulled.notes
        bot.store.replace(WEEK, pulled.rows, NOW)


if __name__ == "__main__":
    main()
