"""The client against a local OpenRouter over real HTTP, which misbehaves in every known way."""

import gzip
import json
import logging
import socket
import threading
import traceback
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.openrouter.faults import answer
from bot.demo.openrouter.organization import Budget, Key, Member, Organization, Record, Workspace
from bot.demo.openrouter.server import INFERENCE_KEY, MANAGEMENT_KEY, LocalOpenRouter
from bot.openrouter import (
    IdFilter,
    KeyRefusedError,
    OpenRouter,
    OpenRouterError,
    QueryGrouping,
    TimedOutError,
    wire,
)
from bot.openrouter.client import CALL_SECONDS, NotAllowedError, RefusedError
from reports.time.time_range import Granularity

NOW = datetime(2026, 11, 22, 14, 23, 7, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HEALS = ["drop", "reset", "half", "cut", "html", "null_data", 429, 500, 502, 503, 504, 529]


class Waits(list):
    def __call__(self, seconds):
        self.append(seconds)


@pytest.fixture(scope="module")
def server():
    organization = Organization(
        [Member("user_ada", "Ada", "Okafor", "ada@example.com", "org:admin")],
        [Key("prod", creator="user_ada")],
        records=[Record(NOW - HOUR, Key("prod").hash, "user_ada", "a/x", prompt=5)],
        credits=20 * 10**9,
    )
    with LocalOpenRouter(organization, clock=lambda: NOW) as started:
        started.requests_per_minute = None
        yield started


@pytest.fixture(autouse=True)
def healthy(server):
    server.heal()
    server.requests.clear()
    server.timeout_over = None


@pytest.fixture
def waits():
    return Waits()


@pytest.fixture
def connect(waits):
    """Make clients that wait for nothing, and close them at the end."""
    made = []

    def open_one(server, key=MANAGEMENT_KEY):
        made.append(OpenRouter(server.base_url, key, wait=waits, requests_a_minute=10**6))
        return made[-1]

    yield open_one
    for one in made:
        one.close()


@pytest.fixture
def api(server, connect):
    return connect(server)


def ask(api, only=None):
    return api.usage(QueryGrouping.KEY, Granularity.DAY, NOW - DAY, NOW, only)


def test_it_reads_usage_the_directory_and_the_credits(api, server):
    assert [one.usage.prompt for one in ask(api).rows] == [5]
    (workspace,) = api.workspaces()
    assert [key.name for key in api.keys(workspace)] == ["prod"]
    assert [(p.name, p.email, p.admin) for p in api.people()] == [
        ("Ada Okafor", "ada@example.com", True)
    ]
    assert api.credits().balance == 20 * 10**9
    assert api.budgets(workspace) == wire.Budgets()
    assert api.is_management()
    assert server.writes == []


# -- what may leave the process

METHODS = st.sampled_from(["GET", "POST"]) | st.sampled_from(
    ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "QUERY", "get"]
)
PIECES = st.sampled_from(
    ["keys", "key", "credits", "workspaces", "budgets", "analytics", "query", "meta", "activity",
     "..", ".", "", "%2e%2e", "%2F", "key%73", "auth", "chat", "a", "api", "v1", "organization",
     "members", "KEYS", "keys;x", "keys?a=b", "guardrails", "assignments", "models"]
)  # fmt: skip
ALLOWED = {
    ("GET", path)
    for path in ("/activity", "/analytics/meta", "/keys", "/key", "/organization/members",
                 "/credits", "/workspaces", "/guardrails", "/guardrails/assignments/members",
                 "/guardrails/assignments/keys", "/models")
} | {("POST", "/analytics/query")}  # fmt: skip


READ = st.sampled_from([path.removeprefix("/") for _, path in sorted(ALLOWED)])
AROUND = st.sampled_from(["", "", "/", "//", "?", ".", "/..", "%20", "/x", "x"])
PATHS = st.one_of(
    READ,
    st.builds("{}{}{}".format, AROUND, READ, AROUND),
    st.lists(PIECES, max_size=5).map("/".join),
    st.text(max_size=20),
)


