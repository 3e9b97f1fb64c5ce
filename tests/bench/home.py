"""The Home of the large organization: from the event that it was opened to its publication."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from reports.home.slack.home import ASK, NEW_ALERT, NEW_SCHEDULE
from tests.bench.organizations import LARGE, Organization, database
from tests.bench.questions import percentile
from tests.bench.serving import HOLD, PERSON, Served, serving
from tests.bench.table import Figure, at_most

LIMIT = 300  # ms
_TIMES = 40
_FEW = 10
_WARM_UP = 3


def run() -> Iterator[Figure]:
    """What is promised of the Home: p95, and the very first after a start, which asks Slack too."""
    yield from home_times(LARGE)


def home_times(organization: Organization) -> Iterator[Figure]:
    """How long a person waits for their Home."""
    with serving(database(organization)) as served:
        first = _opened(served)
        yield at_most(f"Home, {organization.name}: the first after a start", first, "ms", LIMIT)
        for _ in range(_WARM_UP):
            _opened(served)
        times = [_opened(served) for _ in range(_TIMES)]
        yield at_most(f"Home, {organization.name}: p95", percentile(times, 95), "ms", LIMIT)
        for button in (ASK, NEW_SCHEDULE, NEW_ALERT):
            times = [_pressed(served, button) for _ in range(_TIMES)]
            name = f"modal, {organization.name}: p95 ({button})"
            yield at_most(name, percentile(times, 95), "ms", LIMIT)
        times = [_looked(served) for _ in range(_FEW)]
        name = f"alert by key looked ahead, {organization.name}: p95"
        yield at_most(name, percentile(times, 95), "ms", LIMIT)


def _pressed(served: Served, button: str) -> float:
    """Milliseconds from a signed click in the Home to the modal that it opens."""
    before = {view["id"] for view in served.slack.views(PERSON)}
    begun = perf_counter()
    served.bot_client.click_in_view(PERSON, button, forge=HOLD)
    served.slack.wait_for(lambda: {view["id"] for view in served.slack.views(PERSON)} - before)
    return (perf_counter() - begun) * 1_000


def _looked(served: Served) -> float:
    """Milliseconds from a choice in the form of alerts to the form that says how things stand."""
    [view] = served.slack.views(PERSON)
    begun = perf_counter()
    served.bot_client.click_in_view(PERSON, "form_by", "key", view_id=view["id"], forge=HOLD)
    served.slack.wait_for(lambda: served.slack.views(PERSON)[0]["hash"] != view["hash"], timeout=60)
    return (perf_counter() - begun) * 1_000


def _opened(served: Served) -> float:
    """Milliseconds from the signed event to the published view, as Slack sees both."""
    slack = served.slack
    before = _published(served)
    begun = perf_counter()
    ack = served.bot_client.home_opened(PERSON, forge=HOLD)
    if not ack.ok:
        raise RuntimeError(f"the Home: {ack.status} {ack.body}")
    slack.wait_for(lambda: _published(served) > before, timeout=60)
    taken = (perf_counter() - begun) * 1_000
    view = slack.home(PERSON)
    if view is None or len(view["blocks"]) < 10:
        raise RuntimeError(f"the Home: {view}")
    return taken


def _published(served: Served) -> int:
    return sum(call.method == "views.publish" for call in served.slack.calls)
