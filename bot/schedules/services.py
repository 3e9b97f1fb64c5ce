"""The services that scheduled reports use."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from bot.services import Services
from bot.slack.posting import Posting
from bot.store.schedules.notices import Notices
from bot.store.schedules.opt_outs import OptOuts
from bot.store.schedules.runs import ReportRuns
from bot.store.schedules.schedules import Schedules


@dataclass(frozen=True, slots=True)
class ReportServices:
    """Stores and services of scheduled reports; created once, in the composition root.

    `owner` identifies this process in leases.
    """

    services: Services
    schedules: Schedules
    runs: ReportRuns
    notices: Notices
    posting: Posting
    owner: str
    stopping: threading.Event
    opt_outs: OptOuts
