"""`activity doctor`: checks everything the bot depends on, and says how to fix problems."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import httpx
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.app import make_clickhouse, open_store, utc_now
from bot.clickhouse import ClickHouse, ClickHouseError, TraceColumn, TraceField
from bot.config import (
    CLICKHOUSE,
    ENV_FILE,
    SECRETS,
    WHERE,
    Need,
    Settings,
    Visibility,
    contains_secrets,
    inspect,
)
from bot.openrouter import OpenRouter, OpenRouterError, QueryGrouping
from bot.runtime import logs
from bot.slack.client import NO_ANSWER
from bot.slack.scopes import SCOPES
from bot.store import StoreError
from bot.store import file_check as checkup
from bot.store.errors import NO_DRIVER
from bot.store.sqlite import has_safe_wal
from bot.store.sync_state import COSTS, failure
from bot.store.usage.traces import NOT_IN_CLICKHOUSE_NAME
from bot.sync.pull_from_clickhouse import rest_of
from reports.time.time_range import DAY, Granularity, floor
from reports.usage.usage import Usage, total

TIMEOUT = 15  # seconds per request: a slow network passes, a blocked one is reported soon
CLOCK_MAY_DIFFER = timedelta(seconds=60)  # Slack allows five minutes
STALE_AFTER = {
    Granularity.MINUTE: timedelta(minutes=5),
    Granularity.HOUR: timedelta(minutes=20),
    Granularity.DAY: timedelta(minutes=60),
}
LITTLE_SPACE = 50 * 10**6
"""In bytes: about what syncing a large organization writes in a week."""
FAR_MILLISECONDS = 20
"""With more than this, people notice the twenty or so round trips of an answer."""
MOUNTS = Path("/proc/mounts")


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: its subject, whether it passed, and a description."""

    what: str
    well: bool
    words: str

    def __str__(self) -> str:
        return f"{'ok' if self.well else 'FAIL':<5} {self.what}: {self.words}"


def examine(values: Mapping[str, str]) -> bool:
    """Print a line for each check; returns whether all passed. `values` is the environment."""
    settings, wrong = inspect(values, Need.SLACK, Need.OPENROUTER)
    # problems are printed as findings; the libraries' logs would only repeat them
    logs.set_up("CRITICAL", settings.secrets, as_json=False)
    well = True
    for finding in chain(
        _settings(wrong),
        _secret_files(values),
        _slack(settings),
        _openrouter(settings),
        _clickhouse(settings),
        _database(settings),
    ):
        click.echo(str(finding))
        well = well and finding.well
    return well


def _settings(wrong: list[str]) -> Iterator[Finding]:
    if not wrong:
        yield Finding("settings", well=True, words="all required ones are set")
    for words in wrong:
        yield Finding("settings", well=False, words=words)


def _secret_files(values: Mapping[str, str]) -> Iterator[Finding]:
    """Findings for files with secrets that other users of this machine can read."""
    files = [Path(ENV_FILE)] if contains_secrets(ENV_FILE) else []
    files += [Path(values[f"{name}_FILE"]) for name in SECRETS if values.get(f"{name}_FILE")]
    for file in files:
        if checkup.others_can_read(file):
            words = f"other users of this machine can read {file}. Run: chmod 600 {file}"
            yield Finding("secrets", well=False, words=words)


def _slack(settings: Settings) -> Iterator[Finding]:
    client = WebClient(
        token=settings.slack_bot_token.value,
        base_url=settings.slack_api_url,
        retry_handlers=[],
        timeout=TIMEOUT,
    )
    if settings.slack_bot_token:
        yield from _bot_token(client)
        yield _admins(client, settings)
    if settings.slack_app_token:
        yield _app_token(client, settings.slack_app_token.value)
    elif settings.slack_signing_secret:
        words = (
            f"HTTP on port {settings.port}; the request URL in Slack is"
            " https://YOUR-HOST/slack/events"
        )
        yield Finding("HTTP endpoint", well=True, words=words)


