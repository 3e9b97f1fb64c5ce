"""The status of the bot: short for everyone, detailed for admins."""

from __future__ import annotations

from bot import __version__
from bot.access.policy import admins, is_admin
from bot.config import Guests, Settings, Visibility
from bot.services import Services
from bot.slack.types import SlackUser
from bot.store.admin.audit_log import READ_SECONDS
from bot.store.admin.status import DeliveredAlert
from bot.store.schedules.schedules import StoredSchedule
from bot.store.sync_state import failure, first_sync, sentences
from reports.admin.slack import status as render
from reports.admin.status import (
    AdminDetails,
    Freshness,
    SentMessage,
    Status,
    Trouble,
    UpcomingReport,
)
from reports.alerts.slack.sentences import in_words
from reports.block_kit.message import Message
from reports.schedules.slack.notices import target_words
from reports.time.time_range import Granularity
from reports.usage.coverage import gaps

MOST = 5  # reports and alerts in each list, to keep the status short


def show(services: Services, person: SlackUser) -> Message:
    """The status message for a person."""
    whole = is_admin(person, services.settings)
    return render.message(status(services, whole=whole), services.settings.command)


def status(services: Services, *, whole: bool) -> Status:
    """The current status; `whole` adds the details for admins."""
    unsaved = services.status_reader.trouble()
    if whole:
        services.audit.flush(READ_SECONDS)  # a write, which must finish before the snapshot starts
    with services.store.snapshot():
        return Status(
            now=services.clock(),
            version=__version__,
            data=_data(services),
            trouble=_trouble(services),
            unavailable=tuple(sentences(services.store)),
            first_sync=first_sync(services.store),
            details=_inside(services) if whole else None,
            unsaved=unsaved,
        )


def _data(services: Services) -> tuple[Freshness, ...]:
    state = services.store.state()
    found = []
    for granularity in (Granularity.MINUTE, Granularity.HOUR, Granularity.DAY):
        coverage = state.coverage.get(granularity, ())
        since = coverage[0][0] if coverage else None
        whole = not coverage or not gaps((coverage[0][0], coverage[-1][1]), coverage)
        found.append(Freshness(granularity, state.synced.get(granularity), since, whole))
    return tuple(found)


def _trouble(services: Services) -> Trouble | None:
    failed = failure(services.store)
    return Trouble(failed.at, failed.words) if failed else None


def _inside(services: Services) -> AdminDetails:
    counts = services.status_reader.counts()
    return AdminDetails(
        upcoming=tuple(
            UpcomingReport(one.draft.question, _where(one), one.next.at)
            for one in services.status_reader.next_reports(MOST)
        ),
        delivered=tuple(
            SentMessage(one.entry.draft.question, _where(one.entry), one.at, one.state, one.error)
            for one in services.status_reader.last_reports(MOST)
        ),
        alerted=tuple(
            SentMessage(_alert(one), _recipient(one.recipient), one.at, one.state, one.error)
            for one in services.status_reader.last_alerts(MOST)
        ),
        schedules=counts.schedules,
        paused=counts.paused,
        alerts=counts.alerts,
        database=services.status_reader.size(),
        entries=services.audit.count(),
        rules=_rules(services.settings),
    )


def _where(entry: StoredSchedule) -> str:
    return target_words(entry.draft.target, entry.draft.channel, entry.draft.owner)


def _alert(one: DeliveredAlert) -> str:
    more = f", and {one.more} more" if one.more else ""
    return f"alert {in_words(one.words)}{more}"


def _recipient(id_: str) -> str:
    return f"in <#{id_}>" if id_[:1] in {"C", "G"} else f"to <@{id_}>"


def _rules(settings: Settings) -> tuple[str, ...]:
    """The access settings, in mrkdwn."""
    own = settings.visibility is Visibility.OWN
    seen = "admins see all usage, everyone else their own" if own else "everyone sees all usage"
    allowed = settings.guests is Guests.ALLOW
    guests = "guests may ask" if allowed else "guests may not ask"
    return (f"{seen}; {guests}", f"admins: {admins(settings) or 'none are named'}")
