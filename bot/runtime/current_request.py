"""Passes the signature of the Slack request that a thread is handling to the job that it starts.

A request is acknowledged before the database is used. So the job checks later whether another
process has already accepted the same request.
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
    """Take the signature of the request that this thread is handling; "" if it was already taken.

    It is also "" in Socket Mode, where requests have no signatures.
    """
    signature = _signature.get()
    _signature.set("")
    return signature
