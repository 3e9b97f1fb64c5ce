"""Real processes of the bot on one database, behind a proxy that takes them in turn."""

from __future__ import annotations

import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from . import world as worlds

ROOT = Path(__file__).parents[1]
_LISTENING = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
_CHUNK = 65_536


class BotProcess:
    """One `activity` command; stderr goes to a file in `folder`."""

    def __init__(self, folder: Path, name: str, values: Mapping[str, str], *words: str) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        environ = {one: os.environ[one] for one in ("PATH", "HOME") if one in os.environ}
        with self._log.open("a") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", *words],
                cwd=folder, env=environ | {"PYTHONPATH": str(ROOT)} | values,
                stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        """Where it listens; waits until it does."""
        worlds.wait_until(lambda: _LISTENING.search(self.log) or self._process.poll() is not None)
        found = _LISTENING.search(self.log)
        assert found, self.log
        return int(found[1])

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def terminate(self) -> int:
        """Stop it as a platform does; its exit code."""
        self._process.terminate()
        return self._process.wait(60)

    def kill(self) -> None:
        """End it without a warning."""
        self._process.kill()
        self._process.wait()


class RoundRobinProxy:
    """Passes each TCP connection to the next backend that accepts it, like a load balancer.

    `refused` counts the connections that no backend accepted.
    """

    def __init__(self) -> None:
        self.ports: list[int] = []
        self.refused = 0
        self._turn = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/slack/events"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            backend = self._connect()
            if backend is None:
                return
            with backend, suppress(OSError):
                _copy_both_ways(client, backend)

    def _connect(self) -> socket.socket | None:
        with self._lock:
            self._turn += 1
            ports = [self.ports[(self._turn + n) % len(self.ports)] for n in range(len(self.ports))]
        for port in ports:
            with suppress(OSError):
                return socket.create_connection(("127.0.0.1", port))
        with self._lock:
            self.refused += 1
        return None


def _copy_both_ways(one: socket.socket, other: socket.socket) -> None:
    """Until either side closes its half."""
    with selectors.DefaultSelector() as ready:
        ready.register(one, selectors.EVENT_READ, other)
        ready.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in ready.select():
                source, target = key.fileobj, key.data
                assert isinstance(source, socket.socket)
                data = source.recv(_CHUNK)
                if not data:
                    return
                target.sendall(data)


class Fleet:
    """Processes with the same settings; use as a context manager. All are killed at its end."""

    def __init__(self, folder: Path, values: Mapping[str, str]) -> None:
        self._folder, self._values = folder, values
        self._started = 0
        self.processes: list[BotProcess] = []
        self.proxy = RoundRobinProxy()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.proxy.close()
        for process in self.processes:
            process.kill()

    def start(self, command: str, **more: str) -> BotProcess:
        """Start `activity web`, `worker` or `run`; the proxy doesn't know it yet."""
        self._started += 1
        name = f"{command}-{self._started}"
        process = BotProcess(self._folder, name, {**self._values, **more}, command)
        self.processes.append(process)
        return process

    def stop(self, process: BotProcess) -> int:
        """Stop a process as a platform does, and forget it; its exit code."""
        code = process.terminate()
        ended = process.port if process.name.startswith("web") else 0
        self.proxy.ports = [port for port in self.proxy.ports if port != ended]
        return code

    def start_web(self, count: int) -> list[BotProcess]:
        """Start some `activity web` behind the proxy, and wait until they listen."""
        started = [self.start("web") for _ in range(count)]
        self.proxy.ports += [process.port for process in started]
        return started
