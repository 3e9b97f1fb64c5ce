"""The street to the log of who did what, for admins: into the answer, or as a file into the DM."""

from __future__ import annotations

import logging

from bot.access.policy import admins_only, is_admin
from bot.runtime.private_folder import private_folder
from bot.services import REFUSED, Services
from bot.slack.types import DeliveryError, SlackUser
from bot.store.admin.audit_log import READ_SECONDS, AuditFilter
from reports.admin.grammar import AuditRequest
from reports.admin.slack import audit_log as render
from reports.block_kit.message import Message, sentence
from reports.schedules.slack.cards import said
from reports.time.timerange import NotBegunError, ranges

log = logging.getLogger(__name__)


def show(services: Services, person: SlackUser, asked: AuditRequest) -> tuple[Message, str]:
    """What is said to somebody who wants the log, and how it ended."""
    if not is_admin(person, services.settings):
        return said(admins_only("see the audit log", person.id, services.settings)), REFUSED
    try:
        wanted = _wanted(services, asked)
    except NotBegunError as error:
        return sentence(f"{error}; there is nothing to show yet."), "misunderstood"
    services.audit.flush(READ_SECONDS)
    if asked.csv:
        return _file(services, person, wanted)
    entries = services.audit.last(render.MOST, wanted)
    count = services.audit.count(wanted)
    return render.message(entries, count, asked, services.settings.command), "answered"


def _wanted(services: Services, asked: AuditRequest) -> AuditFilter:
    if asked.period is None:
        return AuditFilter(asked.person or None)
    span = ranges(asked.period, services.clock(), services.settings.zone).current
    return AuditFilter(asked.person or None, span.start, span.end)


def _file(services: Services, person: SlackUser, wanted: AuditFilter) -> tuple[Message, str]:
    """The log as a file in somebody's direct messages."""
    name = render.file_name(services.clock())
    with private_folder() as folder:
        path = folder / "audit.csv"
        with path.open("wb") as out:
            count = render.write_csv(services.audit.all(wanted), out)
        try:
            channel = services.slack.dm(person.id)
            services.slack.upload(path, name, f"Who did what: {count:,} entries", channel)
        except DeliveryError as error:
            log.warning("The audit log could not be uploaded: %s", error)
            words = f"Slack did not take the file ({error.code}). Without `csv` the newest are said"
            return sentence(f"{words} here."), f"failed: {error.code}"
    return sentence(f"{name} ({count:,} entries) is in our direct messages."), "answered"
