"""The App Home as a view: usage, schedules, alerts, and for admins the status."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports.admin.slack import status
from reports.admin.status import Status
from reports.alerts.slack import cards as alert_cards
from reports.block_kit.elements import (
    Block,
    actions,
    button,
    context,
    divider,
    header,
    moment,
    section,
)
from reports.home.slack.metric_cards import metric_cards, tops
from reports.questions.slack.answer import NOTHING_YET
from reports.questions.slack.balance import credits_card
from reports.questions.summary import Summary
from reports.schedules.slack import cards as schedules
from reports.usage.balance import Balance
from reports.wording.safe_text import clean, escape

ASK, NEW_SCHEDULE, NEW_ALERT = "home_ask", "home_schedule", "home_alert"
MOST_SCHEDULES, MOST_ALERTS = 6, 6
MOST_NOTES = 4


@dataclass(frozen=True, slots=True)
class HomeUsage:
    """The past day and month, and the month by two dimensions (`tops`)."""

    day: Summary
    month: Summary
    tops: tuple[Summary, ...]

    @property
    def partial(self) -> tuple[str, ...]:
        """The notes on missing data of all of them, without repeats."""
        every = (self.day, self.month, *self.tops)
        return tuple(dict.fromkeys(words for one in every for words in one.partial))


@dataclass(frozen=True, slots=True)
class Home:
    """Everything that one person's Home shows at a moment (UTC).

    `usage` is a sentence (mrkdwn) where there is none to show; `scope` says whose usage it is.
    `status` is for admins only. `schedules` and `alerts` are the ones shown, with their total
    counts.
    """

    now: datetime
    command: str
    scope: str
    usage: HomeUsage | str
    as_of: datetime | None
    balance: Balance | None
    schedules: tuple[schedules.ScheduleCard, ...]
    schedule_count: int
    alerts: tuple[alert_cards.RuleCard, ...]
    alert_count: int
    status: Status | None = None


def view(home: Home) -> dict[str, Any]:
    """The Home view, within Slack's limit of 100 blocks for any organization."""
    blocks = [*_head(home), *_usage(home)]
    if home.balance:
        blocks.append(credits_card(home.balance))
    blocks += [divider(), *_schedules(home), divider(), *_alerts(home)]
    if home.status:
        shown = status.message(home.status, home.command)
        more = context(f"More: `{escape(home.command)} status`")
        blocks += [divider(), header("Status"), *shown.blocks, more]
    return {"type": "home", "blocks": blocks}


def sentence(words: str) -> dict[str, Any]:
    """A Home with a single paragraph; `words` are mrkdwn."""
    return {"type": "home", "blocks": [header("Activity"), section(words)]}


def _head(home: Home) -> list[Block]:
    asks = (
        button("Ask", ASK, style="primary"),
        button("New schedule", NEW_SCHEDULE),
        button("New alert", NEW_ALERT),
    )
    if home.as_of is None:
        dated = "No data yet; the first sync is still running."
    else:
        dated = f"Data as of {moment(home.as_of)}."
    return [header("Activity"), context(f"{home.scope} {dated}"), actions(*asks)]


def _usage(home: Home) -> list[Block]:
    if isinstance(home.usage, str):
        return [section(home.usage)]
    usage = home.usage
    if home.as_of is None and usage.month.empty:
        return [section(f":hourglass: {NOTHING_YET}")]
    blocks = metric_cards(usage.day, usage.month)
    if usage.month.empty:
        blocks.append(section("No usage in the past month."))
    elif usage.tops:
        blocks.append(tops(*usage.tops))
    notes = [f":warning: {escape(clean(words, 400))}" for words in usage.partial[:MOST_NOTES]]
    return [*blocks, *([context(*notes)] if notes else [])]


def _schedules(home: Home) -> list[Block]:
    none = "None yet. A schedule posts an answer every day, week or month."
    cards = [schedules.card_blocks(card) for card in home.schedules]
    return _listed(home, "schedules", cards, home.schedule_count, none)


def _alerts(home: Home) -> list[Block]:
    none = (
        "None yet. An alert messages you when spend passes a limit or spikes, or a new key appears."
    )
    cards = [alert_cards.card_blocks(card) for card in home.alerts]
    return _listed(home, "alerts", cards, home.alert_count, none)


def _listed(home: Home, name: str, cards: list[list[Block]], count: int, none: str) -> list[Block]:
    """A list with its heading; `name` is both the heading's word and the command for all of it."""
    blocks = [header(_counted(f"My {name}", count))]
    if not cards:
        return [*blocks, section(none)]
    more = count - len(cards)
    rest = [context(f"{more} more: `{escape(home.command)} {name}`")] if more > 0 else []
    return [*blocks, *(block for card in cards for block in card), *rest]


def _counted(title: str, count: int) -> str:
    return f"{title} ({count})" if count else title
