"""Settings from the environment and `.env`; the only module that reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values

from reports.time.time_range import zone_names

WHERE = {
    "OPENROUTER_MANAGEMENT_KEY": "create one at openrouter.ai/settings/management-keys",
    "SLACK_BOT_TOKEN": "api.slack.com/apps > your app > OAuth & Permissions, starts with xoxb-",
    "SLACK_APP_TOKEN": "api.slack.com/apps > your app > Basic Information > App-Level Tokens,"
    " starts with xapp-",
    "SLACK_SIGNING_SECRET": "api.slack.com/apps > your app > Basic Information",
}
OR_HTTP = (
    f". Without Socket Mode, set SLACK_SIGNING_SECRET instead: {WHERE['SLACK_SIGNING_SECRET']}"
)
CLICKHOUSE = "CLICKHOUSE_URL"
SECRETS = (*WHERE, CLICKHOUSE)
"""The secret settings; `NAME_FILE` names a file that contains one."""
ENV_FILE = ".env"
_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql://", "postgres://")
_ANYWHERE = "0.0.0.0"  # a server must be reachable  # noqa: S104  # nosec B104
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_CLICKHOUSE_FORM = "https://user:password@host:8443/database"


Choice = TypeVar("Choice", bound=StrEnum)


class ConfigError(Exception):
    """Settings are missing or wrong; the text lists them and says where to get each."""


class Visibility(StrEnum):
    """Which usage people other than admins see."""

    ORG = "org"
    OWN = "own"


class Guests(StrEnum):
    """Whether guests of the workspace may ask."""

    DENY = "deny"
    ALLOW = "allow"


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that `str` and `repr` don't show, so that it isn't logged by accident."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self.value)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, validated. Missing secrets are empty."""

    management_key: Secret
    openrouter_url: str
    slack_bot_token: Secret
    slack_app_token: Secret
    slack_signing_secret: Secret
    slack_api_url: str
    database: Path | Secret
    """An SQLite file, or the URL of a PostgreSQL database."""
    clickhouse_url: Secret
    """The URL of the ClickHouse server with traces; if empty, usage is read from OpenRouter."""
    clickhouse_table: str
    host: str
    port: int
    command: str
    admins: frozenset[str]
    visibility: Visibility
    guests: Guests
    zone: str
    log_level: str
    log_json: bool

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown."""
        values = (getattr(self, one.name) for one in fields(self))
        found = [value.value for value in values if isinstance(value, Secret) and value]
        passwords = filter(None, map(_password, (self.database, self.clickhouse_url)))
        return (*found, *passwords)

    @property
    def database_address(self) -> Path | str:
        """The address that bot.store.Database opens; a server's URL may contain a password."""
        return self.database.value if isinstance(self.database, Secret) else self.database

    @property
    def socket_mode(self) -> bool:
        """Whether the bot uses Socket Mode instead of its HTTP server."""
        return bool(self.slack_app_token)


def _password(database: Path | Secret) -> str:
    """The password in a database's URL, decoded; empty if there is none."""
    if not isinstance(database, Secret) or not database:
        return ""
    return unquote(urlsplit(database.value).password or "")


class Need(StrEnum):
    """The settings that a command requires."""

    DATABASE = "database"
    OPENROUTER = "openrouter"
    POSTING = "posting"
    SLACK = "slack"


def environment() -> dict[str, str]:
    """The environment variables, which take precedence over `.env` in the working directory.

    Raises ConfigError.
    """
    try:
        written = {k: v for k, v in dotenv_values(ENV_FILE).items() if v is not None}
    except (OSError, UnicodeDecodeError):
        raise ConfigError(".env can't be read as UTF-8 text.") from None
    return written | dict(os.environ)


def ensure_home() -> None:
    """Set HOME if nothing says where it is: slack_sdk can't be imported without it.

    That happens for a user id without an entry in the system, as containers may have.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = os.sep


def contains_secrets(file: str) -> bool:
    """Whether an `.env` file contains any of the secrets; False if it doesn't exist."""
    try:
        written = dotenv_values(file)
    except (OSError, UnicodeDecodeError):
        return False
    if any(written.get(name) for name in SECRETS):
        return True
    url = written.get("DATABASE_URL") or ""
    return url.startswith(_POSTGRESQL) and "@" in url


