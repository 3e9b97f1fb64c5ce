"""`activity doctor` finds what is wrong and says what to do, and never shows a secret."""

import os
import sqlite3
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot import doctor
from bot.demo.openrouter.organization import Organization
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack
from bot.slack.scopes import SCOPES
from bot.store import file_check as checkup

from .. import databases
from .. import world as worlds
from ..socket_mode import SocketMode


@pytest.fixture(autouse=True)
def _logging():
    with worlds.quiet_logging():
        yield


@pytest.fixture
def slack():
    with LocalSlack(scopes=SCOPES) as local:
        yield local


@pytest.fixture
def values(openrouter, slack, database):
    """Settings of a bot in Socket Mode that is all well and has just synced."""
    worlds.fill(openrouter, database)
    with SocketMode(slack) as line:
        yield worlds.environment(openrouter, slack, database, SLACK_APP_TOKEN=line.app_token)


@pytest.fixture
def look(capsys):
    """What the doctor says: whether all is well, and its lines by what they are about."""

    def run(values) -> tuple[bool, dict[str, str]]:
        well = doctor.examine(values)
        said = capsys.readouterr()
        assert said.err == ""
        for value in values.values():
            if value.startswith(("xoxb-", "xapp-", "sk-or-")):
                assert value not in said.out
        lines = [line.split(maxsplit=1) for line in said.out.splitlines()]
        assert all(mark in {"ok", "FAIL"} for mark, _ in lines)
        assert well is all(mark == "ok" for mark, _ in lines)
        found: dict[str, str] = {}
        for mark, words in lines:
            what, _, rest = words.partition(": ")
            found[what] = "\n".join(filter(None, [found.get(what), f"{mark} {rest}"]))
        return well, found

    return run


@pytest.mark.own_journal
def test_all_is_well_where_all_is_well(values, look):
    well, said = look(values)
    assert well
    assert said == {
        "settings": "ok all required ones are set",
        "SLACK_BOT_TOKEN": "ok activity in the workspace Demo",
        "scopes": f"ok all {len(SCOPES)} of the manifest",
        "clock": "ok agrees with Slack's\nok agrees with OpenRouter's",
        "SLACK_APP_TOKEN": "ok Socket Mode can be opened",
        "ACTIVITY_ADMINS": said["ACTIVITY_ADMINS"],
        "OPENROUTER_MANAGEMENT_KEY": "ok a management key",
        "usage": "ok can be read",
        "workspaces": "ok 1 can be read",
        "members": "ok 2 can be read",
        "keys": "ok can be read",
        "credits": "ok can be read",
        "guardrails": "ok can be read",
        "models": "ok can be read",
        "budgets": "ok can be read",
        "database": said["database"],
        "cache": "ok fresh",
    }
    expected = ", PostgreSQL " if databases.on_postgres() else "ok intact, "
    assert expected in said["database"]


def test_it_names_all_settings_that_are_wrong_and_goes_on_with_the_others(values, look):
    wrong = values | {"SLACK_BOT_TOKEN": "", "PORT": "x", "ACTIVITY_TIMEZONE": "Mars/Base"}
    well, said = look(wrong)
    assert not well
    assert said["settings"].count("FAIL") == 3
    for name in ("SLACK_BOT_TOKEN is not set", "PORT must be", "ACTIVITY_TIMEZONE must be"):
        assert name in said["settings"]
    assert "scopes" not in said
    assert said["OPENROUTER_MANAGEMENT_KEY"].startswith("ok")


