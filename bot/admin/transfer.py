"""Exports all schedules and alert rules to a JSON file, and restores them from it.

Deliveries aren't part of it. A restored schedule keeps its id and continues with its next run, so
nothing is sent again. Existing items, including deleted ones, aren't changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from bot import __version__
from bot.store.alerts.rules import AlertRules, NewRule, StoredRule
from bot.store.schedules.schedules import NewSchedule, Schedules, StoredSchedule
from reports.alerts.grammar import rule_of
from reports.commands import parse_command
from reports.questions.grammar import QuestionCommand
from reports.schedules.recurrence import Recurrence, TargetKind
from reports.schedules.recurrence import rule_of as recurrence_of
from reports.time.time_range import zone_names

Json = dict[str, Any]
FORMAT = 1
"""Increase when earlier files can no longer be read."""
LARGEST_FILE = 64 * 2**20
"""In bytes: enough for some hundred thousand schedules, and still small enough to read at once."""

_NO_EXPORT = "This file is incomplete, or wasn't written by `activity export`."


class NotAnExportError(ValueError):
    """The file isn't an export, or is one from a newer version; the text says which."""


@dataclass(slots=True)
class Restored:
    """The result of a restore: how many of each were added, how many already existed, and problems.

    `left_out` has a sentence for each item that can't be read.
    """

    schedules: int = 0
    alerts: int = 0
    known: int = 0
    left_out: list[str] = field(default_factory=list)


def export(schedules: Schedules, rules: AlertRules, at: datetime) -> str:
    """All schedules and alert rules that this version can read, as JSON; `at` is in UTC."""
    whole = {
        "activity": {"format": FORMAT, "version": __version__, "exported": at.isoformat()},
        "schedules": [_schedule_json(one) for one in schedules.of(None)],
        "alerts": [_alert_json(one) for one in rules.of(None)],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def restore(text: str, schedules: Schedules, rules: AlertRules) -> Restored:
    """Add the items of an export that the database doesn't have. Raises NotAnExportError.

    An item that can't be read is left out, and the others are added.
    """
    whole, found = _read(text), Restored()
    for item in _items(whole, "schedules"):
        _add(found, "schedule", item, lambda one: _add_schedule(one, schedules, found))
    for item in _items(whole, "alerts"):
        _add(found, "alert", item, lambda one: _add_alert(one, rules, found))
    return found


def _schedule_json(one: StoredSchedule) -> Json:
    draft = one.draft
    return {
        "id": one.id,
        "owner": draft.owner,
        "email": draft.email,
        "question": draft.question,
        "repeats": str(draft.schedule.rule),
        "time": f"{draft.schedule.at:%H:%M}",
        "zone": draft.schedule.zone,
        "to": str(draft.target),
        "channel": draft.channel,
        "name": draft.name,
        "members": json.loads(draft.members),
        "paused": one.paused,
    }


def _alert_json(one: StoredRule) -> Json:
    return {
        "id": one.id,
        "owner": one.draft.owner,
        "email": one.draft.email,
        "alert": one.draft.words,
        "members": json.loads(one.draft.members),
        "paused": one.paused,
    }


def _read(text: str) -> Mapping[str, Any]:
    try:
        whole = json.loads(text)
        number = whole["activity"]["format"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise NotAnExportError(_NO_EXPORT) from None
    if type(number) is not int or number < FORMAT:
        raise NotAnExportError(_NO_EXPORT)
    if number > FORMAT:
        raise NotAnExportError(
            "A newer version of Activity wrote this file. Update Activity first."
        )
    return dict(whole)


def _items(whole: Mapping[str, Any], name: str) -> Iterable[object]:
    found = whole.get(name, [])
    return found if isinstance(found, list) else [found]


def _add(found: Restored, kind: str, item: object, add: Callable[[Json], None]) -> None:
    try:
        if not isinstance(item, dict):
            raise TypeError(item)
        add(item)
    except (KeyError, TypeError, ValueError, ZoneInfoNotFoundError):
        id_ = str(item.get("id", "?"))[:40] if isinstance(item, dict) else "?"
        found.left_out.append(f"The {kind} {id_!a} can't be read and is left out.")


def _add_schedule(item: Json, schedules: Schedules, found: Restored) -> None:
    question = _text(item, "question")
    if not isinstance(parse_command(question), QuestionCommand):
        raise ValueError(question)
    zone = _text(item, "zone")
    if zone not in zone_names().values():
        raise ValueError(zone)
    when = Recurrence(recurrence_of(_text(item, "repeats")), _time(item), zone)
    draft = NewSchedule(
        _text(item, "owner"), _text(item, "email"), question, when, TargetKind(_text(item, "to")),
        _text(item, "channel"), _text(item, "name"), _members(item, list),
    )  # fmt: skip
    paused = _paused(item)
    mine = schedules.of(draft.owner)
    if schedules.exists(_text(item, "id")) or any(
        one.draft.content == draft.content for one in mine
    ):
        found.known += 1
        return
    added = schedules.add(draft, item["id"])
    if paused is not None:
        schedules.pause(added.id, paused)
    found.schedules += 1


def _add_alert(item: Json, rules: AlertRules, found: Restored) -> None:
    words = _text(item, "alert")
    rule_of(words)
    draft = NewRule(_text(item, "owner"), _text(item, "email"), words, _members(item, dict))
    paused, mine = _paused(item), rules.of(draft.owner)
    if rules.exists(_text(item, "id")) or any(one.draft.words == words for one in mine):
        found.known += 1
        return
    rules.add(draft, item["id"])
    if paused is not None:
        rules.pause(item["id"], paused)
    found.alerts += 1


def _text(item: Json, name: str) -> str:
    value = item[name]
    if not isinstance(value, str) or len(value) > 2_000 or (name in {"id", "owner"} and not value):
        raise TypeError(name)
    value.encode()  # a lone surrogate can't be stored
    return value


def _members(item: Json, kind: type) -> str:
    if not isinstance(item["members"], kind):
        raise TypeError("members")
    return json.dumps(item["members"])


def _time(item: Json) -> time:
    return time.fromisoformat(_text(item, "time"))


def _paused(item: Json) -> str | None:
    return None if item["paused"] is None else _text(item, "paused")
