"""Errors of queries, whose texts say what to do."""

from __future__ import annotations

LONGEST_TEXT = 200
"""Characters of the server's own message that are shown: the rest repeats the query."""

_WRONG_LOGIN = frozenset({192, 193, 194, 516})
_NO_ACCESS = frozenset({291, 497})
_NO_TABLE = frozenset({60, 81})
_TOO_LONG = {
    158: "it reads more rows than max_rows_to_read allows",
    159: "it took too long",
    160: "it took too long",
    241: "it took too much memory",
    307: "it reads more bytes than max_bytes_to_read allows",
    396: "it has more rows than max_result_rows allows",
}
"""Codes of queries that are too large, and why: a shorter time may help."""
_LATER = frozenset({198, 202, 209, 210, 236, 279, 285, 394, 425})
"""Codes for: too many concurrent queries, network failures inside a cluster, and queries that were
stopped."""
_LATER_STATUS = frozenset({408, 425, 429})
_TOO_OLD = frozenset({46, 50, 62, 456})
"""Codes for: a function, a type, a query or a parameter that an old server may not know."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
"""OpenSSL's reasons where the server sent something else, by version."""
OLDEST = "24.8"
"""The oldest version of ClickHouse on which all tests were run."""
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


def error_of(code: int, status: int, words: str, table: str, location: str = "") -> ClickHouseError:
    """The error for a response.

    `code` is ClickHouse's own, 0 if it, or something else in its place, sent none. `words` is the
    server's message, without secrets, and `location` is where it redirects to.
    """
    if not code:
        return _error_of_another(status, words, location)
    if code in _WRONG_LOGIN:
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
            f"ClickHouse gave up on a query: {_TOO_LONG[code]} (code {code}). If that stays so,"
            " raise the limits of the user in CLICKHOUSE_URL."
        )
    said = _shortened(words) or f"code {code}"
    if code in _LATER:
        return ClickHouseError(f"ClickHouse could not answer: {said}")
    if code in _TOO_OLD:
        return ClickHouseRefusedError(
            f"ClickHouse doesn't know what the bot asks for. {OLDEST} is the oldest version that"
            f" was tried; `SELECT version()` says which this is. It said: {said}"
        )
    return ClickHouseError(f"ClickHouse reported an error: {said}")


def _error_of_another(status: int, words: str, location: str) -> ClickHouseError:
    """The error for a response that isn't ClickHouse's, but probably a proxy's."""
    said = "" if words.lstrip().startswith("<") else _shortened(words)
    if status in {401, 403}:
        return ClickHouseRefusedError(
            f"The server in CLICKHOUSE_URL refused the user or the password (HTTP {status}). Check"
            " them there; special characters must be percent-encoded. If a proxy is in front of"
            " ClickHouse, check whom it lets through."
        )
    if status == 504:
        return ClickHouseTooLongError(
            "A proxy before ClickHouse gave up waiting for it (HTTP 504). If that stays so, raise"
            " the proxy's time limit: a query of the bot may take two minutes."
        )
    if status >= 500 or status in _LATER_STATUS:
        return ClickHouseError(
            f"ClickHouse could not answer (HTTP {status}). "
            + (f"The server said: {said}" if said else "Check that it runs, and a proxy before it.")
        )
    if location and 300 <= status < 400:
        return ClickHouseRefusedError(
            f"The server in CLICKHOUSE_URL redirects to {location} (HTTP {status}). Use the address"
            " of ClickHouse itself, with the same user, password and database."
        )
    return ClickHouseRefusedError(
        f"The server in CLICKHOUSE_URL doesn't answer like ClickHouse (HTTP {status}). Use "
        "the URL of its HTTP interface: usually port 8443, or 8123 without TLS."
    )


def no_response(problem: str, kind: str) -> ClickHouseError:
    """The error where no response came, or not all of it; `problem` is what the library says."""
    if "CERTIFICATE_VERIFY_FAILED" in problem:
        why = problem.rpartition("failed: ")[2].partition(" (_ssl")[0]
        return ClickHouseError(
            f"The certificate of the server in CLICKHOUSE_URL isn't trusted: {why}. If its"
            " authority is your own, set SSL_CERT_FILE to a file that has it and the public ones."
        )
    if any(reason in problem for reason in _NO_TLS):
        return ClickHouseError(
            "The server in CLICKHOUSE_URL doesn't speak TLS on this port. Use its port for HTTPS,"
            " usually 8443, or http:// and usually 8123."
        )
    return ClickHouseError(
        f"No complete response from ClickHouse ({kind}). Check CLICKHOUSE_URL (https or http, the"
        " host and the port) and the network."
    )


def _shortened(words: str) -> str:
    return " ".join(words.split())[:LONGEST_TEXT]


def no_table(table: str) -> str:
    """The text for a table that doesn't exist."""
    return (
        f"ClickHouse has no table {table}, or the user may not see it. Create it as OpenRouter's"
        " Broadcast settings say, or name it: the database at the end of CLICKHOUSE_URL, the table"
        " in CLICKHOUSE_TABLE."
    )
