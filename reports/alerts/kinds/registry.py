"""The kinds of alerts, in the order in which the form offers them."""

from __future__ import annotations

from reports.alerts.kinds.above import Above
from reports.alerts.kinds.budget import Budget
from reports.alerts.kinds.cache import Cache
from reports.alerts.kinds.credits import Credits
from reports.alerts.kinds.forecast import Forecast
from reports.alerts.kinds.new import New
from reports.alerts.kinds.orphaned import Orphaned
from reports.alerts.kinds.retiring import Retiring
from reports.alerts.kinds.spike import Spike
from reports.alerts.kinds.stale import Stale
from reports.alerts.kinds.unused import Unused
from reports.alerts.watch import Watch

KINDS: tuple[type[Watch], ...] = (
    Above, Spike, Budget, Credits, Forecast, New, Unused, Orphaned, Cache, Retiring, Stale,
)  # fmt: skip
BY_KEY = {kind.key: kind for kind in KINDS}
SPELLINGS = {word: kind.key for kind in KINDS for word in kind.spellings}
"""The key of the kind, by its word."""
NOUNS = {(noun, word): kind.key for kind in KINDS for noun in kind.nouns for word in kind.spellings}
"""The key of the kind, by its pair of words, as in `key unused`."""


def kind_of(key: str) -> type[Watch]:
    """The kind with a key; metrics and unknown keys stand for the limit on a metric."""
    return BY_KEY.get(key, Above)