@settings(max_examples=400)
@given(METHODS, PATHS, st.sampled_from(["/api/v1/", "/", "/api/v1", "/api/", "/api/v11/"]))
def test_only_the_reading_calls_leave_the_process(api, server, method, path, base):
    server.requests.clear()
    root = server.base_url.removesuffix("/api/v1")
    try:
        api._http.request(method, f"{root}{base}{path}")
    except (NotAllowedError, httpx.InvalidURL, UnicodeEncodeError):
        assert server.requests == []
    for one in server.requests:
        budgets = one.path.split("/")
        is_budgets = len(budgets) == 4 and (budgets[1], budgets[3]) == ("workspaces", "budgets")
        assert (one.method, one.path) in ALLOWED or (one.method == "GET" and is_budgets)


@pytest.mark.parametrize(
    "elsewhere",
    ["https://{host}:{port}/api/v1/keys", "http://localhost:{port}/api/v1/keys",
     "http://{host}:{other}/api/v1/keys", "http://{host}:{port}@example.com/api/v1/keys",
     "http://example.com/api/v1/keys"],
)  # fmt: skip
def test_nothing_goes_to_another_place(api, server, elsewhere):
    home = httpx.URL(server.base_url)
    url = elsewhere.format(host=home.host, port=home.port, other=home.port + 1)
    with pytest.raises(NotAllowedError):
        api._http.get(url)
    assert server.requests == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(api, server, status):
    target = f"{server.base_url}/credits"
    server.fail("/key", answer(status, headers={"Location": target}))
    with pytest.raises(RefusedError) as caught:
        api.is_management()
    assert [one.path for one in server.requests] == ["/key"]
    assert caught.value.permanent


@pytest.mark.parametrize("hostile", ["../keys", "a?b=/budgets", "a#", "a/b", "%2e%2e", "ü", "a b"])
def test_a_workspace_of_any_name_leads_nowhere_else(api, server, hostile):
    with pytest.raises(RefusedError):
        api.budgets(_workspace(hostile))
    assert all(one.method == "GET" for one in server.requests)
    assert all(one.path.endswith("/budgets") for one in server.requests)


def _workspace(id_):
    return wire.Workspace(id_, "any")


# -- what is tried again


@pytest.mark.parametrize("fault", HEALS)
def test_what_may_pass_is_tried_again(api, server, waits, fault):
    server.fail("/analytics/query", fault, times=4)
    assert len(ask(api).rows) == 1
    assert len(server.requests) == 5
    assert len(waits) == 4
    assert all(0 < seconds <= 60 for seconds in waits)


@pytest.mark.parametrize("fault", HEALS)
def test_after_five_tries_it_says_so_in_a_sentence(api, server, fault):
    server.fail("/analytics/query", fault, times=None)
    with pytest.raises(OpenRouterError) as caught:
        ask(api)
    assert len(server.requests) == 5
    assert not caught.value.permanent
    said = str(caught.value)
    assert said.startswith("The request to /analytics/query failed after 5 tries (")
    assert "; the next sync tries again." in said


def test_where_nobody_listens_it_says_so_as_well(connect, waits):
    with LocalOpenRouter(Organization()) as gone:
        api = connect(gone)
    with pytest.raises(OpenRouterError, match=r"no connection.*Check the network"):
        ask(api)
    assert len(waits) == 4


def test_a_small_answer_that_unpacks_without_end_is_cut_off(api, server):
    server.fail("/analytics/query", "gzip_bomb", times=None)
    tracemalloc.start()
    try:
        with pytest.raises(OpenRouterError, match="larger than 32 MiB"):
            ask(api)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 110 * 2**20


def test_an_answer_that_is_packed_honestly_is_read(api, server):
    packed = gzip.compress(b'{"data":{"total_credits":3,"total_usage":1}}')
    server.fail("/credits", answer(200, packed, {"Content-Encoding": "gzip"}))
    assert api.credits().total == 3 * 10**9


def test_a_service_that_asks_for_patience_gets_it(api, server, waits):
    server.fail("/credits", answer(429, headers={"Retry-After": "7"}))
    server.fail("/credits", answer(503, headers={"Retry-After": "0"}))
    api.credits()
    assert waits[0] == 7.0
    assert 0 < waits[1] <= 60


def test_a_service_that_names_a_time_is_left_alone_until_then(api, server, waits):
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    server.fail("/credits", answer(429, headers={"Retry-After": then}))
    api.credits()
    assert 30 <= waits[0] <= 41