def _bot_token(client: WebClient) -> Iterator[Finding]:
    try:
        said = client.auth_test()
    except SlackApiError as error:
        code = error.response.get("error", error.response.status_code)
        words = f"Slack returned {code}. Copy the token again: {WHERE['SLACK_BOT_TOKEN']}."
        yield Finding("SLACK_BOT_TOKEN", well=False, words=words)
        return
    except NO_ANSWER as error:
        words = f"no response from {client.base_url} ({type(error).__name__}). Check the network."
        yield Finding("Slack", well=False, words=words)
        return
    words = f"{said.get('user')} in the workspace {said.get('team')}"
    yield Finding("SLACK_BOT_TOKEN", well=True, words=words)
    headers = {name.lower(): value for name, value in said.headers.items()}
    yield _scopes(str(headers.get("x-oauth-scopes", "")))
    if date := headers.get("date"):
        yield _clock(str(date), "Slack")


def _admins(client: WebClient, settings: Settings) -> Finding:
    """Check that there are admins, and that they are in this workspace."""
    name, unknown = "ACTIVITY_ADMINS", []
    for user in sorted(settings.admins):
        try:
            client.users_info(user=user)
        except SlackApiError as error:
            unknown += [user] if error.response.get("error") == "user_not_found" else []
        except NO_ANSWER:
            break
    if unknown:
        words = f"{', '.join(unknown)} isn't in this workspace (profile > ... > Copy member ID)"
        return Finding(name, well=False, words=words)
    if settings.admins:
        return Finding(name, well=True, words=f"{len(settings.admins)} named")
    own = settings.visibility is Visibility.OWN
    seen = " and everyone only sees their own usage" if own else ""
    words = (
        f"there are no admins, so nobody can see the audit log{seen}. Set it to your member ID (in"
        " Slack: profile > ... > Copy member ID)"
    )
    return Finding(name, well=True, words=words)


def _scopes(granted: str) -> Finding:
    have = {scope.strip() for scope in granted.split(",")}
    missing = [f"{scope} ({reason})" for scope, reason in SCOPES.items() if scope not in have]
    if missing:
        words = (
            f"missing {'; '.join(missing)}. Add them as in manifest.yml (api.slack.com/apps > your"
            " app > App Manifest) and reinstall the app."
        )
        return Finding("scopes", well=False, words=words)
    more = sorted(have - set(SCOPES) - {"", "identify"})
    beside = f"; not needed: {', '.join(more)}" if more else ""
    return Finding("scopes", well=True, words=f"all {len(SCOPES)} of the manifest{beside}")


def _app_token(client: WebClient, token: str) -> Finding:
    name = "SLACK_APP_TOKEN"
    try:
        client.apps_connections_open(app_token=token)
    except SlackApiError as error:
        code = error.response.get("error", error.response.status_code)
        words = f"Slack returned {code}. It needs the scope connections:write: {WHERE[name]}."
        return Finding(name, well=False, words=words)
    except NO_ANSWER as error:
        words = f"no response from Slack ({type(error).__name__}). Check the network."
        return Finding(name, well=False, words=words)
    return Finding(name, well=True, words="Socket Mode can be opened")


def _openrouter(settings: Settings) -> Iterator[Finding]:
    if not settings.management_key:
        return
    name = "OPENROUTER_MANAGEMENT_KEY"
    api = OpenRouter(
        settings.openrouter_url, settings.management_key.value, wait=lambda _: None, tries=2
    )
    try:
        if not api.is_management():
            words = f"this is a regular API key; a management key is required: {WHERE[name]}."
            yield Finding(name, well=False, words=words)
            return
        yield Finding(name, well=True, words="a management key")
        yield from _endpoints(api)
    except OpenRouterError as error:
        yield Finding(name, well=False, words=str(error))
    finally:
        api.close()
    yield from _clock_of_openrouter(settings)


