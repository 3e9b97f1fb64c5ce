"""Asks the owner of an API key about it: the menu under the list of keys, and the message."""

from __future__ import annotations

from collections.abc import Sequence

from reports.block_kit.elements import Block, actions, fit, menu, option, section
from reports.block_kit.message import Message
from reports.wording.safe_text import clean, escape

ASK_OWNER = "key_ask_owner"
"""The action id of the menu; its values are ids of keys."""
_MOST_KEYS = 25
_CHOOSE = "-"


def ask_owner_row(keys: Sequence[tuple[str, str]]) -> list[Block]:
    """The menu that asks the owner of one of these keys, given as (label, id)."""
    if not keys:
        return []
    options = [option("Ask the owner of …", _CHOOSE)]
    options += [option(clean(label, 70), id_) for label, id_ in keys[:_MOST_KEYS]]
    return [actions(menu(ASK_OWNER, "Ask the owner", options, _CHOOSE))]


def question_to_owner(label: str, traits: Sequence[str], asked_by: str) -> Message:
    """The direct message to a key's owner. `asked_by` is the Slack id of the person who asks."""
    name = f"*{escape(clean(label, 100))}*"
    is_ = f" It is {' and '.join(traits)}." if traits else ""
    text = (
        f"<@{asked_by}> asks about your OpenRouter API key {name}.{is_} Do you still need it?"
        " Please answer them directly; keys are changed at https://openrouter.ai/settings/keys."
    )
    return Message(text, (section(fit(text, 2_900)),))