@pytest.mark.parametrize(
    "header",
    ["", "soon", "nan", "inf", "-inf", "1e400", "-5", "0", "Sun, 99 Nov 2026 00:00:00 GMT",
     "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00"],
)  # fmt: skip
def test_a_wait_that_makes_no_sense_is_ours_to_choose(api, server, waits, header):
    server.fail("/credits", answer(429, headers={"Retry-After": header}))
    api.credits()
    assert len(waits) == 1
    assert 0 < waits[0] <= 60


def test_a_service_that_wants_an_hour_is_not_asked_again_now(api, server, waits):
    server.fail("/credits", answer(429, headers={"Retry-After": "3600"}), times=None)
    with pytest.raises(OpenRouterError, match=r"after 1 try \(Injected 429\)") as caught:
        api.credits()
    assert (waits, caught.value.wait) == ([], 3600.0)


@pytest.mark.parametrize("header", ["31536000", "999999999999", "9" * 300])
def test_a_wait_of_years_is_an_hour_and_says_so(api, server, header):
    server.fail("/analytics/query", answer(429, headers={"Retry-After": header}), times=None)
    with pytest.raises(OpenRouterError, match="the next try is in an hour") as caught:
        ask(api)
    assert "asks to wait more than a year" in str(caught.value)
    assert caught.value.wait == 3600.0