def _endpoints(api: OpenRouter) -> Iterator[Finding]:
    """Check access to usage and each other part; only usage is essential."""
    try:
        api.probe(utc_now())
        yield Finding("usage", well=True, words="can be read")
    except OpenRouterError as error:
        yield Finding("usage", well=False, words=str(error))
    workspaces = []
    try:
        workspaces = api.workspaces()
        yield Finding("workspaces", well=True, words=f"{len(workspaces)} can be read")
    except OpenRouterError as error:
        yield _unavailable("workspaces", error)
    try:
        people = api.people()
        words = (
            f"{len(people)} can be read"
            if people
            else "none: a personal account, so usage has no creators"
        )
        yield Finding("members", well=True, words=words)
    except OpenRouterError as error:
        yield _unavailable("members", error)
    reads: dict[str, Callable[[], object]] = {
        "keys": api.keys,
        "credits": api.credits,
        "guardrails": api.guardrails,
        "models": api.models,
    }
    if workspaces:
        reads["budgets"] = lambda: api.budgets(workspaces[0])
    for part, read in reads.items():
        try:
            read()
            yield Finding(part, well=True, words="can be read")
        except OpenRouterError as error:
            yield _unavailable(part, error)


def _unavailable(part: str, error: OpenRouterError) -> Finding:
    why = str(error).removesuffix(".")
    words = f"{why}. So {COSTS[part]}; everything else works, and it is retried every 15 minutes."
    return Finding(part, well=False, words=words)


def _clock_of_openrouter(settings: Settings) -> Iterator[Finding]:
    try:
        said = httpx.get(f"{settings.openrouter_url}/key", timeout=TIMEOUT)
    except httpx.HTTPError:
        return
    if date := said.headers.get("date"):
        yield _clock(date, "OpenRouter")


def _clock(date: str, server: str) -> Finding:
    try:
        remote_time = parsedate_to_datetime(date)
    except ValueError:
        return Finding("clock", well=True, words=f"{server} didn't send its time")
    difference = utc_now() - remote_time.replace(tzinfo=remote_time.tzinfo or UTC)
    if abs(difference) <= CLOCK_MAY_DIFFER:
        return Finding("clock", well=True, words=f"agrees with {server}'s")
    side = "ahead of" if difference > timedelta() else "behind"
    words = (
        f"{_about(abs(difference))} {side} {server}'s. Set it (NTP): Slack requests will be"
        " rejected and totals will land in the wrong hour."
    )
    return Finding("clock", well=False, words=words)


def _clickhouse(settings: Settings) -> Iterator[Finding]:
    """Check that traces can be read, and compare yesterday's with OpenRouter's totals."""
    traces = make_clickhouse(settings, lambda _: None)
    if traces is None:
        return
    try:
        missing = traces.columns().missing()
        yield Finding(CLICKHOUSE, well=True, words=f"the table {traces.table} can be read")
        for words in missing:
            yield Finding("ClickHouse", well=False, words=f"the table has no {words}")
        if settings.management_key:
            yield from _traces_of_yesterday(settings, traces)
    except ClickHouseError as error:
        yield Finding(CLICKHOUSE, well=False, words=str(error))
    finally:
        traces.close()


def _traces_of_yesterday(settings: Settings, traces: ClickHouse) -> Iterator[Finding]:
    end = floor(utc_now(), Granularity.DAY)
    start = end - DAY
    key = settings.management_key.value
    api = OpenRouter(settings.openrouter_url, key, wait=lambda _: None, tries=2)
    try:
        rows = api.usage(QueryGrouping.TOTAL, Granularity.DAY, start, end).rows
    except OpenRouterError:
        return  # already said
    finally:
        api.close()
    counted = total(row.usage for row in rows)
    used = [row._replace(model="") for row in traces.usage(Granularity.DAY, start, end)]
    found = total(row.usage for row in used)
    if found.requests != counted.requests:
        moved = _other_zone(traces, counted.requests, found.requests, start)
        yield moved or _traces_found(counted.requests, found.requests)
    else:
        yield _traces_found(counted.requests, found.requests)
        rest = rest_of({"": counted}, used, (), 0, traces.columns().cost_rounding)
        yield from _figures_found(counted, found, rest)
    check = traces.check(start, end)
    if counted.byok_requests and check.with_costs < check.generations:
        words = (
            "traces have no cost metadata, so BYOK spend has no key. In OpenRouter's Broadcast"
            " settings, turn on Cost under Additional generation metadata."
        )
        yield Finding("ClickHouse", well=False, words=words)
    if check.rows > check.generations:
        words = (
            f"{check.rows - check.generations:,} rows of yesterday are duplicates; each is "
            "counted once"
        )
        yield Finding("ClickHouse", well=True, words=words)


