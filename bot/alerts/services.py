"""The services that setting up, evaluating and delivering alerts need."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from bot.services import Services
from bot.slack.posting import Posting
from bot.store.alerts.events import AlertEvents
from bot.store.alerts.messages import AlertMessages
from bot.store.alerts.quiet_hours import StoredQuietHours
from bot.store.alerts.rules import AlertRules
from bot.store.alerts.silences import AlertSilences
from bot.store.alerts.states import AlertStates
from bot.store.alerts.usage_sums import AlertUsage
from bot.store.schedules.notices import Notices
from bot.store.schedules.runs import ReportRuns


@dataclass(frozen=True, slots=True)
class AlertServices:
    """Services shared by all parts of the feature; created once, in the composition root.

    `process` identifies this process in leases. `stopping` is set when the process has to end.
    """

    services: Services
    rules: AlertRules
    states: AlertStates
    silences: AlertSilences
    events: AlertEvents
    messages: AlertMessages
    quiet_hours: StoredQuietHours
    usage: AlertUsage
    runs: ReportRuns
    notices: Notices
    posting: Posting
    process: str
    stopping: threading.Event
