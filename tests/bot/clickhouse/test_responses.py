"""What the client makes of servers that fail, lie or never end, over real HTTP."""

import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from gzip import compress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from bot.clickhouse import (
    ClickHouse,
    ClickHouseError,
    ClickHouseRefusedError,
    ClickHouseTooLongError,
)
from bot.clickhouse.errors import no_response
from reports.time.time_range import Granularity

DAY = datetime(2026, 11, 22, tzinfo=UTC)
COLUMNS = b"".join(
    b'{"name":"%s","type":"%s"}\n' % one
    for one in [
        (b"SPAN_ID", b"String"),
        (b"SPAN_TYPE", b"String"),
        (b"TIMESTAMP", b"DateTime64(3)"),
        (b"MODEL", b"String"),
        (b"API_KEY_NAME", b"Nullable(String)"),
        (b"PROMPT_TOKENS", b"Int64"),
        (b"COMPLETION_TOKENS", b"Int64"),
        (b"TOTAL_COST", b"Float64"),
    ]
)
ROW = (
    b'{"r_bucket":1795305600,"r_key":"prod","r_owner":"","r_model":"a/x","r_requests":"1",'
    b'"r_byok_requests":0,"r_prompt":10,"r_completion":1,"r_reasoning":0,"r_credits":"5000",'
    b'"r_byok":"0","r_cached":0}\n'
)
Respond = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers each request with the next of the responses; the last one stays."""

    def __init__(self) -> None:
        self.responses: list[Respond] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append(
                    (url.path, dict(parse_qsl(url.query)), dict(self.headers), body)
                )
                ready = outer.responses
                (ready.pop(0) if len(ready) > 1 else ready[0])(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://ada:canary@127.0.0.1:{self._http.server_address[1]}/lake"

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server():
    started = Server()
    yield started
    started.stop()


@pytest.fixture
def waits():
    return []


@pytest.fixture
def client(server, waits):
    made = ClickHouse(server.url, wait=waits.append)
    yield made
    made.close()


def says(body: bytes, status: int = 200, code: int = 0, **headers: str) -> Respond:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if code:
            handler.send_header("X-ClickHouse-Exception-Code", str(code))
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def begins(body: bytes) -> Respond:
    """A response that is cut off."""

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    return respond


def read(client):
    return list(client.usage(Granularity.HOUR, DAY, DAY + timedelta(hours=2)))


def test_a_query_changes_nothing_has_a_time_limit_and_its_values_are_parameters(server, client):
    server.responses = [says(COLUMNS), says(ROW)]
    [row] = read(client)
    assert (row.key, row.usage.credits) == ("prod", 5)
    for path, arguments, headers, body in server.requests:
        assert path == "/"
        assert (arguments["readonly"], arguments["max_execution_time"]) == ("1", "120")
        assert headers["X-ClickHouse-User"] == "ada"
        assert headers["X-ClickHouse-Key"] == "canary"
        assert headers["X-ClickHouse-Database"] == "lake"
        assert b"OPENROUTER" not in body
        assert b"canary" not in body
    arguments = server.requests[-1][1]
    assert arguments["param_table"] == "OPENROUTER_TRACES"
    assert arguments["param_start"] == str(int(DAY.timestamp()) * 1000)
    assert arguments["param_step"] == "3600"


def test_a_user_who_is_read_only_already_is_asked_without_settings(server, client):
    refused = says(b"Code: 164. DB::Exception: Cannot modify 'readonly' setting", 500, 164)
    server.responses = [refused, refused, says(COLUMNS), says(ROW)]
    assert len(read(client)) == 1
    sent = [
        {one for one in arguments if not one.startswith("param_")}
        for _, arguments, *_ in server.requests
    ]
    assert sent[0] > {"readonly", "max_execution_time"}
    assert sent[1:] == [{"readonly"}, set(), set()]


def test_a_user_with_limits_of_their_own_keeps_them(server, client):
    refused = says(b"Code: 452. DB::Exception: Setting shouldn't be greater than 60", 500, 452)
    server.responses = [refused, says(COLUMNS), says(ROW)]
    assert len(read(client)) == 1
    assert server.requests[-1][1]["readonly"] == "1"


def test_a_failure_of_the_moment_is_tried_again(server, client, waits):
    busy = says(b"Code: 202. DB::Exception: Too many simultaneous queries", 500, 202)
    server.responses = [busy, begins(b"{"), says(COLUMNS), says(ROW)]
    assert len(read(client)) == 1
    assert waits == [2.0, 4.0]


def test_it_gives_up_after_three_tries_with_a_sentence(server, client, waits):
    server.responses = [begins(b"{")]
    with pytest.raises(ClickHouseError, match="No complete response from ClickHouse") as failed:
        read(client)
    assert not failed.value.permanent
    assert len(server.requests) == 3
    assert "canary" not in str(failed.value)


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        (
            says(b"<html>", 404),
            ClickHouseRefusedError,
            r"doesn't answer like ClickHouse \(HTTP 404",
        ),
        (says(b"", 302), ClickHouseRefusedError, r"doesn't answer like ClickHouse \(HTTP 302"),
        (
            says(b"", 308, location="https://u:canary@ch.example.com:8443/?q=canary"),
            ClickHouseRefusedError,
            r"redirects to https://ch.example.com:8443 \(HTTP 308\). Use the address of ClickHouse",
        ),
        (says(b"", 301, location="/login"), ClickHouseRefusedError, r"doesn't answer like Click"),
        (
            says(b"", 301, location="//ch.example.com/"),
            ClickHouseRefusedError,
            "s://ch.example.com",
        ),
        (says(b"", 301, location="https://["), ClickHouseRefusedError, "doesn't answer like Click"),
        (says(b"", 401), ClickHouseRefusedError, "refused the user or the password"),
        (
            says(b"<html>Forbidden</html>", 403),
            ClickHouseRefusedError,
            r"refused the user or the password \(HTTP 403\).* whom it lets through\.$",
        ),
        (
            says(b"<html><h1>502 Bad Gateway</h1><hr>nginx</html>\n", 502),
            ClickHouseError,
            r"could not answer \(HTTP 502\)\. Check that it runs, and a proxy before it\.$",
        ),
        (
            says(b"upstream connect error", 503),
            ClickHouseError,
            r"could not answer \(HTTP 503\)\. The server said: upstream connect error$",
        ),
        (
            says(b"<html><h1>504 Gateway Time-out</h1></html>", 504),
            ClickHouseError,
            r"gave up waiting for it \(HTTP 504\)\. If that stays so, raise the proxy's time limit",
        ),
        (says(b"slow down", 429), ClickHouseError, r"could not answer \(HTTP 429\)\. The server"),
        (
            says(b"Port 9000 is for clickhouse-client program", 400),
            ClickHouseRefusedError,
            "usually port 8443, or 8123 without TLS",
        ),
        (
            says(b"Code: 62, e.displayText() = DB::Exception: Syntax error: failed at {", 400),
            ClickHouseRefusedError,
            "24.8 is the oldest version that was tried.*It said: Code: 62, e.disp",
        ),
        (
            says(b"Code: 46. DB::Exception: Unknown function half", 404, 46),
            ClickHouseRefusedError,
            "24.8 is the oldest version that was tried",
        ),
        (
            says(b"Code: 279. DB::Exception: All connection tries failed", 500, 279),
            ClickHouseError,
            "could not answer: Code: 279. DB::Exception: All",
        ),
        (
            says(b"Code: 158. DB::Exception: Limit for rows exceeded", 500, 158),
            ClickHouseError,
            "more rows than max_rows_to_read allows",
        ),
        (
            says(b"Code: 497. DB::Exception: ada: Not enough privileges", 500, 497),
            ClickHouseRefusedError,
            "GRANT SELECT ON lake.OPENROUTER_TRACES",
        ),
        (
            says(b"Code: 159. DB::Exception: Timeout exceeded", 500, 159),
            ClickHouseError,
            "took too long",
        ),
        (
            says(b"Code: 47. DB::Exception: Unknown canary", 404, 47),
            ClickHouseError,
            r"reported an error: Code: 47. DB::Exception: Unknown \*\*\*",
        ),
        (says(b'{"name":"a",\n'), ClickHouseError, "in the middle of a row"),
        (
            says(b"<html>\n<body>Sign in</body>\n</html>\n"),
            ClickHouseRefusedError,
            r"doesn't answer like ClickHouse \(HTTP 200\)",
        ),
        (says(b"Ok.\n"), ClickHouseRefusedError, "doesn't answer like ClickHouse"),
        (says(b"x" * 2_000_000), ClickHouseError, "is too long"),
    ],
)
def test_what_a_server_answers_is_said_in_words(server, client, response, kind, words):
    server.responses = [response]
    with pytest.raises(kind, match=words) as failed:
        read(client)
    assert type(failed.value) is kind
    assert "canary" not in str(failed.value)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (says(ROW + b"Code: 241. DB::Exception: Memory limit exceeded"), ClickHouseTooLongError),
        (
            says(ROW + ROW[:50] + b"Code: 241. DB::Exception: Memory limit exceeded"),
            ClickHouseTooLongError,
        ),
        (
            says(ROW + b'{"exception":"Code: 159. DB::Exception: Timeout exceeded"}\n'),
            ClickHouseTooLongError,
        ),
        (
            says(
                ROW + b"\r\n__exception__\r\nPU1FNUFH98\r\nCode: 159. DB::Exception: Timeout"
                b" exceeded\r\n45 PU1FNUFH98\r\n__exception__\r\n"
            ),
            ClickHouseTooLongError,
        ),
        (
            says(ROW + b"__exception__PU1FNUFH98\nCode: 159. DB::Exception: Timeout exceeded\n"),
            ClickHouseTooLongError,
        ),
        (says(ROW + ROW[:50]), ClickHouseError),
        (says(ROW + ROW.replace(b'"r_requests":"1"', b'"r_requests":null')), ClickHouseError),
        (says(ROW + ROW.replace(b'"5000"', b'"5e3"')), ClickHouseError),
        (says(ROW + ROW.replace(b"1795305600", b"1e300")), ClickHouseError),
        (begins(ROW), ClickHouseError),
        (
            says(ROW + b"Code: 159, e.displayText() = DB::Exception: Timeout exceeded\n"),
            ClickHouseTooLongError,
        ),
        (says(ROW + b"<html><h1>504 Gateway Time-out</h1></html>\n"), ClickHouseError),
        (
            says(
                compress(ROW + b"Code: 241. DB::Exception: Memory limit exceeded"),
                content_encoding="gzip",
            ),
            ClickHouseTooLongError,
        ),
    ],
)
def test_rows_that_end_in_an_error_are_an_error(server, client, response, kind):
    server.responses = [says(COLUMNS), response]
    rows = client.usage(Granularity.HOUR, DAY, DAY + timedelta(hours=2))
    assert next(rows).key == "prod"
    with pytest.raises(kind) as failed:
        list(rows)
    assert type(failed.value) is kind


@pytest.mark.parametrize(
    "response",
    [
        says(b"<html><h1>504 Gateway Time-out</h1></html>", 504),
        says(b"Code: 158. DB::Exception: Limit for rows exceeded", 500, 158),
        says(b"Code: 159. DB::Exception: Timeout exceeded", 500, 159),
    ],
)
def test_a_query_that_may_be_shorter_is_not_tried_again_as_it_is(server, client, waits, response):
    server.responses = [says(COLUMNS), response]
    with pytest.raises(ClickHouseTooLongError):
        read(client)
    assert waits == []


def test_an_error_in_the_middle_of_a_row_is_said_without_the_row(server, client):
    server.responses = [
        says(COLUMNS),
        says(ROW + ROW[:60] + b"Code: 394. DB::Exception: Query was cancelled\n"),
    ]
    with pytest.raises(ClickHouseError) as failed:
        read(client)
    assert str(failed.value) == (
        "ClickHouse could not answer: Code: 394. DB::Exception: Query was cancelled"
    )


def test_rows_may_be_compressed(server, client):
    server.responses = [
        says(compress(COLUMNS), content_encoding="gzip"),
        says(compress(ROW), content_encoding="gzip"),
    ]
    assert [row.key for row in read(client)] == ["prod"]


def test_what_is_not_compressed_as_it_says_is_no_response(server, client):
    server.responses = [says(b"nothing", content_encoding="gzip")]
    with pytest.raises(ClickHouseError, match=r"No complete response .* \(DecodingError\)"):
        read(client)


def test_a_port_without_tls_is_told_apart(server, waits):
    client = ClickHouse(server.url.replace("http", "https"), wait=waits.append)
    with pytest.raises(ClickHouseError, match="doesn't speak TLS on this port"):
        read(client)
    client.close()


def test_a_certificate_that_is_not_trusted_is_told_apart():
    said = no_response(
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
        " (_ssl.c:1006)",
        "ConnectError",
    )
    assert "isn't trusted: self-signed certificate. If its authority is your own" in str(said)


def test_a_table_that_was_made_again_is_looked_at_again(server, client):
    unknown = says(b"Code: 47. DB::Exception: Unknown identifier", 404, 47)
    server.responses = [says(COLUMNS), unknown, unknown, unknown, says(COLUMNS), says(ROW)]
    with pytest.raises(ClickHouseError):
        read(client)
    assert len(read(client)) == 1


def test_where_nothing_listens_the_sentence_says_what_to_check(waits):
    client = ClickHouse("http://ada:canary@127.0.0.1:9/lake", wait=waits.append)
    with pytest.raises(ClickHouseError, match="Check CLICKHOUSE_URL") as failed:
        read(client)
    assert "canary" not in str(failed.value)
    client.close()
