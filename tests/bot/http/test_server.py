"""The web server: immediate answers, no request blocks another, and a clean shutdown."""

from __future__ import annotations

import fcntl
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from waitress.trigger import trigger

from bot.http.server import THREADS, ConnectionLimits, HttpServer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class Application:
    """Says on which thread it answers; what asks for /slow waits until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Answer with the thread and what was sent."""
        body = environ["wsgi.input"].read()
        if environ["PATH_INFO"] == "/slow" or body == b"hold":
            self.begun.release()
            self.go.wait(30)
        said = f"{threading.current_thread().name} {len(body)}\n".encode()
        start_response("200 OK", [("Content-Length", str(len(said)))])
        return [said]


def quick(path: str, body: bytes) -> bool:
    return path == "/quick" and not body.startswith(b"later")


@contextmanager
def serving(
    application: Application, limits: ConnectionLimits | None = None
) -> Iterator[HttpServer]:
    server = HttpServer(application, "127.0.0.1", 0, 100_000, quick, limits)
    try:
        yield server
    finally:
        application.go.set()
        if server._thread.is_alive():
            server.stop()


def said(server: HttpServer, path: str, body: bytes = b"") -> list[str]:
    """The thread that answered, and how long it saw the body to be."""
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        return client.post(path, content=body).text.split()


def test_what_needs_no_waiting_is_answered_on_its_own_thread() -> None:
    with serving(Application()) as server:
        assert said(server, "/quick", b"now" * 20_000) == ["http", "60000"]
        assert said(server, "/quick", b"later") != ["http", "5"]
        assert said(server, "/other", b"now") != ["http", "3"]


def test_those_who_wait_hold_up_nobody() -> None:
    application = Application()
    with serving(application) as server, ThreadPoolExecutor(8) as people:
        slow = [people.submit(said, server, "/slow") for _ in range(8)]
        for _ in range(THREADS):
            assert application.begun.acquire(timeout=30)
        assert said(server, "/quick", b"x") == ["http", "1"]
        application.go.set()
        assert all(one.result(30)[1] == "0" for one in slow)


def test_a_crowd_is_answered_to_the_last() -> None:
    with serving(Application()) as server, ThreadPoolExecutor(50) as people:
        found = list(people.map(lambda n: said(server, "/quick", b"x" * n), range(150)))
    assert [int(length) for _, length in found] == list(range(150))


def test_requests_of_one_connection_are_answered_in_their_order() -> None:
    sent = "".join(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {n}\r\n\r\n" + "x" * n
        for n, path in enumerate(("/quick", "/other", "/quick", "/quick", "/other"))
    )
    with (
        serving(Application()) as server,
        socket.create_connection(("127.0.0.1", server.port), 30) as connection,
    ):
        connection.sendall(sent.encode())
        got = b""
        while not got.endswith(b" 4\n"):
            got += connection.recv(10_000)
    assert re.findall(r"\r\n\r\n\S+ (\d)\n", got.decode()) == list("01234")


def test_a_flood_of_pipelined_requests_does_not_stop_it() -> None:
    """Each answer rings its bell, a pipe that nobody else empties."""
    application, each = Application(), 300
    with serving(application) as server, ExitStack() as stack:
        bell = next(one for one in server._channels.values() if isinstance(one, trigger))
        fcntl.fcntl(bell.trigger, fcntl.F_SETPIPE_SZ, 4096)  # type: ignore[attr-defined]
        holding = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 60))
        holding.sendall(b"POST /quick HTTP/1.1\r\nContent-Length: 4\r\n\r\nhold")
        assert application.begun.acquire(timeout=60)
        flood = [socket.create_connection(("127.0.0.1", server.port), 60) for _ in range(30)]
        for one in flood:
            stack.enter_context(one).sendall(b"GET /quick HTTP/1.1\r\n\r\n" * each)
        application.go.set()
        for one in flood:
            got = b""
            while got.count(b"200 OK") < each:
                more = one.recv(100_000)
                assert more
                got += more
        assert said(server, "/quick", b"y") == ["http", "1"]


