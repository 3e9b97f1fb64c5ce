"""The signature of the Slack request that this thread is handling, for the job that it starts.

A request is acknowledged before the database is asked for anything. So whether another process has
already accepted the same request is checked later, by the job.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_signature: ContextVar[str] = ContextVar("signature", default="")


@contextmanager
def handling(signature: str) -> Iterator[None]:
    """Handle a request with this signature inside the block."""
    token = _signature.set(signature)
    try:
        yield
    finally:
        _signature.reset(token)


def take_signature() -> str:
    """The signature of the request that this thread is handling, once; "" afterwards.

    "" in Socket Mode as well, where requests have no signatures.
    """
    signature = _signature.get()
    _signature.set("")
    return signature