def _other_zone(traces: ClickHouse, counted: int, found: int, start: datetime) -> Finding | None:
    """Whether a day's requests are there at other hours: written in UTC, read in another zone."""
    zone = traces.zone()
    try:
        offset = ZoneInfo(zone).utcoffset(start) or timedelta()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    if not offset:
        return None
    begin = start - offset
    moved = sum(row.usage.requests for row in traces.usage(Granularity.HOUR, begin, begin + DAY))
    if abs(counted - moved) * 10 > abs(counted - found):
        return None
    time = traces.columns().found[TraceField.TIME]
    words = (
        f"the hours of traces are off by {str(abs(offset))[:-3]}: OpenRouter writes UTC, and"
        f" {time.name} is read in the time zone {zone}. Give it UTC: ALTER TABLE {traces.table}"
        f" MODIFY COLUMN {time.name} {in_utc(time)}. What is there"
        " already stays wrong; sums are OpenRouter's."
    )
    return Finding("ClickHouse", well=False, words=words)


def in_utc(column: TraceColumn) -> str:
    """The type of a column of times with UTC as its time zone."""
    plain = column.plain_type
    decimals = re.match(r"DateTime64\(([0-9])", plain)
    utc = f"DateTime64({decimals[1]}, 'UTC')" if decimals else "DateTime('UTC')"
    return column.type.replace(plain, utc)


def _figures_found(
    counted: Usage, found: Usage, rest: Mapping[str, Usage] | None
) -> Iterator[Finding]:
    """Check what yesterday's requests used, as far as `rest` says that something differs."""
    if rest == {}:
        return
    for what, verb, figures in (
        ("spend", "is", (counted.credits, found.credits)),
        ("tokens", "are", (counted.tokens, found.tokens)),
    ):
        all_, there = figures
        share = f"{abs(all_ - there) / all_:.1%}" if all_ else "all"
        if share == "0.0%":
            share = "less than 0.1%"
        if there < all_ and rest:
            words = (
                f"{share} of yesterday's {what} {verb} not in it, although the requests are. They"
                f" are shown as {NOT_IN_CLICKHOUSE_NAME} by key and creator."
            )
            yield Finding("ClickHouse", well=False, words=words)
        elif there > all_ and rest is None:
            words = (
                f"it has more {what} of yesterday than OpenRouter counted ({share}), with as many"
                " requests, so usage is fetched from OpenRouter instead."
            )
            yield Finding("ClickHouse", well=False, words=words)


def _traces_found(counted: int, found: int) -> Finding:
    """Check how many of the requests that OpenRouter counted yesterday are in ClickHouse."""
    name = "ClickHouse"
    if found == counted:
        words = f"it has all {counted:,} requests of yesterday"
        return Finding(name, well=True, words=words if counted else "no requests yesterday")
    if found < counted:
        words = (
            f"{(counted - found) / counted:.1%} of yesterday's requests are not in it, so their"
            " keys and creators are unknown. In OpenRouter's Broadcast settings, set the sampling"
            " rate to 1 and remove filters of keys."
        )
        return Finding(name, well=False, words=words)
    words = (
        f"it has {found - counted:,} requests more than OpenRouter counted yesterday, so usage is"
        " fetched from OpenRouter instead. Does the table have traces of another organization?"
    )
    return Finding(name, well=False, words=words)


def _database(settings: Settings) -> Iterator[Finding]:
    if isinstance(settings.database, Path):
        yield from _database_file(settings, settings.database)
    else:
        yield from _database_server(settings, settings.database.value)


def _database_server(settings: Settings, url: str) -> Iterator[Finding]:
    try:
        from bot.store.postgres_server import look  # noqa: PLC0415 - an optional dependency

        found = look(url)
    except ImportError:
        yield Finding("database", well=False, words=NO_DRIVER)
        return
    except StoreError as error:
        yield Finding("database", well=False, words=str(error))
        return
    words = f"{found.name}, PostgreSQL {found.version}, {found.round_trip:.1f} ms away"
    words += ", encrypted" if found.encrypted else ", not encrypted"
    if found.missing:
        words += (
            "; its tables will be created or updated by `activity migrate` or at the next start"
        )
    yield Finding("database", well=True, words=words)
    if found.round_trip > FAR_MILLISECONDS:
        words = (
            f"it is {found.round_trip:.0f} ms away, and an answer takes about twenty round trips."
        )
        yield Finding("database", well=False, words=f"{words} Run the bot near its database.")
    if abs(found.ahead) > CLOCK_MAY_DIFFER:
        side = "ahead of" if found.ahead > timedelta() else "behind"
        words = f"{_about(abs(found.ahead))} {side} this machine's. The bot uses the database's"
        yield Finding("database clock", well=False, words=f"{words}; set both by NTP.")
    if not found.missing:
        yield from _cache(settings)