def test_a_body_that_waits_to_be_asked_for_is_asked_for() -> None:
    with (
        serving(Application()) as server,
        socket.create_connection(("127.0.0.1", server.port), 60) as connection,
    ):
        head = b"POST /quick HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head)
        got = b""
        while not got.endswith(b"\r\n\r\n"):
            got += connection.recv(1_000)
        assert got.startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"abc")
        while not got.endswith(b"http 3\n"):
            got += connection.recv(1_000)


def test_who_leaves_in_the_middle_is_missed_by_nobody() -> None:
    with serving(Application()) as server:
        for sent in (b"POST /quick HT", b"POST /quick HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"):
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
                    connection.sendall(sent)
        assert said(server, "/quick", b"y") == ["http", "1"]


def test_it_stops_while_people_are_connected() -> None:
    with serving(Application()) as server, ExitStack() as stack:
        for _ in range(20):
            one = socket.create_connection(("127.0.0.1", server.port), 60)
            stack.enter_context(one).sendall(b"POST /quick HTTP/1.1\r\n")
        server.stop()
        assert not server._thread.is_alive()


def test_what_is_no_request_is_refused_and_the_next_one_served() -> None:
    with serving(Application()) as server:
        with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
            connection.sendall(b"\x16\x03\x01 nothing\r\n\r\n")
            assert connection.recv(1_000).startswith(b"HTTP/1.0 400")
        url = f"http://127.0.0.1:{server.port}/quick"
        assert httpx.post(url, content=b"y" * 200_000).status_code == 413
        assert said(server, "/quick", b"y") == ["http", "1"]


def test_it_serves_until_it_is_stopped() -> None:
    server = HttpServer(Application(), "127.0.0.1", 0, 1000)
    assert httpx.get(f"http://127.0.0.1:{server.port}/", timeout=60).is_success
    server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{server.port}/")
    assert "http" not in {thread.name for thread in threading.enumerate()}


def test_what_arrives_on_an_open_connection_while_it_stops_is_answered() -> None:
    with ExitStack() as stack:
        server = HttpServer(Application(), "127.0.0.1", 0, 1000, quick)
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 60))
            for _ in range(50)
        ]
        listening = server._servers[0].socket
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        while listening.fileno() != -1:
            time.sleep(0.001)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), 60)
        for one in opened:
            one.sendall(b"POST /quick HTTP/1.1\r\nContent-Length: 1\r\n\r\ny")
        assert all(is_answered(one) for one in opened)
        stopping.join()
        assert not server._thread.is_alive()


def test_a_request_in_progress_is_answered_while_it_stops() -> None:
    application = Application()
    server = HttpServer(application, "127.0.0.1", 0, 1000)
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        connection.sendall(b"POST /quick HTTP/1.1\r\nContent-Length: 4\r\n\r\nhold")
        assert application.begun.acquire(timeout=60)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        time.sleep(1)  # longer than idle connections are kept
        application.go.set()
        assert connection.recv(1_000).startswith(b"HTTP/1.1 200 OK")
        stopping.join()


def test_it_stops_though_an_answer_just_sent_rings_the_same_bell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ring = trigger._physical_pull  # type: ignore[attr-defined]

    def ring_after_another(bell: trigger) -> None:
        ring(bell)
        time.sleep(0.05)  # for the server's own thread to hear it
        ring(bell)

    monkeypatch.setattr(trigger, "_physical_pull", ring_after_another)
    server = HttpServer(Application(), "127.0.0.1", 0, 1000)
    server.stop()
    assert not server._thread.is_alive()


PATIENT = {"header_seconds": 600.0, "body_seconds": 600.0, "idle_seconds": 600.0}
HALF = (
    b"",
    b"POST /quick HT",
    b"POST /quick HTTP/1.1\r\nHost: x\r\n",
    b"POST /quick HTTP/1.1\r\nContent-Length: 9\r\n\r\nab",
)


