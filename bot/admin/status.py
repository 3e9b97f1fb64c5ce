"""The street to how the bot is: short for everybody, whole for admins."""

from __future__ import annotations

from bot import __version__
from bot.access.policy import admins, is_admin
from bot.alerts.recipients import in_words
from bot.config import Guests, Settings, Visibility
from bot.services import Asking
from bot.slack.client import Person
from bot.store.admin.audit_log import READ_SECONDS
from bot.store.admin.status import Heard
from bot.store.schedules.schedules import Entry
from bot.store.sync_state import failure, first_sync, sentences
from reports.admin.slack import status as render
from reports.admin.status import Coming, Delivery, Freshness, Inside, Status, Trouble
from reports.questions.slack.answer import Message
from reports.schedules.slack.notices import place_words
from reports.time.timerange import Granularity
from reports.usage.coverage import gaps

MOST = 5


def show(asking: Asking, person: Person) -> Message:
    """What is said to somebody who wants to know how the bot is."""
    whole = is_admin(person, asking.settings)
    return render.message(status(asking, whole=whole), asking.settings.command)


def status(asking: Asking, *, whole: bool) -> Status:
    """How the bot is now."""
    unsaved = asking.overview.trouble()
    if whole:
        asking.audit.flush(READ_SECONDS)  # a write: it must be over before the snapshot begins
    with asking.store.snapshot():
        return Status(
            now=asking.clock(),
            version=__version__,
            data=_data(asking),
            trouble=_trouble(asking),
            unavailable=tuple(sentences(asking.store)),
            first_sync=first_sync(asking.store),
            inside=_inside(asking) if whole else None,
            unsaved=unsaved,
        )


def _data(asking: Asking) -> tuple[Freshness, ...]:
    state = asking.store.state()
    found = []
    for granularity in (Granularity.MINUTE, Granularity.HOUR, Granularity.DAY):
        held = state.held.get(granularity, ())
        since = held[0][0] if held else None
        whole = not held or not gaps((held[0][0], held[-1][1]), held)
        found.append(Freshness(granularity, state.synced.get(granularity), since, whole))
    return tuple(found)


def _trouble(asking: Asking) -> Trouble | None:
    failed = failure(asking.store)
    return Trouble(failed.at, failed.words) if failed else None


def _inside(asking: Asking) -> Inside:
    counts = asking.overview.counts()
    return Inside(
        coming=tuple(
            Coming(one.draft.question, _where(one), one.next.at)
            for one in asking.overview.coming(MOST)
        ),
        delivered=tuple(
            Delivery(one.entry.draft.question, _where(one.entry), one.at, one.state, one.error)
            for one in asking.overview.ended(MOST)
        ),
        alerted=tuple(
            Delivery(_alert(one), _place(one.place), one.at, one.state, one.error)
            for one in asking.overview.heard(MOST)
        ),
        schedules=counts.schedules,
        resting=counts.resting,
        alerts=counts.alerts,
        database=asking.overview.size(),
        entries=asking.audit.count(),
        rules=_rules(asking.settings),
    )


def _where(entry: Entry) -> str:
    return place_words(entry.draft.target, entry.draft.channel, entry.draft.maker)


def _alert(one: Heard) -> str:
    more = f", and {one.more} more" if one.more else ""
    return f"alert {in_words(one.words)}{more}"


def _place(id_: str) -> str:
    return f"in <#{id_}>" if id_[:1] in {"C", "G"} else f"to <@{id_}>"


def _rules(settings: Settings) -> tuple[str, ...]:
    """Who may see what, in mrkdwn."""
    own = settings.visibility is Visibility.OWN
    seen = "admins see all usage, everybody else their own" if own else "everybody sees all usage"
    allowed = settings.guests is Guests.ALLOW
    guests = "guests may ask" if allowed else "guests may not ask"
    return (f"{seen}; {guests}", f"admins: {admins(settings) or 'none are named'}")
