"""An HTTP transport with a deadline for the whole response.

httpx's timeouts apply to each chunk, so a peer that sends one byte per second never times out.
Here all reads and writes of a request share one deadline.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

if TYPE_CHECKING:
    import ssl


class Deadline:
    """The deadline of the current thread's request."""

    def __init__(self) -> None:
        self._local = threading.local()

    def start(self, seconds: float) -> None:
        """Set the deadline of this thread's next request to `seconds` from now."""
        self._local.end = monotonic() + seconds

    @property
    def passed(self) -> bool:
        """Whether the deadline of this thread's request has passed."""
        end: float | None = getattr(self._local, "end", None)
        return end is not None and monotonic() > end

    def left(self, timeout: float | None) -> float:
        """The timeout for an operation: its own, or the time until the deadline if shorter.

        Raises httpcore.ReadTimeout if the deadline has passed.
        """
        end: float | None = getattr(self._local, "end", None)
        if end is None:
            return 60.0 if timeout is None else timeout
        left = end - monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the response took too long")
        return left if timeout is None else min(left, timeout)


class DeadlineTransport(httpx.HTTPTransport):
    """An httpx transport that observes a deadline."""

    def __init__(self, deadline: Deadline) -> None:
        context = _tls()
        super().__init__(verify=context)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=10,
            keepalive_expiry=5.0,
            network_backend=_Backend(deadline),
        )


@cache
def _tls() -> ssl.SSLContext:
    """A TLS context for all clients of a process, because loading the certificates takes 30 ms."""
    return httpx.create_ssl_context()


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._backend.connect_tcp(
            host, port, self._deadline.left(timeout), local_address, socket_options
        )
        return _Stream(stream, self._deadline)

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Stream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore declares it
        return self._stream.get_extra_info(info)