def connect(server: HttpServer, stack: ExitStack, sent: bytes) -> socket.socket:
    one = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 60))
    one.sendall(sent)
    return one


def is_answered(connection: socket.socket) -> bool:
    """Read one whole response."""
    got = b""
    while not got.endswith(b"http 1\n"):
        more = connection.recv(1_000)
        if not more:
            return False
        got += more
    return b" 200 OK" in got


def closed(connection: socket.socket) -> bool:
    """Wait until the other side has closed a connection; False if it answers instead."""
    try:
        return connection.recv(1_000) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("half", HALF)
def test_connections_without_a_whole_request_shut_nobody_out(half: bytes) -> None:
    limits = ConnectionLimits(connections=50, **PATIENT)
    with serving(Application(), limits) as server, ExitStack() as stack:
        oldest = connect(server, stack, half)
        for _ in range(150):
            connect(server, stack, half)
        assert said(server, "/quick", b"y") == ["http", "1"]
        assert said(server, "/other", b"y")[1] == "1"
        assert closed(oldest)
        assert len(server._channels) <= 50 + THREADS + 32


def test_a_request_that_is_being_answered_is_not_cut_off_for_newer_connections() -> None:
    application = Application()
    limits = ConnectionLimits(connections=20, **PATIENT)
    with serving(application, limits) as server, ExitStack() as stack:
        people = stack.enter_context(ThreadPoolExecutor(1))
        slow = people.submit(said, server, "/slow", b"abc")
        assert application.begun.acquire(timeout=60)
        for _ in range(60):
            connect(server, stack, b"POST /quick HT")
        assert said(server, "/quick", b"y") == ["http", "1"]
        application.go.set()
        assert slow.result(60)[1] == "3"


@pytest.mark.parametrize(
    ("half", "limits"),
    [
        (HALF[0], ConnectionLimits(header_seconds=0.1, body_seconds=600, idle_seconds=600)),
        (HALF[2], ConnectionLimits(header_seconds=0.1, body_seconds=600, idle_seconds=600)),
        (HALF[3], ConnectionLimits(header_seconds=600, body_seconds=0.1, idle_seconds=600)),
    ],
)
def test_a_connection_that_brings_no_whole_request_in_time_is_closed(
    half: bytes, limits: ConnectionLimits
) -> None:
    with serving(Application(), limits) as server, ExitStack() as stack:
        assert closed(connect(server, stack, half))


def test_dripping_bytes_buys_no_time() -> None:
    limits = ConnectionLimits(
        header_seconds=0.3, body_seconds=600, idle_seconds=600, sweep_seconds=0.05
    )
    with serving(Application(), limits) as server, ExitStack() as stack:
        one = connect(server, stack, b"POST /quick HTTP/1.1\r\nX: ")
        one.settimeout(0.02)
        for _ in range(3_000):
            try:
                one.sendall(b"x")
                if one.recv(10) == b"":
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return
        pytest.fail("it may send for ever")


def test_an_idle_connection_is_closed_after_a_while_and_can_be_used_until_then() -> None:
    request = b"POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\ny"
    limits = ConnectionLimits(header_seconds=600, body_seconds=600, idle_seconds=0.4)
    with serving(Application(), limits) as server, ExitStack() as stack:
        one = connect(server, stack, request)
        assert is_answered(one)
        assert closed(one)
    short = ConnectionLimits(header_seconds=0.05, body_seconds=0.05, sweep_seconds=0.05)
    with serving(Application(), short) as server, ExitStack() as stack:
        one = connect(server, stack, request)
        assert is_answered(one)
        seen = {server._swept_at}
        while len(seen) < 5:  # so long that a request would have been closed
            said(server, "/quick", b"y")  # the loop goes round
            seen.add(server._swept_at)
        one.sendall(request)
        assert is_answered(one)
