"""The bot's status as a Slack message: short for everyone, detailed for admins."""

from __future__ import annotations

from datetime import datetime, timedelta

from reports.admin.status import AdminDetails, Freshness, SentMessage, Status, UpcomingReport
from reports.block_kit.elements import LONGEST_SECTION, fitting, moment, section
from reports.block_kit.message import Message
from reports.wording.delivery_problems import STATES, reason
from reports.wording.safe_text import clean, escape

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_KIB = 1024


def message(status: Status, command: str = "/activity") -> Message:
    """The status as a message; `command` is the slash command's name."""
    sections = [
        _head(status),
        *([] if status.details is None else _inside(status.details, command)),
    ]
    shown = tuple(section(text) for text in sections)
    return Message("\n\n".join(sections)[:3_900], shown)


def age(passed: timedelta) -> str:
    """An age in one unit: `40 s`, `5 min`, `3 h`, `2 days`."""
    if passed < 2 * _MINUTE:
        return f"{max(int(passed.total_seconds()), 0)} s"
    if passed < 2 * _HOUR:
        return f"{passed // _MINUTE} min"
    return f"{passed // _HOUR} h" if passed < 2 * _DAY else f"{passed // _DAY} days"


def size(count: int) -> str:
    """A number of bytes as text: `12.4 MB`."""
    if count < _KIB**2:
        return f"{max(round(count / _KIB), 1)} KB"
    unit, name = (_KIB**3, "GB") if count >= _KIB**3 else (_KIB**2, "MB")
    return f"{count / unit:.1f} {name}"


def _head(status: Status) -> str:
    if status.unsaved:
        how = f":warning: {escape(status.unsaved)}"
    elif status.first_sync:
        how = f":hourglass: The first sync is running: {escape(status.first_sync)}."
    elif status.well and status.trouble:
        how = ":warning: The data is recent, but the last sync failed."
    elif status.well:
        how = ":white_check_mark: The data is up to date."
    elif all(one.as_of is None for one in status.data):
        how = ":hourglass: Nothing has been synced yet. The first sync hasn't finished."
    else:
        how = ":warning: Some data is out of date."
    lines = [f"*Activity {escape(status.version)}*", how]
    lines += [_fresh(one, status.now) for one in status.data]
    if status.trouble:
        failed = f"{age(status.now - status.trouble.at)} ago ({moment(status.trouble.at)})"
        words = escape(clean(status.trouble.words, 400))
        lines.append(f"The last sync failed {failed}: {words}")
    elif not status.unsaved:
        lines.append("The last sync succeeded.")
    lines += [f":warning: {escape(clean(words, 500))}" for words in status.unavailable]
    return "\n".join(lines)


def _fresh(one: Freshness, now: datetime) -> str:
    name = f"{one.granularity}s"
    if one.as_of is None:
        return f"• {name}: not synced yet"
    late = " :warning:" if one.late(now) else ""
    since = f"; data since {moment(one.since)}" if one.since else ""
    gaps = "" if one.whole else ", with gaps"
    return f"• {name}: updated {age(now - one.as_of)} ago{late}{since}{gaps}"


def _inside(inside: AdminDetails, command: str) -> list[str]:
    coming = [_coming(one) for one in inside.upcoming]
    delivered = [_delivery(one) for one in inside.delivered]
    alerted = [_delivery(one) for one in inside.alerted]
    paused = f" ({inside.paused} paused)" if inside.paused else ""
    entries = (
        f"{_many(inside.entries, 'entry', 'entries')} in the audit log (`{escape(command)} audit`)"
    )
    running = [
        f"• {_many(inside.schedules, 'schedule')}{paused}, {_many(inside.alerts, 'alert')}",
        f"• database {size(inside.database)}, {entries}",
        *(f"• {rule}" for rule in inside.rules),
    ]
    return [
        _listed("*Next reports*", *(coming or ["None scheduled."])),
        _listed("*Last reports*", *(delivered or ["None sent yet."])),
        _listed("*Last alerts*", *(alerted or ["None sent yet."])),
        _listed("*System*", *running),
    ]


def _listed(*lines: str) -> str:
    return "\n".join(fitting(lines, LONGEST_SECTION))


def _coming(one: UpcomingReport) -> str:
    return f"• {moment(one.at)}: {escape(clean(one.title, 160))}, {one.where}"


def _delivery(one: SentMessage) -> str:
    state = STATES.get(one.state, escape(one.state))
    error = f" ({escape(clean(reason(one.error), 80))})" if one.error else ""
    return f"• {moment(one.at)}: {escape(clean(one.title, 160))}, {one.where}: {state}{error}"


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count:,} {one if count == 1 else more or one + 's'}"