def environment_without_secrets() -> dict[str, str]:
    """The environment for child processes that don't need Slack, OpenRouter or a database.

    It has no secrets, accounts, or names of files with secrets.
    """
    left_out = ("SLACK_", "OPENROUTER_", "CLICKHOUSE_", "DATABASE_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


def load(values: Mapping[str, str], *needs: Need) -> Settings:
    """Validate all settings. Raises ConfigError with a line for each wrong one."""
    settings, wrong = inspect(values, *needs)
    if wrong:
        raise ConfigError("\n".join(wrong))
    return settings


def inspect(values: Mapping[str, str], *needs: Need) -> tuple[Settings, list[str]]:
    """All settings, with defaults for wrong ones, and a line for each wrong one."""
    reader = _SettingsReader(values)
    settings = reader.settings()
    if Need.OPENROUTER in needs:
        reader.require("OPENROUTER_MANAGEMENT_KEY", settings.management_key)
    if Need.SLACK in needs or Need.POSTING in needs:
        reader.require("SLACK_BOT_TOKEN", settings.slack_bot_token)
    if Need.SLACK in needs and not settings.socket_mode:
        reader.require("SLACK_APP_TOKEN", settings.slack_signing_secret, OR_HTTP)
    return settings, reader.wrong


def database_address(url: str) -> Path | Secret:
    """The file or server URL that a database URL refers to.

    Raises ConfigError with a text to follow the setting's name, without any part of the URL.
    """
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return Path(url.removeprefix(_SQLITE))
    if url.startswith(_POSTGRESQL):
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise ConfigError(
                "is not of the form postgresql://user:password@host:5432/name. Special characters"
                " in the password must be percent-encoded."
            ) from None
        if not parts.path.strip("/"):
            raise ConfigError("doesn't name a database: postgresql://user:password@host:5432/name.")
        return Secret(url)
    raise ConfigError(
        "is not of the form sqlite:///activity.db (a path in this folder),"
        " sqlite:////var/lib/activity.db (one from the root) or"
        " postgresql://user:password@host:5432/name."
    )


def _is_near(host: str) -> bool:
    """Whether a host is this machine or in a private network, such as a container's name."""
    try:
        address = ip_address(host)
        return address.is_private and not address.is_link_local
    except ValueError:
        return host in _LOOPBACK or "." not in host


class _SettingsReader:
    """Reads the settings and collects errors."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name: value.strip() for name, value in values.items()}
        self.wrong: list[str] = []

    def settings(self) -> Settings:
        return Settings(
            management_key=self._secret("OPENROUTER_MANAGEMENT_KEY"),
            openrouter_url=self._url("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
            slack_bot_token=self._secret("SLACK_BOT_TOKEN", "xoxb-"),
            slack_app_token=self._secret("SLACK_APP_TOKEN", "xapp-"),
            slack_signing_secret=self._secret("SLACK_SIGNING_SECRET"),
            slack_api_url=self._url("SLACK_API_URL", "https://slack.com/api/").rstrip("/") + "/",
            database=self._database(),
            clickhouse_url=self._clickhouse(),
            clickhouse_table=self._table(),
            host=self._text("HOST", _ANYWHERE),
            port=self._port(),
            command=self._command(),
            admins=self._admins(),
            visibility=self._one_of("ACTIVITY_VISIBILITY", Visibility, Visibility.ORG),
            guests=self._one_of("ACTIVITY_GUESTS", Guests, Guests.DENY),
            zone=self._zone(),
            log_level=self._level(),
            log_json=self._one_of("LOG_FORMAT", LogFormat, LogFormat.TEXT) is LogFormat.JSON,
        )

    def require(self, name: str, secret: Secret, otherwise: str = "") -> None:
        """Add an error for a missing secret, unless it already has one."""
        if not secret and not any(line.startswith(name) for line in self.wrong):
            self.wrong.append(f"{name} is not set: {WHERE[name]}{otherwise}.")

    def _text(self, name: str, default: str) -> str:
        return self._values.get(name) or default

    def _secret(self, name: str, prefix: str = "") -> Secret:
        value = self._values.get(name, "")
        if path := self._values.get(f"{name}_FILE"):
            try:
                value = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                self.wrong.append(f"{name}_FILE: the file can't be read.")
        if value and not (value.isascii() and value.isprintable() and " " not in value):
            self.wrong.append(f"{name} contains characters that can't be in a key; copy it again.")
            return Secret("")
        if value and not value.startswith(prefix):
            self.wrong.append(f"{name} doesn't start with {prefix}: {WHERE[name]}.")
        return Secret(value)

    def _url(self, name: str, default: str) -> str:
        value = self._text(name, default)
        try:
            parts = urlsplit(value)
            host, user = parts.hostname, parts.username
            _ = parts.port
        except ValueError:
            host, user = None, None
            parts = urlsplit("")
        safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
        if not host or user or not safe or parts.query or parts.fragment:
            self.wrong.append(
                f"{name} must be an https address (http only for this machine), such as {default}."
            )
        return value.rstrip("/")

    def _database(self) -> Path | Secret:
        try:
            return database_address(self._text("DATABASE_URL", "sqlite:///activity.db"))
        except ConfigError as error:
            self.wrong.append(f"DATABASE_URL {error}")
            return Path("activity.db")

    def _clickhouse(self) -> Secret:
        url = self._secret(CLICKHOUSE)
        if not url:
            return url
        try:
            parts = urlsplit(url.value)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            host, parts = "", urlsplit("")
        safe = parts.scheme == "https" or (parts.scheme == "http" and _is_near(host))
        if not host or not safe or parts.query or parts.fragment or parts.path.count("/") > 1:
            self.wrong.append(
                f"{CLICKHOUSE} must be of the form {_CLICKHOUSE_FORM} (http only in a private"
                " network). Special characters in the password must be percent-encoded."
            )
            return Secret("")
        return url

    def _table(self) -> str:
        value = self._text("CLICKHOUSE_TABLE", "OPENROUTER_TRACES")
        if not _TABLE.fullmatch(value):
            self.wrong.append(
                "CLICKHOUSE_TABLE must be the name of a table, without its database, such as"
                " OPENROUTER_TRACES."
            )
            return "OPENROUTER_TRACES"
        return value

    def _port(self) -> int:
        value = self._text("PORT", "3000")
        if not (value.isascii() and value.isdigit() and 0 <= int(value[:6]) <= 65535):
            self.wrong.append("PORT must be a number from 0 to 65535.")
            return 3000
        return int(value)

    def _command(self) -> str:
        value = self._text("ACTIVITY_COMMAND", "/activity")
        named = value.startswith("/") and 2 <= len(value) <= 32 and " " not in value
        if not named:
            self.wrong.append("ACTIVITY_COMMAND must be a command such as /activity.")
        return value

    def _admins(self) -> frozenset[str]:
        names = [name.strip() for name in self._text("ACTIVITY_ADMINS", "").split(",")]
        found = frozenset(filter(None, names))
        if any(name[0] not in "UW" or not name.isalnum() or not name.isupper() for name in found):
            self.wrong.append(
                "ACTIVITY_ADMINS must be Slack member IDs like U012AB3CD, separated by commas"
                " (in Slack: profile > ... > Copy member ID)."
            )
        return found

    def _zone(self) -> str:
        value = self._text("ACTIVITY_TIMEZONE", "UTC")
        zone = zone_names().get(value.lower())
        if not zone:
            self.wrong.append("ACTIVITY_TIMEZONE must be a time zone such as Europe/Berlin.")
        return zone or "UTC"

    def _level(self) -> str:
        value = self._text("LOG_LEVEL", "INFO").upper()
        if value not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
            self.wrong.append("LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL.")
            return "INFO"
        return value

    def _one_of(self, name: str, kind: type[Choice], default: Choice) -> Choice:
        value = self._text(name, default).lower()
        try:
            return kind(value)
        except ValueError:
            self.wrong.append(f"{name} must be one of {', '.join(kind)}.")
            return default
