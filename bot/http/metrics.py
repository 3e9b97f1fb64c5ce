"""Exports metrics for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bot.store import Store


class Metrics:
    """Counters of this process, and gauges read from the database at each scrape."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Age(store, clock))
        self.asks = Counter(
            "activity_asks_total",
            "Questions asked in Slack, by outcome",
            ["outcome"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "activity_answer_seconds",
            "Seconds from the acknowledgement of a question to the delivery of its answer",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self._registry,
        )
        self.syncs = Counter(
            "activity_sync_turns_total", "Sync runs, by outcome", ["outcome"],
            registry=self._registry,
        )  # fmt: skip

    def count_runs(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """Add a gauge of report runs by state."""
        name, words = "activity_report_runs", "Scheduled report runs, by state"
        self._registry.register(_Counts(name, words, counts))

    def count_alerts(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """Add a gauge of alert messages by state."""
        name, words = "activity_alert_messages", "Alert messages, by state"
        self._registry.register(_Counts(name, words, counts))

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _Age(Collector):
    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def collect(self) -> Iterable[GaugeMetricFamily]:
        age = GaugeMetricFamily(
            "activity_sync_age_seconds",
            "Seconds since the last successful sync, by granularity",
            labels=["granularity"],
        )
        now = self._clock()
        for granularity, at in self._store.state().synced.items():
            age.add_metric([granularity], (now - at).total_seconds())
        yield age


class _Counts(Collector):
    def __init__(self, name: str, words: str, counts: Callable[[], Mapping[str, int]]) -> None:
        self._name = name
        self._words = words
        self._counts = counts

    def collect(self) -> Iterable[GaugeMetricFamily]:
        found = GaugeMetricFamily(self._name, self._words, labels=["state"])
        for state, count in self._counts().items():
            found.add_metric([state], count)
        yield found
