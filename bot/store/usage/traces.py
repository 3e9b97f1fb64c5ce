"""Members and notes for usage whose key or creator can't be told from traces in ClickHouse."""

from __future__ import annotations

FROM_TRACES = "clickhouse:"
"""Prefix of the refs of these members."""
NOT_IN_CLICKHOUSE = f"{FROM_TRACES}missing"
"""The ref of the key and the creator of usage that OpenRouter counts and ClickHouse lacks."""
NOT_IN_CLICKHOUSE_NAME = "(not in ClickHouse)"
CREATOR_UNKNOWN = f"{FROM_TRACES}creator"
"""The ref of the creator of requests whose traces don't name one."""
CREATOR_UNKNOWN_NAME = "(creator not in ClickHouse)"
SAME_NAME = f"{FROM_TRACES}name:"
"""Prefix of the ref of a key that stands for several keys with the name that follows."""
SAME_NAME_DETAIL = "several keys"
NOTE = "some requests are not in ClickHouse"
"""The note on windows with such usage. Answers show the amount instead."""
