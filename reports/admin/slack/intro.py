"""Introduces the bot to people who greet it or ask who it is."""

from __future__ import annotations

from reports.block_kit.elements import section
from reports.block_kit.message import Message, RunButton, run_buttons, text_message

INTRO = (
    "Hi, I'm Activity. I answer questions about your organization's OpenRouter usage: spend, tokens"
    " and requests by model, API key or person. Ask in your own words, for example “what did we"
    " spend last week by person?”, or start here:"
)
WELCOME = "You're welcome!"
_THANKS = {
    "thanks", "thank", "thx", "ty", "cheers", "you", "great", "nice", "cool", "perfect", "awesome",
    "a", "lot", "very", "much", "so", "many", "for", "that", "ok", "okay", "got", "it",
}  # fmt: skip
_RUNS = (
    RunButton("This month", "this month"),
    RunButton("Top models this week", "spend this week by model"),
    RunButton("My usage", "me"),
    RunButton("Balance", "balance"),
    RunButton("Help", "help"),
)


def intro(text: str = "") -> Message:
    """A short introduction with buttons; a short reply if `text` only says thanks."""
    words = {word.strip("?!.,").casefold() for word in text.split()} - {""}
    if words and words <= _THANKS:
        return text_message(WELCOME)
    return Message(INTRO, (section(INTRO), *run_buttons(_RUNS)))
