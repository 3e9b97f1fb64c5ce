"""Traces as Broadcast would write them, made from the events of a local OpenRouter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from bot.demo.openrouter.organization import Organization, Record

ORGANIZATION_ID = "org_1"
Trace = dict[str, Any]


def traces_of(organization: Organization, *, metadata: bool = True) -> Iterator[Trace]:
    """One generation for each request of an organization's records, and their spans.

    Together they are exactly what the records have; `metadata` says whether Broadcast's option for
    cost metadata is on.
    """
    names = {key.hash: key.name for key in organization.keys}
    for number, record in enumerate(organization.records):
        yield from _generations(record, number, names.get(record.key), metadata=metadata)


PROVIDERS = ("Anthropic", "Amazon Bedrock", "Google Vertex", None)
END_USERS = ("customer-1", "customer-2", "'; DROP TABLE x; --\\\n\t<b>*_~`", "(no end user)", None)


def with_quality(traces: Iterable[Trace], failing: float = 0.1) -> Iterator[Trace]:
    """The same traces with provider, end user and duration, and requests that failed.

    The figures of usage stay the same: what failed used nothing. `failing` is how many fail for
    each request that doesn't.
    """
    chance = Random(7)
    for number, trace in enumerate(traces):
        at = {
            "PROVIDER_NAME": chance.choice(PROVIDERS),
            "USER_ID": chance.choice(END_USERS),
            "DURATION_MS": round(chance.lognormvariate(7, 1), 3),
        }
        yield trace | at
        if trace["SPAN_TYPE"] == "GENERATION" and chance.random() < failing:
            nothing = dict.fromkeys(("PROMPT_TOKENS", "COMPLETION_TOKENS", "TOTAL_COST"), 0)
            failed = {"SPAN_ID": f"failed-{number}", "STATUS": "error", "METADATA": "{}"}
            nothing |= dict.fromkeys(("REASONING_TOKENS", "CACHED_TOKENS"), 0)
            yield trace | at | nothing | failed


def _generations(
    record: Record, number: int, key: str | None, *, metadata: bool
) -> Iterator[Trace]:
    stamp = record.at.strftime("%Y-%m-%d %H:%M:%S.") + f"{record.at.microsecond // 1000:03}"
    parts = {
        name: _shares(getattr(record, name), record.requests)
        for name in ("prompt", "completion", "reasoning", "cached", "credits_nano")
    }
    byok = _shares(record.byok_nano, record.byok_requests)
    for n in range(record.requests):
        is_byok = n < record.byok_requests
        costs = {"is_byok": is_byok, "byok_usage_inference": byok[n] / 10**9 if is_byok else 0}
        trace = {
            "TRACE_ID": f"trace-{number}-{n}",
            "SPAN_ID": f"span-{number}-{n}",
            "TIMESTAMP": stamp,
            "START_TIME": stamp,
            "ENTITY_ID": record.member or ORGANIZATION_ID,
            "API_KEY_NAME": key,
            "MODEL": record.model,
            "STATUS": "ok",
            "SPAN_TYPE": "GENERATION",
            "PROMPT_TOKENS": parts["prompt"][n],
            "COMPLETION_TOKENS": parts["completion"][n],
            "REASONING_TOKENS": parts["reasoning"][n],
            "CACHED_TOKENS": parts["cached"][n],
            "TOTAL_COST": parts["credits_nano"][n] / 10**9,
            "METADATA": json.dumps({"openrouter_generation": costs} if metadata else {}),
        }
        yield trace
        if n == 0:  # spans of attempts carry no figures of their own
            yield trace | {"SPAN_ID": f"attempt-{number}", "SPAN_TYPE": "SPAN"}


def _shares(amount: int, count: int) -> list[int]:
    """An amount in whole parts that add up to it."""
    if not count:
        return []
    each, rest = divmod(amount, count)
    return [each + (n < rest) for n in range(count)]
