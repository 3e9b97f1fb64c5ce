"""The audit log, for admins: as a message, or as a CSV file in a DM."""

from __future__ import annotations

import logging

from bot.access.policy import admins_only, is_admin
from bot.runtime.private_folder import private_folder
from bot.services import Outcome, OutcomeKind, Services
from bot.slack.types import DeliveryError, SlackUser
from bot.store.admin.audit_log import READ_SECONDS, AuditFilter
from reports.admin.grammar import AuditRequest
from reports.admin.slack import audit_log as render
from reports.block_kit.message import mrkdwn_message, text_message
from reports.time.period_to_range import NotStartedError, ranges

log = logging.getLogger(__name__)


def show(services: Services, person: SlackUser, asked: AuditRequest) -> Outcome:
    """Show the newest audit entries, or send all of them as a CSV file in a DM; admins only."""
    if not is_admin(person, services.settings):
        refused = admins_only("see the audit log", person.id, services.settings)
        return Outcome(mrkdwn_message(refused), OutcomeKind.REFUSED)
    try:
        wanted = _wanted(services, asked)
    except NotStartedError as error:
        text = f"{error}, so there is nothing to show yet."
        return Outcome(text_message(text), OutcomeKind.MISUNDERSTOOD)
    services.audit.flush(READ_SECONDS)
    if asked.csv:
        return _file(services, person, wanted)
    entries = services.audit.last(render.MOST, wanted)
    count = services.audit.count(wanted)
    message = render.message(entries, count, asked, services.settings.command)
    return Outcome(message, OutcomeKind.ANSWERED)


def _wanted(services: Services, asked: AuditRequest) -> AuditFilter:
    if asked.period is None:
        return AuditFilter(asked.person or None)
    span = ranges(asked.period, services.clock(), services.settings.zone).current
    return AuditFilter(asked.person or None, span.start, span.end)


def _file(services: Services, person: SlackUser, wanted: AuditFilter) -> Outcome:
    """Upload the entries as a CSV file to a person's DM."""
    name = render.file_name(services.clock())
    with private_folder() as folder:
        path = folder / "audit.csv"
        with path.open("wb") as out:
            count = render.write_csv(services.audit.all(wanted), out)
        try:
            channel = services.slack.dm(person.id)
            services.slack.upload(path, name, f"Audit log: {count:,} entries", channel)
        except DeliveryError as error:
            log.warning("Could not upload the audit log: %s", error)
            text = (
                f"Slack didn't accept the file ({error.code}). Leave out `csv` to see the newest"
                " entries here."
            )
            return Outcome(text_message(text), OutcomeKind.FAILED, error.code)
    return Outcome(
        text_message(f"I sent {name} ({count:,} entries) to your DM."), OutcomeKind.ANSWERED
    )
