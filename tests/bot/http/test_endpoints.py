"""The HTTP endpoints accept what Slack signed, once and in time; nothing makes them fail."""

import hashlib
import hmac
import io
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import time
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt import App

from bot.demo.slack import Forge
from bot.http.endpoints import LARGEST_BODY, HttpEndpoints
from bot.http.slack_signatures import REMEMBERED_SECONDS, Signatures

SECRET = "feedface" * 4
COMMAND = urlencode({"command": "/activity", "text": "tokens 7d"}).encode()


def sign(body: bytes, timestamp: str, secret: str = SECRET) -> str:
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


@contextmanager
def nothing_runs(world):
    """Whatever comes in meanwhile, nobody is looked up and nobody gets an answer."""
    before = len(world.slack.calls), len(world.slack.responses)
    yield
    world.words("help")
    called, answered = len(world.slack.calls), len(world.slack.responses)
    assert (called, answered) == (before[0], before[1] + 1)


@pytest.fixture(scope="module", autouse=True)
def _known(shared):
    """Ada is known, so that nobody has to be looked up for what is asked in between."""
    shared.words("help")


FORGED = {
    "a wrong signature": Forge(signature="wrong"),
    "no signature": Forge(signature="missing"),
    "a signature that is no ASCII": Forge(signature="non-ascii"),
    "a request six minutes old": Forge(seconds_off=-360),
    "a request from in six minutes": Forge(seconds_off=360),
    "no timestamp": Forge(timestamp=""),
    "a timestamp that is no number": Forge(timestamp="yesterday"),
    "a timestamp with a sign": Forge(timestamp=f"+{int(time())}"),
    "a timestamp with an underscore": Forge(timestamp=f"1_{int(time()) % 10**9}"),
    "a timestamp in other digits": Forge(timestamp=str(int(time())).translate(
        {ord(str(digit)): chr(0x660 + digit) for digit in range(10)})),
    "a timestamp with a fraction": Forge(timestamp=f"{int(time())}.5"),
    "an endless timestamp": Forge(timestamp="9" * 5_000),
    "infinity": Forge(timestamp="inf"),
}  # fmt: skip


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_it_takes_nothing_that_slack_did_not_sign_just_now(shared, forge, caplog):
    with nothing_runs(shared):
        ack = shared.send("tokens 7d", forge=forge)
    assert ack.status == 401
    assert "Traceback" not in ack.body + caplog.text


def test_it_takes_every_request_once(world):
    ack = world.send("tokens 7d")
    world.slack.wait_for(lambda: world.slack.responses)
    again = world.bot_client.replay(ack)
    assert (ack.status, again.status) == (200, 401)
    assert "already been processed" in again.body
    world.words("tokens 1m")
    assert len(world.slack.responses) == 2


def test_it_takes_a_request_once_however_many_come_together(world):
    forged = world.send("tokens 7d", forge=Forge(signature="wrong"))
    body, headers = forged.sent
    stamp = headers["X-Slack-Request-Timestamp"]
    honest = headers | {"X-Slack-Signature": sign(body, stamp, world.slack.signing_secret)}
    with ThreadPoolExecutor(8) as pool:
        acks = list(
            pool.map(lambda _: world.bot_client.sender.post(body, honest).status, range(16))
        )
    assert sorted(acks) == [200, *[401] * 15]
    world.slack.wait_for(lambda: world.slack.responses)
    world.words("tokens 1m")
    assert len(world.slack.responses) == 2


def test_it_refuses_a_body_that_is_too_large_before_reading_it(shared):
    with nothing_runs(shared), socket.create_connection(("127.0.0.1", shared.bot.port), 5) as line:
        head = (
            f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n"
        )
        line.sendall(head.encode())
        assert b" 413 " in line.recv(1_000)


def test_it_refuses_a_body_that_is_too_large(shared):
    with nothing_runs(shared):
        said = httpx.post(
            shared.url("/slack/events"), content=b"x" * (LARGEST_BODY + 1), timeout=60
        )
    assert said.status_code == 413


NONSENSE = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"{",
    b"[]",
    b"3",
    b'"x"',
    b"null",
    b"{}",
    b"[" * 100_000,
    b"payload",
    b"payload=%ff",
    b"payload={",
    b"payload=[]",
    b"payload=3",
    b'payload={"type":"block_actions","actions":3,"user":4,"team":5}',
    b"command=/activity&command=/activity",
    b"command=/other&text=x",
]