def test_it_starts_from_nothing(look, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    well, said = look({})
    assert not well
    for name in ("OPENROUTER_MANAGEMENT_KEY", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        assert f"{name} is not set: " in said["settings"]
    assert said["database"] == "ok activity.db will be created by the first sync"
    assert not Path("activity.db").exists()


def test_it_tells_a_wrong_bot_token(values, look):
    _, said = look(values | {"SLACK_BOT_TOKEN": "xoxb-wrong"})
    assert said["SLACK_BOT_TOKEN"].startswith("FAIL Slack returned invalid_auth. Copy the token")
    assert "OAuth & Permissions" in said["SLACK_BOT_TOKEN"]


def test_it_tells_a_slack_that_is_not_there(values, look, slack):
    slack.fail("*", "drop", times=9)
    _, said = look(values)
    assert said["Slack"].startswith("FAIL no response from http://127.0.0.1:")
    assert said["SLACK_APP_TOKEN"].startswith("FAIL no response from Slack")


def test_it_tells_a_wrong_app_token(values, look):
    _, said = look(values | {"SLACK_APP_TOKEN": "xapp-wrong"})
    assert "invalid_auth" in said["SLACK_APP_TOKEN"]
    assert "connections:write" in said["SLACK_APP_TOKEN"]


def test_it_tells_scopes_that_are_missing_with_their_reasons(openrouter, database, look):
    with LocalSlack(scopes=set(SCOPES) - {"im:write", "users:read.email"}) as slack:
        _, said = look(worlds.environment(openrouter, slack, database))
    assert said["scopes"].startswith("FAIL missing im:write (to send answers and files")
    assert "users:read.email" in said["scopes"]
    assert "manifest.yml" in said["scopes"]
    assert "chat:write" not in said["scopes"]


def test_it_tells_scopes_that_nobody_needs(openrouter, database, look):
    with LocalSlack(scopes={*SCOPES, "admin", "channels:manage"}) as slack:
        _, said = look(worlds.environment(openrouter, slack, database))
    assert said["scopes"].endswith("; not needed: admin, channels:manage")
    assert said["scopes"].startswith("ok")


def test_without_an_app_token_it_says_where_slack_has_to_reach_the_bot(values, look):
    del values["SLACK_APP_TOKEN"]
    _, said = look(values | {"PORT": "3210"})
    assert said["HTTP endpoint"].startswith("ok HTTP on port 3210;")


def test_it_tells_an_ordinary_key_from_a_management_key(values, look, openrouter):
    _, said = look(values | {"OPENROUTER_MANAGEMENT_KEY": openrouter.inference_key})
    assert said["OPENROUTER_MANAGEMENT_KEY"].startswith("FAIL this is a regular API key")
    assert "members" not in said


def test_it_tells_a_key_that_openrouter_does_not_know(values, look):
    _, said = look(values | {"OPENROUTER_MANAGEMENT_KEY": "sk-or-v1-unknown"})
    assert "does not know the key" in said["OPENROUTER_MANAGEMENT_KEY"]


def test_it_tells_an_openrouter_that_is_not_there(values, look, openrouter):
    openrouter.stop()
    _, said = look(values)
    assert said["OPENROUTER_MANAGEMENT_KEY"].startswith("FAIL The request to /")


@pytest.mark.parametrize(
    ("path", "part", "status"),
    [
        ("/organization/members", "members", 403),
        ("/workspaces", "workspaces", 404),
        ("/keys", "keys", 500),
        ("/credits", "credits", 403),
    ],
)
def test_a_list_that_is_refused_is_said_with_what_it_costs(
    values, look, openrouter, path, part, status
):
    openrouter.fail(path, status, times=None)
    try:
        well, said = look(values)
    finally:
        openrouter.heal()
    assert not well
    assert said[part].startswith("FAIL ")
    assert "everything else works" in said[part]
    assert said["usage"] == "ok can be read"
    assert said["OPENROUTER_MANAGEMENT_KEY"] == "ok a management key"


@pytest.mark.own_journal
def test_a_personal_account_has_no_members_and_is_well(values, look):
    with LocalOpenRouter(Organization(members=None)) as personal:
        well, said = look(values | {"OPENROUTER_BASE_URL": personal.base_url})
    assert said["members"].startswith("ok none: a personal account")
    assert well


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (timedelta(minutes=7), "FAIL 7 minutes behind Slack's. Set it (NTP)"),
        (-timedelta(hours=3), "FAIL 3 hours ahead of Slack's. Set it (NTP)"),
    ],
)
def test_it_tells_a_clock_that_is_wrong(openrouter, database, look, off, words):
    clock = lambda: worlds.now() + off + timedelta(seconds=10 if off > timedelta() else -10)  # noqa: E731
    with LocalSlack(clock=clock) as slack:
        _, said = look(worlds.environment(openrouter, slack, database))
    assert said["clock"].startswith(words)


