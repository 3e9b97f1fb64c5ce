"""The bot's Home as a view: what was used, what is set up, and how the data is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports.render import alert_cards, schedules, status
from reports.render.blocks import NOTHING_YET
from reports.render.cards import Balance, credits_card, metric_cards, tops
from reports.render.parts import (
    Block,
    actions,
    button,
    context,
    divider,
    header,
    moment,
    section,
)
from reports.status import Status
from reports.summary import Summary
from reports.text import clean, escape

ASK, NEW_SCHEDULE, NEW_ALERT = "home_ask", "home_schedule", "home_alert"
MOST_SCHEDULES, MOST_ALERTS = 6, 6
MOST_NOTES = 4


@dataclass(frozen=True, slots=True)
class Usage:
    """The past day and month, and the month's groups to name (two of them)."""

    day: Summary
    month: Summary
    tops: tuple[Summary, ...]

    @property
    def partial(self) -> tuple[str, ...]:
        """What is missing in any of them, each once."""
        every = (self.day, self.month, *self.tops)
        return tuple(dict.fromkeys(words for one in every for words in one.partial))


@dataclass(frozen=True, slots=True)
class Home:
    """Everything that one person's Home shows at a moment (UTC).

    `usage` is the sentence (in mrkdwn) that says why there is none, where there is none; `scope`
    says whose it is. `status` is for admins alone. Of schedules and alerts those that are shown,
    and how many there are.
    """

    now: datetime
    command: str
    scope: str
    usage: Usage | str
    as_of: datetime | None
    balance: Balance | None
    schedules: tuple[schedules.Card, ...]
    schedule_count: int
    alerts: tuple[alert_cards.Card, ...]
    alert_count: int
    status: Status | None = None


def view(home: Home) -> dict[str, Any]:
    """The Home as Slack takes it, for any organisation within 100 blocks."""
    blocks = [*_head(home), *_usage(home)]
    if home.balance:
        blocks.append(credits_card(home.balance))
    blocks += [divider(), *_schedules(home), divider(), *_alerts(home)]
    if home.status:
        told = status.message(home.status, home.command)
        more = context(f"More: `{escape(home.command)} status`")
        blocks += [divider(), header("How the bot is"), *told.blocks, more]
    return {"type": "home", "blocks": blocks}


def sentence(words: str) -> dict[str, Any]:
    """A Home that says one thing; `words` are mrkdwn of ours."""
    return {"type": "home", "blocks": [header("Activity"), section(words)]}


def _head(home: Home) -> list[Block]:
    asks = (
        button("Ask", ASK, style="primary"),
        button("New schedule", NEW_SCHEDULE),
        button("New alert", NEW_ALERT),
    )
    if home.as_of is None:
        dated = "Nothing has been synced yet."
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
        blocks.append(section("Nothing was used in the past month."))
    elif usage.tops:
        blocks.append(tops(*usage.tops))
    notes = [f":warning: {escape(clean(words, 400))}" for words in usage.partial[:MOST_NOTES]]
    return [*blocks, *([context(*notes)] if notes else [])]


def _schedules(home: Home) -> list[Block]:
    none = "None yet. A schedule posts the answer to a question every day, week or month."
    cards = [schedules.card_blocks(card) for card in home.schedules]
    return _listed(home, "schedules", cards, home.schedule_count, none)


def _alerts(home: Home) -> list[Block]:
    none = "None yet. An alert tells you when spend passes a line, spikes, or a key is new."
    cards = [alert_cards.card_blocks(card) for card in home.alerts]
    return _listed(home, "alerts", cards, home.alert_count, none)


def _listed(home: Home, name: str, cards: list[list[Block]], count: int, none: str) -> list[Block]:
    """What somebody has set up, as much of it as is shown; `name` is also the word for all."""
    blocks = [header(_counted(f"My {name}", count))]
    if not cards:
        return [*blocks, section(none)]
    more = count - len(cards)
    rest = [context(f"{more} more: `{escape(home.command)} {name}`")] if more > 0 else []
    return [*blocks, *(block for card in cards for block in card), *rest]


def _counted(title: str, count: int) -> str:
    return f"{title} ({count})" if count else title