def _database_file(settings: Settings, path: Path) -> Iterator[Finding]:
    if kind := checkup.network(path, MOUNTS.read_text().splitlines() if MOUNTS.exists() else ()):
        words = f"{path} is on a network file system ({kind}), where SQLite's locks are not safe."
        yield Finding("database", well=False, words=f"{words} Move it to a local disk.")
    if not path.exists():
        yield _not_made_yet(path)
        return
    try:
        wrong = checkup.damage(path)
    except StoreError as error:
        yield Finding("database", well=False, words=str(error))
        return
    if wrong:
        words = f"{path} is damaged or not a database ({wrong}). Restore a backup, or move it away"
        words += " and run `activity sync` to fetch the last year again."
        yield Finding("database", well=False, words=words)
        return
    for file in checkup.exposed(path):
        words = f"other users of this machine can read {file}. Run: chmod 600 {file}"
        yield Finding("database", well=False, words=words)
    if (free := checkup.free_bytes(path)) < LITTLE_SPACE:
        words = f"only {free // 10**6} MB are free on its disk. Free some space: on a full disk"
        yield Finding("database", well=False, words=f"{words} nothing new can be saved.")
    if not (os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK | os.X_OK)):
        words = (
            f"the user who runs the bot must be able to write {path} and its folder. Change their"
            " permissions."
        )
        yield Finding("database", well=False, words=words)
        return
    kept = checkup.journal(path)
    safe = kept != "wal" or has_safe_wal(sqlite3.sqlite_version_info)
    mode = "write-ahead log" if kept == "wal" else "rollback journal"
    words = f"intact, {mode}, SQLite {sqlite3.sqlite_version}"
    if not safe:
        words += ", which can damage it in WAL mode. Update SQLite to 3.51.3 or later."
    yield from _cache(settings, Finding("database", well=safe, words=words))


def _not_made_yet(path: Path) -> Finding:
    folder = path.absolute().parent
    if os.access(folder, os.W_OK | os.X_OK):
        return Finding("database", well=True, words=f"{path} will be created by the first sync")
    words = f"the folder {folder} doesn't exist or isn't writable. Create it, or set DATABASE_URL."
    return Finding("database", well=False, words=words)


def _cache(settings: Settings, opened: Finding | None = None) -> Iterator[Finding]:
    """Findings on the stored data, after `opened` if the database could be opened."""
    try:
        store = open_store(settings, must_exist=True)
    except StoreError as error:
        yield Finding("database", well=False, words=str(error))
        return
    try:
        if opened:
            yield opened
        failed = failure(store)
        yield from _freshness(store.state().synced, failed.words if failed else "")
    finally:
        store.close()


def _freshness(synced: Mapping[Granularity, datetime], trouble: str) -> Iterator[Finding]:
    if trouble:
        yield Finding("last sync", well=False, words=trouble)
    if not synced:
        words = "nothing yet; `activity run` fetches it, or `activity sync` at once"
        yield Finding("cache", well=True, words=words)
        return
    now = utc_now()
    stale = [
        f"{granularity}s {_about(now - synced[granularity])} old"
        for granularity, most in STALE_AFTER.items()
        if granularity in synced and now - synced[granularity] > most
    ]
    if stale:
        words = f"{', '.join(stale)}. Is `activity run` (or `activity worker`) running?"
        yield Finding("cache", well=False, words=words)
    else:
        yield Finding("cache", well=True, words="fresh")


def _about(length: timedelta) -> str:
    """A length of time in its largest unit, rounded down: `3 hours`."""
    seconds = int(length.total_seconds())
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "0 seconds"
