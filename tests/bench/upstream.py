"""An OpenRouter that has a window of usage, ready to be sent, and sends nothing else."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any

from bot.openrouter.wire import METRICS
from bot.openrouter.wire import QueryGrouping as WireView
from bot.store.encoding import StoredView
from reports.usage.members import Member
from reports.usage.usage import NANO, Usage, total
from tests.bench.pulled import Owners, Rows, changed

Answers = dict[tuple[str, ...], list[dict[str, Any]]]
_KEYS = tuple(WireView.KEY.dimensions)
_CREATORS = tuple(WireView.CREATOR.dimensions)


class Upstream:
    """The same window in two versions, by turns: at each pull, a third of the rows has changed."""

    def __init__(self, rows: Rows, owners: Owners, members: Mapping[int, Member]) -> None:
        self._versions = [self._answers(changed(rows, owners, 3, by), members) for by in (0, 1)]
        self._bodies = [
            {dimensions: _body(found) for dimensions, found in version.items()}
            for version in self._versions
        ]
        self._pulls = count()
        self._turn = 0

    @property
    def rows(self) -> int:
        """How many rows the largest answer has."""
        return max(len(found) for found in self._versions[0].values())

    def answer(self, query: Mapping[str, Any]) -> bytes:
        """The body for a usage query."""
        dimensions = tuple(query.get("dimensions", ()))
        if not dimensions:  # every pull begins with the total
            self._turn = next(self._pulls) % 2
        if not query.get("filters"):
            return self._bodies[self._turn][dimensions]
        wanted = set(query["filters"][0]["value"])
        found = self._versions[self._turn][dimensions]
        return _body([row for row in found if row["_ref"] in wanted])

    def _answers(self, rows: Rows, members: Mapping[int, Member]) -> Answers:
        answers: Answers = {_KEYS: [], _CREATORS: []}
        sums: dict[int, list[Usage]] = defaultdict(list)
        for (view, bucket, member, model), usage in rows:
            who = members[member]
            named = {"_ref": who.ref, "model": members[model].ref}
            if view == StoredView.KEY:
                sums[bucket].append(usage)
                row = _row(bucket, usage) | named | {"api_key_id": who.name}
                answers[_KEYS].append(row)
            else:
                row = _row(bucket, usage) | named | {"user": who.name, "user_email": who.detail}
                answers[_CREATORS].append(row)
        answers[()] = [_row(bucket, total(usages)) for bucket, usages in sums.items()]
        return answers


@contextmanager
def listening(upstream: Upstream) -> Iterator[str]:
    """The address at which it answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = upstream.answer(query)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _row(bucket: int, usage: Usage) -> dict[str, Any]:
    """Counts as text and money as numbers, as they come."""
    at = datetime.fromtimestamp(bucket, UTC).strftime("%Y-%m-%d %H:%M:%S")
    figures = [*map(str, usage[:5]), usage.credits / NANO, usage.byok / NANO]
    return {"created_at__day": at, **dict(zip(METRICS, figures, strict=True))}


def _body(rows: list[dict[str, Any]]) -> bytes:
    shown = [{name: value for name, value in row.items() if name != "_ref"} for row in rows]
    metadata = {"row_count": len(rows), "truncated": False, "query_time_ms": 84}
    return json.dumps({"data": {"data": shown, "metadata": metadata}}).encode()