@pytest.mark.parametrize("raw", NONSENSE, ids=lambda raw: repr(raw[:20]))
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_a_signed_body_that_makes_no_sense_is_no_failure_of_ours(shared, raw, kind, caplog):
    with nothing_runs(shared):
        ack = shared.bot_client.sender.send(raw, {"Content-Type": kind})
    assert 200 <= ack.status < 500
    assert "Traceback" not in ack.body + caplog.text


def test_it_answers_slacks_own_questions(shared):
    assert shared.bot_client.ssl_check().status == 200
    ack = shared.bot_client.url_verification("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P")
    assert ack.status == 200
    assert "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P" in ack.body


def test_what_nobody_listens_to_is_acknowledged(shared):
    assert shared.bot_client.home_opened("ada").status == 200
    assert shared.bot_client.mention("ada", "general", "hello").status == 200
    assert shared.bot_client.message("ada", "hello").status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/slack/events", 405),
        ("PUT", "/slack/events", 405),
        ("GET", "/", 404),
        ("POST", "/slack/events/", 404),
        ("POST", "/slack/install", 404),
        ("GET", "/../etc/passwd", 404),
        ("GET", "/healthz", 200),
        ("HEAD", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("POST", "/metrics", 405),
        ("DELETE", "/healthz", 405),
    ],
)
def test_every_path_has_its_methods(shared, method, path, status):
    assert httpx.request(method, shared.url(path)).status_code == status


def test_it_says_nothing_of_what_it_is_made_of(shared):
    headers = httpx.get(shared.url("/healthz"), timeout=60).headers
    assert "waitress" not in str(headers).lower()


def post(bot_client: HttpEndpoints, body: bytes, timestamp: str, signature: str) -> str:
    """The status of a request, as a WSGI server would put it."""
    said: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/slack/events",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_X_SLACK_REQUEST_TIMESTAMP": timestamp,
        "HTTP_X_SLACK_SIGNATURE": signature,
    }
    bot_client(environ, lambda status, headers: said.append(status))  # type: ignore[arg-type]
    return said[0]


APP = App(token="xoxb-1", request_verification_enabled=False, token_verification_enabled=False)


def make(now: float = 1_800_000_000) -> HttpEndpoints:
    well = lambda: None  # noqa: E731
    return HttpEndpoints((APP, Signatures(SECRET, lambda: now)), well, well, lambda: b"")


ENDPOINTS = make()


@given(st.binary(), st.text(), st.text())
def test_no_header_and_no_body_makes_it_fail(body, timestamp, signature):
    assert post(ENDPOINTS, body, timestamp, signature) == "401 Unauthorized"


@given(st.binary(max_size=50), st.integers(0, 2**70), st.text("v0=abcdef", max_size=70))
def test_no_number_makes_it_fail(body, timestamp, signature):
    assert post(ENDPOINTS, body, str(timestamp), signature) == "401 Unauthorized"


@given(st.integers(-400, 400))
def test_five_minutes_are_the_limit_either_way(seconds):
    stamp = str(1_800_000_000 + seconds)
    status = post(make(), COMMAND, stamp, sign(COMMAND, stamp))
    assert (status == "401 Unauthorized") is (abs(seconds) > 300)


def test_signatures_are_forgotten_when_they_are_too_old_to_be_taken_anyway():
    now = [1_800_000_000.0]
    signatures = Signatures(SECRET, lambda: now[0])
    for number in range(50):
        body, stamp = str(number).encode(), str(int(now[0]))
        assert signatures.refusal(body, stamp, sign(body, stamp)) is None
        assert signatures.refusal(body, stamp, sign(body, stamp))
        now[0] += REMEMBERED_SECONDS / 10
    assert len(signatures._seen) == len(signatures._order) <= 11


def test_health_is_reported_as_json():
    well = lambda: None  # noqa: E731
    bot_client = HttpEndpoints(None, lambda: "the dog ate it", well, lambda: b"")
    said: list[str] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/healthz"}
    body = b"".join(bot_client(environ, lambda status, headers: said.append(status)))
    assert said == ["503 Service Unavailable"]
    assert json.loads(body) == {"ok": False, "reason": "the dog ate it"}
