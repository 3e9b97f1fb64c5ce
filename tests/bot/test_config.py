"""Settings: checked all at once, each fault with what to do, and no secret ever shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import (
    ConfigError,
    Guests,
    Need,
    Secret,
    Visibility,
    contains_secrets,
    environment,
    environment_without_secrets,
    inspect,
    load,
)

SECRETS = {
    "OPENROUTER_MANAGEMENT_KEY": "sk-or-v1-canary",
    "SLACK_BOT_TOKEN": "xoxb-canary",
    "SLACK_APP_TOKEN": "xapp-canary",
    "SLACK_SIGNING_SECRET": "feedcanary",
}


def wrong(values: dict[str, str], *needs: Need) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(values, *needs)
    return str(refused.value).splitlines()


def test_everything_has_a_default_but_the_secrets():
    settings = load({})
    assert settings.openrouter_url == "https://openrouter.ai/api/v1"
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.database == Path("activity.db")
    assert (settings.host, settings.port, settings.command) == ("0.0.0.0", 3000, "/activity")
    assert (settings.visibility, settings.guests) == (Visibility.ORG, Guests.DENY)
    assert (settings.zone, settings.log_level, settings.log_json) == ("UTC", "INFO", False)
    assert settings.admins == frozenset()


def test_it_names_all_that_is_missing_at_once_and_where_to_get_each():
    lines = wrong({}, Need.SLACK, Need.OPENROUTER)
    assert [line.split()[0] for line in lines] == [
        "OPENROUTER_MANAGEMENT_KEY",
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
    ]
    assert "openrouter.ai/settings/management-keys" in lines[0]
    assert "OAuth & Permissions" in lines[1]
    assert "Without Socket Mode, set SLACK_SIGNING_SECRET instead" in lines[2]


def test_an_app_token_replaces_the_signing_secret():
    values = {name: SECRETS[name] for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")}
    assert load(values, Need.SLACK).socket_mode


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_blank_is_not_set(blank):
    lines = wrong({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": blank}, Need.SLACK)
    assert lines[0].startswith("SLACK_APP_TOKEN is not set")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-canary", "doesn't start with xoxb-"),
        ("SLACK_APP_TOKEN", "canary", "doesn't start with xapp-"),
        ("OPENROUTER_MANAGEMENT_KEY", "sk-or canary", "contains characters that can't be in a key"),
        ("OPENROUTER_MANAGEMENT_KEY", "sk-ör-canary", "contains characters that can't be in a key"),
        ("SLACK_SIGNING_SECRET", "can\nary", "contains characters that can't be in a key"),
        ("OPENROUTER_BASE_URL", "http://openrouter.ai/api/v1", "must be an https address"),
        ("OPENROUTER_BASE_URL", "https://user:canary@openrouter.ai", "must be an https address"),
        ("OPENROUTER_BASE_URL", "https://openrouter.ai/api?x=1", "must be an https address"),
        ("OPENROUTER_BASE_URL", "https://", "must be an https address"),
        ("OPENROUTER_BASE_URL", "https://[::1/", "must be an https address"),
        ("OPENROUTER_BASE_URL", "ftp://openrouter.ai", "must be an https address"),
        ("OPENROUTER_BASE_URL", "https://openrouter.ai:99999", "must be an https address"),
        ("SLACK_API_URL", "http://169.254.169.254/", "must be an https address"),
        ("DATABASE_URL", "mysql://u:canary@localhost/a", "is not of the form sqlite:///"),
        ("DATABASE_URL", "postgresql://u:canary@host", "doesn't name a database"),
        ("DATABASE_URL", "postgresql://u:can:ary@host:x/a", "must be percent-encoded"),
        ("DATABASE_URL", "sqlite:///", "is not of the form sqlite:///"),
        ("CLICKHOUSE_URL", "http://a:canary@ch.example.com:8123/d", "(http only in a private net"),
        ("CLICKHOUSE_URL", "http://a:canary@169.254.169.254/d", "must be of the form https://user"),
        ("CLICKHOUSE_URL", "clickhouse://a:canary@host/d", "must be of the form https://user"),
        ("CLICKHOUSE_URL", "https://a:can/ary@host:8443/d", "must be percent-encoded"),
        ("CLICKHOUSE_URL", "https://a:canary@host/d?readonly=0", "must be of the form"),
        ("CLICKHOUSE_URL", "https://a:canary@host/d/t", "must be of the form"),
        ("CLICKHOUSE_TABLE", "canary; DROP", "must be the name of a table"),
        ("CLICKHOUSE_TABLE", "canary.traces", "without its database"),
        ("PORT", "http", "must be a number from 0 to 65535"),
        ("PORT", "65536", "must be a number from 0 to 65535"),
        ("PORT", "٣٠٠٠", "must be a number from 0 to 65535"),
        ("PORT", "-1", "must be a number from 0 to 65535"),
        ("ACTIVITY_COMMAND", "activity", "must be a command such as /activity"),
        ("ACTIVITY_COMMAND", "/", "must be a command such as /activity"),
        ("ACTIVITY_COMMAND", "/a b", "must be a command such as /activity"),
        ("ACTIVITY_COMMAND", "/" + "a" * 32, "must be a command such as /activity"),
        ("ACTIVITY_ADMINS", "ada@example.com", "must be Slack member IDs"),
        ("ACTIVITY_ADMINS", "U01,@ada", "must be Slack member IDs"),
        ("ACTIVITY_TIMEZONE", "Europe/Berlln", "must be a time zone such as Europe/Berlin"),
        ("ACTIVITY_VISIBILITY", "all", "must be one of org, own"),
        ("ACTIVITY_GUESTS", "yes", "must be one of deny, allow"),
        ("LOG_LEVEL", "LOUD", "must be one of DEBUG"),
    ],
)
def test_it_says_what_is_wrong_without_showing_it(name, value, words):
    [line] = wrong({name: value})
    assert line.startswith(name)
    assert words in line
    assert "canary" not in line


def test_it_says_everything_that_is_wrong_at_once():
    values = {"PORT": "x", "LOG_LEVEL": "x", "ACTIVITY_GUESTS": "x", "SLACK_BOT_TOKEN": "x"}
    assert len(wrong(values, Need.SLACK, Need.OPENROUTER)) == 6


def test_what_is_wrong_is_not_said_to_be_missing_as_well():
    lines = wrong({"OPENROUTER_MANAGEMENT_KEY": "ö"}, Need.OPENROUTER)
    assert lines == [
        "OPENROUTER_MANAGEMENT_KEY contains characters that can't be in a key; copy it again."
    ]


@pytest.mark.parametrize(
    "address", ["http://localhost:1/a", "http://127.0.0.1:99/api/v1", "http://[::1]:9/"]
)
def test_http_is_for_this_machine(address):
    assert load({"OPENROUTER_BASE_URL": address}).openrouter_url == address.rstrip("/")


def test_values_are_taken_without_the_blanks_around_them():
    values = {"OPENROUTER_MANAGEMENT_KEY": " sk-or-v1-1\n", "PORT": " 80 ", "HOST": ""}
    settings = load(values)
    assert settings.management_key == Secret("sk-or-v1-1")
    assert (settings.port, settings.host) == (80, "0.0.0.0")


def test_names_are_taken_in_any_case():
    settings = load({"ACTIVITY_TIMEZONE": "europe/berlin", "LOG_LEVEL": "debug"})
    assert (settings.zone, settings.log_level) == ("Europe/Berlin", "DEBUG")


def test_admins_are_a_list():
    assert load({"ACTIVITY_ADMINS": "U01, W02,,"}).admins == {"U01", "W02"}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_can_be_read_from_a_file(name, tmp_path):
    (tmp_path / "secret").write_text(f"{SECRETS[name]}\n")
    settings = load({f"{name}_FILE": str(tmp_path / "secret")})
    assert settings.secrets == (SECRETS[name],)


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "none", tmp_path, tmp_path / "binary"):
        lines = wrong({"SLACK_BOT_TOKEN_FILE": str(path)}, Need.SLACK)
        assert lines[0] == "SLACK_BOT_TOKEN_FILE: the file can't be read."
        assert not any("SLACK_BOT_TOKEN is not set" in line for line in lines)


def test_the_environment_comes_before_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("PORT=1\nLOG_LEVEL='DEBUG' # loud\nEMPTY\nexport HOST=::1\n")
    monkeypatch.setenv("PORT", "2")
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    settings = load(environment())
    assert (settings.port, settings.log_level, settings.host) == (2, "DEBUG", "::1")


def test_a_file_that_is_no_text_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(".env").write_bytes(b"PORT=\xff\xfe")
    with pytest.raises(ConfigError, match=r"\.env can't be read"):
        environment()


def test_no_secret_shows_itself():
    settings = load(SECRETS)
    assert set(settings.secrets) == set(SECRETS.values())
    for shown in (repr(settings), str(settings), f"{settings.management_key}"):
        assert "canary" not in shown


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_the_url_of_a_server_is_a_secret_and_so_is_its_password(scheme):
    url = f"{scheme}://bot:can%20ary@db.example.com:5432/activity?sslmode=require"
    settings = load({"DATABASE_URL": url})
    assert settings.database_address == url
    assert set(settings.secrets) == {url, "can ary"}
    assert "can" not in repr(settings)


@pytest.mark.parametrize(
    "place",
    ["https://ch.example.com:8443/default", "http://clickhouse:8123/a", "http://10.0.0.7/a",
     "http://localhost:8123", "http://[::1]:8123/a"],
)  # fmt: skip
def test_the_url_of_clickhouse_is_a_secret_and_so_is_its_password(place, tmp_path):
    url = place.replace("://", "://bot:can%2Fary@")
    (tmp_path / "secret").write_text(f"{url}\n")
    settings = load({"CLICKHOUSE_URL_FILE": str(tmp_path / "secret")})
    assert settings.clickhouse_url == Secret(url)
    assert settings.clickhouse_table == "OPENROUTER_TRACES"
    assert set(settings.secrets) == {url, "can/ary"}
    assert "can" not in repr(settings)


def test_processes_that_need_no_access_get_no_url(monkeypatch):
    monkeypatch.setenv("CLICKHOUSE_URL", "https://a:canary@host/d")
    assert "canary" not in str(environment_without_secrets())


def test_a_file_needs_no_secrecy():
    settings = load({"DATABASE_URL": "sqlite:////data/activity.db"})
    assert settings.database_address == Path("/data/activity.db")
    assert settings.secrets == ()


@pytest.mark.parametrize(
    ("url", "secret"),
    [("postgresql://bot:pw@host/a", True), ("postgresql:///a", False), ("sqlite:///a", False)],
)
def test_an_env_file_with_the_login_of_a_server_holds_a_secret(tmp_path, url, secret):
    file = tmp_path / "env"
    file.write_text(f"DATABASE_URL={url}\n")
    assert contains_secrets(str(file)) is secret


NAMES = [
    *SECRETS,
    "PORT",
    "ACTIVITY_ADMINS",
    "ACTIVITY_COMMAND",
    "OPENROUTER_BASE_URL",
    "DATABASE_URL",
    "CLICKHOUSE_URL",
    "CLICKHOUSE_TABLE",
    "ACTIVITY_TIMEZONE",
    "LOG_LEVEL",
]


@given(st.dictionaries(st.sampled_from(NAMES), st.text()))
def test_any_text_is_either_taken_or_explained(values):
    settings, lines = inspect(values, Need.SLACK, Need.OPENROUTER)
    assert all(line[:1].isupper() and line.endswith(".") for line in lines)
    assert lines or settings == load(values, Need.SLACK, Need.OPENROUTER)