@pytest.mark.sqlite_only("about the file")
def test_it_tells_a_database_that_others_can_read(values, look, database):
    database.chmod(0o644)
    _, said = look(values)
    assert said["database"].startswith(
        f"FAIL other users of this machine can read {database}. Run: ch"
    )


@pytest.mark.sqlite_only("about the file")
def test_it_tells_a_database_that_is_damaged_and_leaves_it_as_it_is(values, look, database):
    whole = bytearray(database.read_bytes())
    whole[8_192:12_288] = os.urandom(4_096)
    database.write_bytes(whole)
    _, said = look(values)
    assert "is damaged or not a database" in said["database"]
    assert database.read_bytes() == whole


@pytest.mark.sqlite_only("about the file")
def test_it_tells_a_database_that_cannot_be_written(values, look, database, monkeypatch):
    # root may write everything, so the answer of the system is put in its place
    monkeypatch.setattr(os, "access", lambda path, mode: path != database or not mode & os.W_OK)
    _, said = look(values)
    assert said["database"].startswith(
        f"FAIL the user who runs the bot must be able to write {database}"
    )


@pytest.mark.own_journal
@pytest.mark.sqlite_only("the lock of a file")
def test_it_tells_a_database_that_another_program_has_locked(values, look, database, monkeypatch):
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *given, **more: connect(*given, **{"timeout": 0.1, **more})
    )
    other = connect(database, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")  # with a write-ahead log, readers go on else
    other.execute("BEGIN EXCLUSIVE")
    other.execute("CREATE TABLE more (a)")
    _, said = look(values)
    other.close()
    assert "is locked by another program" in said["database"]
    assert "damaged" not in said["database"]


@pytest.mark.sqlite_only("about the file")
def test_it_tells_a_disk_that_is_nearly_full(values, look, monkeypatch):
    monkeypatch.setattr("bot.store.file_check.free_bytes", lambda _: 3 * 10**6)
    well, said = look(values)
    assert not well
    assert "only 3 MB are free" in str(said)


@pytest.mark.sqlite_only("about the file")
def test_it_tells_a_file_that_is_no_database(values, look, database):
    database.write_text("Dear diary, ")
    _, said = look(values)
    assert "is damaged or not a database" in said["database"]
    assert database.read_text() == "Dear diary, "


def test_it_tells_a_folder_that_is_not_there(values, look, tmp_path):
    _, said = look(values | {"DATABASE_URL": f"sqlite:///{tmp_path}/no/where.db"})
    assert said["database"].startswith(f"FAIL the folder {tmp_path}/no doesn't exist")


@pytest.mark.sqlite_only("about the file")
def test_it_tells_a_database_on_a_network_file_system(
    values, look, database, monkeypatch, tmp_path
):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/vda1 / ext4 rw 0 0\nnas:/vol {database.parent.parent} nfs4 rw 0 0\n")
    monkeypatch.setattr(doctor, "MOUNTS", mounts)
    _, said = look(values)
    assert said["database"].startswith(f"FAIL {database} is on a network file system (nfs4)")


@pytest.mark.parametrize(
    ("mounts", "kind"),
    [
        ("/dev/vda1 / ext4 rw", None),
        ("nas:/ /mnt nfs rw", None),
        ("nas:/ / nfs rw\n/dev/sda1 /var/lib ext4 rw", None),
        ("/dev/vda1 / ext4 rw\n//nas/x /var/lib cifs rw", "cifs"),
        ("/dev/vda1 / ext4 rw\n//nas/x /var/lib/a\\040b smb3 rw", None),
        ("nonsense\n\nnas:/ /var nfs4 rw", "nfs4"),
    ],
)
def test_it_knows_what_a_path_lies_on(mounts, kind):
    assert checkup.network(Path("/var/lib/activity.db"), mounts.splitlines()) == kind


def test_it_tells_a_cache_that_is_not_synced_any_more(values, look, monkeypatch):
    monkeypatch.setattr(doctor, "utc_now", lambda: worlds.now() + timedelta(hours=3))
    well, said = look(values)
    assert not well
    assert said["cache"] == (
        "FAIL minutes 3 hours old, hours 3 hours old, days 3 hours old. Is `activity run` (or"
        " `activity worker`) running?"
    )


def test_it_tells_why_the_last_sync_failed(values, look, openrouter, tmp_path):
    openrouter.fail("/analytics", 401, times=None)
    with pytest.raises(AssertionError, match="does not know the key"):
        worlds.fill(openrouter, tmp_path / "new.db")
    _, said = look(values | {"DATABASE_URL": databases.url(tmp_path / "new.db")})
    assert said["cache"].startswith("ok nothing yet")
    assert "does not know the key" in said["last sync"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows: [*rows, *rows], "rows twice"),
        (lambda rows: [row | {"tokens_prompt": "-3"} for row in rows], "unreadable"),
        (lambda rows: [{k: v for k, v in row.items() if k != "credits_usage"} for row in rows],
         "no credits_usage"),
    ],
)  # fmt: skip
def test_it_tells_usage_that_a_sync_would_not_store(values, look, openrouter, change, why):
    answered = openrouter._query

    def changed(body):
        said = answered(body)
        said["data"]["data"] = change(said["data"]["data"])
        return said

    openrouter._query = changed
    well, said = look(values)
    assert not well
    assert said["usage"].startswith("FAIL OpenRouter's response has ")
    assert why in said["usage"].replace("1 row ", "rows ")
    assert "Report it to OpenRouter if it stays" in said["usage"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "ok there are no admins, so nobody can see the audit log. Set it to your member ID"),
        (
            {"ACTIVITY_VISIBILITY": "own"},
            "ok there are no admins, so nobody can see the audit log and everyone only sees their",
        ),
        ({"ACTIVITY_ADMINS": "ada"}, "ok 1 named"),
        ({"ACTIVITY_ADMINS": "U0NOBODY"}, "FAIL U0NOBODY isn't in this workspace"),
    ],
)
def test_it_says_whether_there_are_admins(values, slack, look, more, said):
    named = {k: slack.user(v).id if v == "ada" else v for k, v in more.items()}
    _, found = look({**values, **named})
    assert found["ACTIVITY_ADMINS"].startswith(said)


