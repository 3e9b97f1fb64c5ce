"""The API keys that a rule covers, as OpenRouter lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.scope import allowed_members
from bot.answers import visibility
from bot.answers.openrouter_details import KeyDetails, owner_left
from bot.store.usage.directory import Directory
from reports.alerts.evaluation import Phase
from reports.usage.dimensions import Dimension
from reports.usage.members import NO_CREATOR
from reports.wording.safe_text import clean


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A listed key by its id in the store, and its label for the rule's owner.

    `owner` is the e-mail address of its creator, or empty; `owner_left` says that the creator is no
    longer a member, and is False if that isn't known.
    """

    id: int
    label: str
    owner: str
    owner_left: bool
    details: KeyDetails


def listed_keys(watched: WatchedRule, context: MeasurementContext) -> Iterator[ListedKey]:
    """The keys that match the rule's filters and that its owner may see; empty until first
    listed."""
    directory = context.directory
    wanted = allowed_members(directory, watched.rule, watched.asker, watched.members)
    keys, creators = wanted.get(Dimension.KEY), wanted.get(Dimension.CREATOR)
    labels = visibility.labels(directory, watched.asker)
    for hash_, one in (context.details.keys or {}).items():
        id_ = directory.ids.get((Dimension.KEY, hash_))
        if id_ is None or (keys is not None and id_ not in keys):
            continue
        creator = directory.owners.get(id_)
        if creators is not None and creator not in creators:
            continue
        owner = directory.members.get(creator or 0)
        left = context.details.members_known and owner_left(directory, one.creator)
        yield ListedKey(id_, labels.get(id_, "?"), owner.detail if owner else "", left, one)


def creator_words(directory: Directory, labels: Mapping[int, str], key: int) -> str:
    """A sentence on who created a key (an id); empty if that isn't known, or not to be named."""
    name = labels.get(directory.owners.get(key, 0), "")
    return f"Created by {clean(name, 80)}." if name and name != NO_CREATOR else ""


def triggered_without(
    watched: WatchedRule, context: MeasurementContext, listed: set[int]
) -> Iterator[tuple[str, str]]:
    """Subject and label of the keys that have triggered and aren't among `listed`.

    None while OpenRouter's keys aren't known, because nothing is known to have changed then.
    """
    if context.details.keys is None:
        return
    labels = visibility.labels(context.directory, watched.asker)
    for (subject, _), state in context.states.get(watched.entry.id, {}).items():
        id_ = int(subject) if subject.isdecimal() else 0
        if state.phase is Phase.TRIGGERED and id_ not in listed:
            yield subject, labels.get(id_, "?")
