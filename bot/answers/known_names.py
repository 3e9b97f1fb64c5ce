"""The names that a person may use in a question, for reading natural language."""

from __future__ import annotations

from datetime import datetime

from bot.answers import visibility
from bot.answers.answer import make_plan
from bot.answers.visibility import Asker
from bot.runtime import priority
from bot.store import Store
from reports.natural.names import KnownNames
from reports.questions.grammar import CommandError
from reports.questions.query import Query
from reports.time.period import Counted, Unit
from reports.usage.dimensions import Dimension


def known(store: Store, asker: Asker, now: datetime, zone: str) -> KnownNames:
    """The models, keys and people that a person may see.

    With limited visibility, only models that the person used in the past year: parsing must not
    reveal what others use. `zone` is the default zone of calendar periods.
    """
    directory = store.directory()
    used = _used(store, asker, now, zone)
    labels = visibility.labels(directory, asker)

    def of(dimension: Dimension) -> list[int]:
        seen = visibility.visible(directory, dimension, asker)
        return [member.id for member in directory.of[dimension] if member.id in seen and member.ref]

    people = [directory.members[id_] for id_ in of(Dimension.CREATOR)]
    return KnownNames(
        tuple(directory.members[id_].name for id_ in of(Dimension.MODEL) if id_ in used),
        tuple(labels[id_] for id_ in of(Dimension.KEY)),
        tuple((member.name, member.detail) for member in people),
    )


def _used(store: Store, asker: Asker, now: datetime, zone: str) -> frozenset[int]:
    if not asker.own_only:
        return visibility.visible(store.directory(), Dimension.MODEL, asker)
    year = Query(period=Counted(1, Unit.YEAR), by=Dimension.MODEL)
    with priority.compute_slot(), store.snapshot():
        plan = make_plan(store, year, now, zone, asker)
        if isinstance(plan, CommandError):
            return frozenset()
        found = store.read(plan.selection, plan.source.range, plan.source.stored)
    return frozenset(found.series)
