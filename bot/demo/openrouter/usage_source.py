"""Generates a year of usage that continues with the clock; computed on request, never stored.

A day's usage is generated first, then distributed over its hours, and an hour's over its seconds.
So seconds add up to hours and hours to days exactly, and the current hour fills second by second.
The same seed and anchor always give the same usage.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from bot.demo.openrouter.organization import DAY, Record

HOUR = timedelta(hours=1)
BURST_EVERY_DAYS = 45


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When something is used: a weight for each local hour, and the share of it on weekends."""

    hours: tuple[int, ...]
    weekend: float = 1.0


OFFICE = Rhythm(
    (0, 0, 0, 0, 0, 0, 1, 4, 16, 32, 36, 34, 20, 26, 34, 36, 32, 22, 9, 5, 4, 3, 1, 0), 0.08
)
CUSTOMERS = Rhythm(
    (9, 7, 6, 6, 7, 9, 14, 20, 28, 34, 36, 36, 34, 34, 35, 36, 34, 32, 32, 33, 30, 25, 18, 12), 0.6
)
NIGHTLY = Rhythm((8, 30, 60, 60, 34, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 0.9)
STEADY = Rhythm((10,) * 24, 0.95)


@dataclass(frozen=True, slots=True)
class Model:
    """A model and its list price in nano-dollars per token (1,000 is $1 per million)."""

    slug: str
    prompt_nano: int
    completion_nano: int
    reasoning: float = 0.0


@dataclass(frozen=True, slots=True)
class Stream:
    """A use of one model by one key: how much per workday, at which hours, and from when to when.

    `since` and `until` are days before the anchor; the change takes `fade` days. `cached` is the
    share of prompt tokens that come from a cache; `cached_since` is another share, and how many
    days before the anchor it takes effect.
    """

    key: str
    member: str
    model: Model
    daily: float
    prompt: int
    completion: int
    rhythm: Rhythm = OFFICE
    cached: float = 0.3
    cached_since: tuple[float, float] | None = None
    byok: bool = False
    since: float = math.inf
    until: float = -math.inf
    fade: float = 1.0
    launched: bool = False
    app: int = 0


@dataclass(frozen=True, slots=True)
class _Part:
    """The usage of a stream in a time range, in units that can be distributed without rounding."""

    requests: int
    fresh: int
    cached: int
    visible: int
    reasoning: int


class LivingHistory:
    """Usage of all streams from a year before `anchor`, without an end.

    Until `launch` days before the anchor, streams that were launched then have half their usage.
    """

    def __init__(
        self, streams: Sequence[Stream], *, anchor: datetime, seed: int, launch: int, zone: str
    ) -> None:
        self.streams = tuple(streams)
        self.today = _midnight(anchor)
        self.start = self.today - 366 * DAY
        self._seed, self._launch, self._zone = seed, launch, ZoneInfo(zone)
        self._day = lru_cache(maxsize=None)(self._draw_day)
        self._hours = lru_cache(maxsize=70)(self._deal_hours)
        self._hour = lru_cache(maxsize=40 * 24)(self._whole_hour)
        self._seconds = lru_cache(maxsize=8)(self._deal_seconds)

    def records(self, start: datetime, end: datetime, step: timedelta) -> Iterator[Record]:
        """Usage of [start, end); whole days and hours are one record if `step` allows it."""
        at = max(start, self.start)
        while at < end:
            day = _midnight(at)
            hour = at.replace(minute=0, second=0, microsecond=0)
            if step >= DAY and at == day and day + DAY <= end:
                yield from (self._record(day, n, part) for n, part in self._day(day))
                at = day + DAY
                continue
            if step >= HOUR and at == hour and hour + HOUR <= end:
                yield from self._hour(hour)
            else:
                yield from (record for record in self._seconds(hour) if at <= record.at < end)
            at = hour + HOUR

    def _draw_day(self, day: datetime) -> list[tuple[int, _Part]]:
        rng = self._random(day)
        drawn = []
        for n, stream in enumerate(self.streams):
            noise, size = rng.lognormvariate(0, 0.3), rng.lognormvariate(0, 0.18)
            burst = 3.5 if rng.random() * BURST_EVERY_DAYS < 1 else 1.0
            requests = int(self._expected(stream, day) * noise * burst + rng.random())
            if requests:
                age = (self.today - day) / DAY
                drawn.append((n, _part(stream, requests, size, age)))
        return drawn

    def _expected(self, stream: Stream, day: datetime) -> float:
        age = (self.today - day) / DAY
        growth = 0.35 + 0.65 * math.exp(-max(age, 0.0) / 130)
        rest = stream.rhythm.weekend if day.weekday() >= 5 else 1.0
        launch = 1.0
        if stream.launched and age > self._launch:
            launch = 0.5
        elif stream.launched and age > self._launch - 4:
            launch = 2.2
        fade = _step(stream.since - age, stream.fade) * _step(age - stream.until, stream.fade)
        return stream.daily * growth * rest * launch * fade

    def _deal_hours(self, day: datetime) -> tuple[list[tuple[int, _Part]], ...]:
        rng = self._random(day, "hours")
        local = [(day + n * HOUR).astimezone(self._zone).hour for n in range(24)]
        hours: tuple[list[tuple[int, _Part]], ...] = tuple([] for _ in range(24))
        for n, whole in self._day(day):
            rhythm = self.streams[n].rhythm.hours
            weights = [rhythm[hour] * rng.randrange(60, 140) for hour in local]
            for hour, part in enumerate(_deal(rng, whole, weights)):
                if part is not None:
                    hours[hour].append((n, part))
        return hours

    def _whole_hour(self, hour: datetime) -> list[Record]:
        parts = self._hours(_midnight(hour))[hour.hour]
        return [self._record(hour, n, part) for n, part in parts]

    def _deal_seconds(self, hour: datetime) -> list[Record]:
        rng = self._random(hour, "seconds")
        records = []
        for n, whole in self._hours(_midnight(hour))[hour.hour]:
            seconds = sorted(rng.choices(range(3600), k=min(whole.requests, 120)))
            parts = _deal(rng, whole, [1] * len(seconds))
            for second, part in zip(seconds, parts, strict=True):
                if part is not None:
                    records.append(self._record(hour + timedelta(seconds=second), n, part))
        return records

    def _record(self, at: datetime, n: int, part: _Part) -> Record:
        stream = self.streams[n]
        model = stream.model
        prompt, completion = part.fresh + part.cached, part.visible + part.reasoning
        # Linear in the tokens, and rounded per token, so that money adds up as exactly as tokens.
        price = (
            part.fresh * model.prompt_nano
            + part.cached * (model.prompt_nano // 10)
            + completion * model.completion_nano
        )
        # Reading from the cache costs a tenth; writing to it costs nothing extra here.
        saved = part.cached * (model.prompt_nano - model.prompt_nano // 10)
        fee = prompt * (model.prompt_nano // 20) + completion * (model.completion_nano // 20)
        return Record(
            at,
            stream.key,
            stream.member,
            model.slug,
            part.requests,
            part.requests if stream.byok else 0,
            prompt,
            completion,
            part.reasoning,
            fee if stream.byok else price,
            price if stream.byok else 0,
            part.cached,
            stream.app,
            saved,
        )

    def _random(self, at: datetime, what: str = "day") -> random.Random:
        return random.Random(f"{self._seed}/{self.today:%Y%m%d}/{what}/{at:%Y%m%d%H}")


def _part(stream: Stream, requests: int, size: float, age: float) -> _Part:
    prompt = int(requests * stream.prompt * size)
    completion = int(requests * stream.completion * size)
    since, later = stream.cached_since or (-math.inf, 0.0)
    cached = int(prompt * (later if age < since else stream.cached))
    reasoning = int(completion * stream.model.reasoning)
    return _Part(requests, prompt - cached, cached, completion - reasoning, reasoning)


def _deal(rng: random.Random, whole: _Part, weights: Sequence[int]) -> list[_Part | None]:
    requests = _share(whole.requests, weights)
    # Only times with requests get tokens; some requests are larger than others.
    sizes = [count * rng.randrange(50, 150) for count in requests]
    tokens = zip(
        _share(whole.fresh, sizes),
        _share(whole.cached, sizes),
        _share(whole.visible, sizes),
        _share(whole.reasoning, sizes),
        strict=True,
    )
    return [
        _Part(count, *part) if count else None for count, part in zip(requests, tokens, strict=True)
    ]


def _share(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` into integers by weight; they add up to it exactly."""
    running = list(accumulate(weights))
    ends = [total * upto // running[-1] for upto in running]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def _step(distance: float, width: float) -> float:
    """A smooth step from 0 (long before) to 1 (long after)."""
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, 4 * distance / width))))


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
