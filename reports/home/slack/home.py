"""The view of App Home: usage, schedules, alerts, and for admins the status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports.admin.slack import status
from reports.admin.status import Status
from reports.alerts.slack import cards as alert_cards
from reports.analysis.balance import Balance
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
from reports.wording.safe_text import clean, escape

ASK, NEW_SCHEDULE, NEW_ALERT = "home_ask", "home_schedule", "home_alert"
# App Home has at most 100 blocks, and each card takes two or three
MOST_SCHEDULES, MOST_ALERTS = 6, 6
MOST_NOTES = 4  # a short context block


@dataclass(frozen=True, slots=True)
class HomeUsage:
    """The summaries of the past day and month, and of the month by two dimensions (`tops`)."""

    day: Summary
    month: Summary
    tops: tuple[Summary, ...]

    @property
    def partial(self) -> tuple[str, ...]:
        """Phrases about missing data in any of the summaries, without duplicates."""
        every = (self.day, self.month, *self.tops)
        return tuple(dict.fromkeys(words for one in every for words in one.partial))


def view(sections: Sequence[Sequence[Block]]) -> dict[str, Any]:
    """The view of App Home, always within Slack's limit of 100 blocks.

    Sections are built separately with the functions below, so that a failing one can be replaced by
    `unavailable`.
    """
    blocks = [block for blocks in sections for block in blocks]
    return {"type": "home", "blocks": blocks}


def unavailable(what: str) -> list[Block]:
    """The replacement for a section that failed; `what` is its content in plain words."""
    return [section(f":warning: I couldn't load {what}. Open this tab again in a minute.")]


def single_paragraph(words: str) -> dict[str, Any]:
    """A view with a single paragraph of mrkdwn."""
    return {"type": "home", "blocks": [header("Activity"), section(words)]}


def head(scope: str, as_of: datetime | None) -> list[Block]:
    """The title, the buttons, whose usage is shown (`scope`, mrkdwn), and the last sync (UTC)."""
    asks = (
        button("Ask", ASK, style="primary"),
        button("New schedule", NEW_SCHEDULE),
        button("New alert", NEW_ALERT),
    )
    if as_of is None:
        dated = "No data yet; the first sync is still running."
    else:
        dated = f"Data as of {moment(as_of)}."
    return [header("Activity"), context(f"{scope} {dated}"), actions(*asks)]


def usage_section(usage: HomeUsage | str, as_of: datetime | None) -> list[Block]:
    """A card per metric and the top groups; `usage` is a sentence (mrkdwn) if there is none."""
    if isinstance(usage, str):
        return [section(usage)]
    if as_of is None and usage.month.empty:
        return [section(f":hourglass: {NOTHING_YET}")]
    blocks = metric_cards(usage.day, usage.month)
    if usage.month.empty:
        blocks.append(section("No usage in the past month."))
    elif usage.tops:
        blocks.append(tops(*usage.tops))
    notes = [f":warning: {escape(clean(words, 400))}" for words in usage.partial[:MOST_NOTES]]
    return [*blocks, *([context(*notes)] if notes else [])]


def balance_section(balance: Balance | None, zone: str) -> list[Block]:
    """The credits, in the reader's zone; nothing if the balance is unknown."""
    return [credits_card(balance, zone)] if balance else []


def schedules_section(
    shown: Sequence[schedules.ScheduleCard], count: int, command: str
) -> list[Block]:
    """A person's schedules with their buttons; `count` is their total number."""
    none = "None yet. A schedule posts an answer every day, week or month."
    cards = [schedules.card_blocks(card) for card in shown]
    return _listed("schedules", cards, count, none, command)


def alerts_section(shown: Sequence[alert_cards.RuleCard], count: int, command: str) -> list[Block]:
    """A person's alerts with their buttons; `count` is their total number."""
    none = (
        "None yet. An alert messages you when spend passes a limit or spikes, or a new key appears."
    )
    cards = [alert_cards.card_blocks(card) for card in shown]
    return _listed("alerts", cards, count, none, command)


def status_section(current: Status, command: str) -> list[Block]:
    """The bot's status, which is for admins."""
    more = context(f"More: `{escape(command)} status`")
    return [divider(), header("Status"), *status.message(current, command).blocks, more]


def _listed(
    name: str, cards: list[list[Block]], count: int, empty_text: str, command: str
) -> list[Block]:
    """A list with a heading; `name` is also the command that lists everything."""
    blocks = [divider(), header(_counted(f"My {name}", count))]
    if not cards:
        return [*blocks, section(empty_text)]
    more = count - len(cards)
    more_note = [context(f"{more} more: `{escape(command)} {name}`")] if more > 0 else []
    return [*blocks, *(block for card in cards for block in card), *more_note]


def _counted(title: str, count: int) -> str:
    return f"{title} ({count})" if count else title
