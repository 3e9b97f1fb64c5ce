"""Short leases, so that what a killed process began is taken over within seconds."""

from datetime import timedelta

from bot.store.schedules.runs import Timing

SLACK_SECONDS = 1
LONGEST_DELAY = 1.4
SHORT_LEASES = Timing(
    lease=timedelta(seconds=2.5),
    settle=timedelta(seconds=1),
    pace=timedelta(0),
    retry_delay=timedelta(seconds=0.3),
)
