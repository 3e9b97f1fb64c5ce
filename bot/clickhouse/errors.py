"""Errors of queries, whose texts say what to do."""

from __future__ import annotations

LONGEST_TEXT = 200
"""Characters of the server's own message that are shown: the rest repeats the query."""

_WRONG_LOGIN = frozenset({192, 193, 194, 516})
_NO_ACCESS = frozenset({291, 497})
_NO_TABLE = frozenset({60, 81})
_TOO_LONG = frozenset({159, 160, 241, 307})
"""Codes for: too long, too slow, too much memory, too many bytes to read."""
_LATER = frozenset({202, 209, 210, 285, 425})
"""Codes for: too many concurrent queries, and network failures inside a cluster."""
OTHER_SETTINGS = frozenset({115, 164, 452})
"""Codes for: the server doesn't know a setting, or the user may not change it or any of them."""


class ClickHouseError(Exception):
    """A query failed. `permanent`: retrying doesn't help."""

    permanent = False


class ClickHouseRefusedError(ClickHouseError):
    """The server, user or table doesn't match the settings; the text says what to do."""

    permanent = True


class ClickHouseTooLongError(ClickHouseError):
    """The query took too long or too much memory: query a shorter time."""


def error_of(code: int, status: int, words: str, table: str) -> ClickHouseError:
    """The error for a response; `words` is the server's message, without secrets."""
    if code in _WRONG_LOGIN or (not code and status in {401, 403}):
        return ClickHouseRefusedError(
            "ClickHouse refused the user or the password. Check them in CLICKHOUSE_URL; special"
            " characters must be percent-encoded."
        )
    if code in _NO_ACCESS:
        return ClickHouseRefusedError(
            f"The user in CLICKHOUSE_URL may not read the table {table}. In ClickHouse:"
            f" GRANT SELECT ON {table} TO the user."
        )
    if code in _NO_TABLE:
        return ClickHouseRefusedError(no_table(table))
    if code in _TOO_LONG:
        return ClickHouseTooLongError(
            f"ClickHouse gave up on a query: it took too long or too much memory (code {code})."
        )
    said = " ".join(words.split())[:LONGEST_TEXT] or f"HTTP {status}"
    if code in _LATER or (not code and status >= 500):
        return ClickHouseError(f"ClickHouse could not answer: {said}")
    if not code:
        return ClickHouseRefusedError(
            f"The server in CLICKHOUSE_URL doesn't answer like ClickHouse (HTTP {status}). Use "
            "the URL of its HTTP interface: usually port 8443, or 8123 without TLS."
        )
    return ClickHouseError(f"ClickHouse reported an error: {said}")


def no_table(table: str) -> str:
    """The text for a table that doesn't exist."""
    return (
        f"ClickHouse has no table {table}, or the user may not see it. Create it as OpenRouter's"
        " Broadcast settings say, or name it: the database at the end of CLICKHOUSE_URL, the table"
        " in CLICKHOUSE_TABLE."
    )