@pytest.fixture
def public(monkeypatch):
    """A working directory that every user of the machine can enter, unlike pytest's own."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        monkeypatch.chdir(folder)
        yield folder
        monkeypatch.undo()


def test_secrets_that_other_users_can_read_are_found(values, look, public):
    token = public / "token"
    token.write_text(values["SLACK_BOT_TOKEN"])
    (public / ".env").write_text("SLACK_SIGNING_SECRET=feedface\n")
    given = dict(values) | {"SLACK_BOT_TOKEN_FILE": str(token)}
    for file in (token, public / ".env"):
        file.chmod(0o644)
    well, said = look(given)
    assert not well
    assert said["secrets"].splitlines() == [
        "FAIL other users of this machine can read .env. Run: chmod 600 .env",
        f"FAIL other users of this machine can read {token}. Run: chmod 600 {token}",
    ]
    for file in (token, public / ".env"):
        file.chmod(0o600)
    assert "secrets" not in look(given)[1]
    token.chmod(0o644)
    public.chmod(0o700)  # nobody else gets there
    assert "secrets" not in look(given)[1]


def test_an_env_file_without_secrets_may_be_read_by_all(values, look, public):
    (public / ".env").write_text("ACTIVITY_TIMEZONE=Europe/Berlin\nSLACK_BOT_TOKEN=\n")
    (public / ".env").chmod(0o644)
    assert "secrets" not in look(values)[1]


def test_a_secret_that_a_container_mounts_is_no_finding():
    assert not checkup.others_can_read(Path("/run/secrets/slack_bot_token"))