def drip(head, every):
    """Answer the first connection with these bytes, then a space `every` seconds, for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve():
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(head)
            while not ended.wait(every):
                connection.sendall(b" ")

    threading.Thread(target=serve, daemon=True).start()
    return listener, ended


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"],
)
def test_a_response_has_one_deadline_however_slowly_it_comes(head):
    listener, ended = drip(head, 0.05)
    api = OpenRouter(
        f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1",
        MANAGEMENT_KEY,
        tries=1,
        answer_seconds=0.4,
    )
    begun = monotonic()
    try:
        with pytest.raises(OpenRouterError, match="the response took too long"):
            ask(api)
    finally:
        ended.set()
        listener.close()
        api.close()
    assert monotonic() - begun < 10


def test_a_silent_peer_is_given_up_before_the_call_takes_longer_than_it_may(connect):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        waits = []
        api = OpenRouter(
            f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1",
            MANAGEMENT_KEY,
            wait=waits.append,
            answer_seconds=0.3,
            call_seconds=0.5,
        )
        with pytest.raises(OpenRouterError, match="the response took too long"):
            ask(api)
        api.close()
    assert len(waits) <= 1


def test_trouble_is_noted_within_90_seconds():
    assert CALL_SECONDS <= 90


# -- what is not


@pytest.mark.parametrize(
    ("status", "said"), [(401, "does not know the key"), (403, "a management key is required")]
)
def test_a_refused_key_is_not_tried_again(api, server, waits, status, said):
    server.fail("/", status, times=None)
    with pytest.raises(KeyRefusedError, match=said) as caught:
        ask(api)
    assert caught.value.permanent
    assert "OPENROUTER_MANAGEMENT_KEY" in str(caught.value)
    assert "openrouter.ai/settings/management-keys" in str(caught.value)
    assert (len(server.requests), waits) == (1, [])


def test_an_ordinary_key_is_told_apart_from_a_management_key(server, connect):
    api = connect(server, INFERENCE_KEY)
    assert not api.is_management()
    with pytest.raises(KeyRefusedError, match="not a regular API key"):
        ask(api)


@pytest.mark.parametrize("status", [403, 404])
def test_an_endpoint_that_is_closed_says_nothing_about_the_key(api, server, status):
    server.fail("/credits", status)
    with pytest.raises(RefusedError, match=f"refused /credits: HTTP {status}"):
        api.credits()
    assert ask(api).rows


def test_a_query_that_takes_too_long_is_for_the_caller_to_cut(api, server, waits):
    server.timeout_over = HOUR
    with pytest.raises(TimedOutError):
        ask(api)
    assert (len(server.requests), waits) == (1, [])


def test_a_request_that_is_not_taken_is_not_tried_again(api, server, waits):
    server.fail("/credits", answer(400, {"error": {"code": 400, "message": "no such field"}}))
    with pytest.raises(RefusedError, match="no such field"):
        api.credits()
    assert (len(server.requests), waits) == (1, [])


def test_a_key_filter_that_finds_nothing_comes_with_its_warning(api):
    found = ask(api, IdFilter(("f" * 64,)))
    assert found.rows == ()
    assert "Could not resolve" in found.warnings[0]


# -- the directory


def test_all_keys_of_all_workspaces_come_once_while_more_are_being_made(connect):
    places = [Workspace("Default"), Workspace("Lab"), Workspace("Ops")]
    organization = Organization([], workspaces=places, credits=1)
    organization.keys = [
        Key(f"key-{n}", workspace=places[n % 3].id, disabled=n % 5 == 0) for n in range(750)
    ]
    expected = {key.hash for key in organization.keys}
    with LocalOpenRouter(organization, clock=lambda: NOW) as server:
        server.requests_per_minute = None
        api = connect(server)
        answered = server._answer

        def answer_and_make_one_more(request, token):
            said = answered(request, token)
            if request.path == "/keys":
                n = len(organization.keys)
                organization.keys.insert(0, Key(f"new-{n}", workspace=places[n % 3].id))
            return said

        server._answer = answer_and_make_one_more
        found = [key for place in (None, *api.workspaces()) for key in api.keys(place)]
    hashes = [key.hash for key in found]
    assert expected <= set(hashes)
    assert {key.disabled for key in found} == {True, False}


def test_an_entry_that_makes_no_sense_does_not_end_a_list(connect):
    organization = Organization([], [Key(f"key-{n}") for n in range(150)])
    with LocalOpenRouter(organization, clock=lambda: NOW) as server:
        api = connect(server)
        organization.keys[7].hash = ""
        assert len(api.keys()) == 149


def test_a_list_that_never_ends_is_not_read_for_ever(api, server):
    page = {"data": [{"id": f"user_{n}"} for n in range(100)]}
    server.fail("/organization/members", answer(200, page), times=None)
    assert len(api.people()) == 100
    assert len(server.requests) == 2


def test_a_personal_account_has_no_members(connect):
    with LocalOpenRouter(Organization(members=None), clock=lambda: NOW) as server:
        api = connect(server)
        assert api.people() == []


@pytest.mark.parametrize("status", [400, 405, 422])
def test_members_that_cannot_be_had_are_not_taken_for_none(api, server, status):
    server.fail("/organization/members", status)
    with pytest.raises(RefusedError):
        api.people()


def test_budgets_come_in_nano_dollars(connect):
    organization = Organization([], budgets=[])
    organization.budgets = [Budget(organization.default_workspace, 5_500_000_000, "weekly")]
    with LocalOpenRouter(organization, clock=lambda: NOW) as server:
        api = connect(server)
        (budget,) = api.budgets(api.workspaces()[0]).budgets
    assert (budget.limit, budget.reset) == (5_500_000_000, "weekly")


# -- the key

ODD = [
    "sk-or-v1-canary\n", "sk-or-v1-canary\r\nX: y", "sk-or-v1-canary\x00", "sk-or-v1-cänary",
    "sk-or-v1-canary 2", "sk-or-v1-canary\u2028", "sk-or-v1-canary\udcff", "\tsk-or-v1-canary",
]  # fmt: skip


@pytest.mark.parametrize("key", ODD)
def test_a_key_with_odd_characters_is_refused_without_being_shown(server, key):
    with pytest.raises(KeyRefusedError) as caught:
        OpenRouter(server.base_url, key)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert "nary" not in shown


@pytest.mark.parametrize("fault", [*HEALS, 400, 401, 403, 404, 408])
def test_no_failure_shows_the_key(server, connect, caplog, fault):
    caplog.set_level(logging.DEBUG)
    key = "sk-or-v1-canary"
    server.fail("/", fault, times=None)
    api = connect(server, key)
    with pytest.raises(OpenRouterError) as caught:
        api.credits()
    shown = "".join(traceback.format_exception(caught.value)) + repr(api) + repr(caught.value)
    assert key not in shown
    assert key not in json.dumps([str(record.__dict__) for record in caplog.records])


def test_a_proxy_of_the_environment_is_used(connect, server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(OpenRouterError, match="no connection"):
        ask(connect(server))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert ask(connect(server)).rows
