"""A worker of reports as the bot starts it, whose clock a test may step: see `test_clock.py`."""

import sys

from bot.app import utc_now
from bot.runtime import ticker as scheduler

from ..databases import address
from .report_worker import made


def main() -> None:
    database, api_url, token = address(sys.argv[1]), sys.argv[2], sys.argv[3]
    reporting = made(database, api_url, token, patient=True)
    running = scheduler.start({"reports": (1, reporting.tick)}, utc_now)
    sys.stdin.read()
    running.shutdown()


if __name__ == "__main__":
    main()
