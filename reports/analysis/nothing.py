"""What an answer says where there was nothing to work with, and what to do then."""

from __future__ import annotations

from collections.abc import Sequence

from reports.questions.query import Query
from reports.usage.coverage import NO_DATA_FOR_PERIOD


def nothing_used(query: Query, partial: Sequence[str], so: str) -> str:
    """A sentence that a period has no usage, what follows from that (`so`), and what to try.

    What isn't stored is not called unused: `partial` says in words what is missing.
    """
    if NO_DATA_FOR_PERIOD in partial:
        return f"No usage is stored for this period, so {so}; try a later one."
    if query.filters:
        return (
            f"No usage matches these filters in this period, so {so}; remove a filter or try a"
            " longer period."
        )
    return f"Nothing was used in this period, so {so}; try a longer one."
