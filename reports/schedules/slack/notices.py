"""Notices to a schedule's owner about reports that weren't delivered, and how to fix that."""

from __future__ import annotations

from reports.block_kit.elements import LONGEST_SECTION, Block, actions, button, code, section
from reports.block_kit.message import Message
from reports.schedules.recurrence import DueRun, Recurrence, TargetKind
from reports.schedules.slack.message import when
from reports.wording.delivery_problems import FIXES, OURS
from reports.wording.safe_text import as_typed, clean, escape
from reports.wording.times import zone_city

AGAIN, THERE = "run_again", "run_there"
RESUME = "schedule_resume"
TAKE_OFFER, DECLINE_OFFER = "offer_take", "offer_decline"


_UNKNOWN = (
    "Try sending it again later. If it keeps failing, whoever runs the bot can find out more with"
    " `activity doctor`."
)


def target_words(target: TargetKind, channel: str, owner: str) -> str:
    """Where reports go, in mrkdwn."""
    match target:
        case TargetKind.CHANNEL:
            return f"in <#{channel}>"
        case TargetKind.PERSON:
            return f"to <@{owner}>"
    return "to each creator, privately (their own usage only)"


def failed_notice(title: str, where: str, code: str, run: int) -> Message:
    """A report could not be delivered: why, and how to fix it."""
    mend = FIXES.get(code, _UNKNOWN)
    slacks = "" if code in OURS else f" (`{escape(clean(code, 60))}`)"
    text = (
        f"I couldn't deliver the report {_named(title)} {where}{slacks}."
        f"\n{mend}\nAfter three failures in a row I pause the schedule."
    )
    return _message(text, [button("Send it now", AGAIN, str(run), style="primary")])


def unanswerable_notice(title: str, where: str, problem: str) -> Message:
    """The question of a report can no longer be answered."""
    text = (
        f"I couldn't create the report {_named(title)} {where}: {escape(problem)}"
        "\nEdit or delete it under `schedules`."
    )
    return _message(text)


def paused_notice(title: str, where: str, why: str, schedule: str) -> Message:
    """A schedule was paused because it kept failing."""
    text = f"I paused the report {_named(title)} {where}: {escape(why)}. Once that's fixed:"
    return _message(text, [button("Resume", RESUME, schedule, style="primary")])


def uncertain_notice(title: str, where: str, code: str, run: int) -> Message:
    """Ask the owner about a report whose delivery is uncertain."""
    text = (
        f"I can't tell whether the report {_named(title)} {where} was posted: Slack gave no clear"
        f" answer, and I can't read the history there (`{escape(clean(code, 60))}`). I didn't send"
        " it again. Please check:"
    )
    buttons = [
        button("It's missing, send it", AGAIN, str(run), style="primary"),
        button("It's there", THERE, str(run)),
    ]
    return _message(text, buttons)


def skipped_notice(
    title: str, where: str, schedule: Recurrence, runs: tuple[DueRun, ...]
) -> Message:
    """Runs were skipped because the bot wasn't running for too long."""
    newest = when(runs[-1].at, schedule.zone)
    count = "One report" if len(runs) == 1 else f"{len(runs)} reports"
    were = "was" if len(runs) == 1 else "were"
    last = f"It was due {newest}" if len(runs) == 1 else f"The last one was due {newest}"
    text = (
        f"{count} of {_named(title)} {where} {were} skipped. {last}, when the bot wasn't running."
        " I only catch up on the latest report, and only within three days."
    )
    return _message(text)


def unreachable_creator(title: str, name: str) -> Message:
    """A creator cannot be reached in Slack."""
    text = (
        f"The report {_named(title)} didn't reach every creator. For example,"
        f" {escape(clean(name))} has no Slack account here with their OpenRouter e-mail address."
    )
    return _message(text)


def offer_message(zone: str, command: str) -> Message:
    """The standard report, offered to an admin."""
    text = (
        f"Would you like a report every Monday at 9:00 ({escape(zone_city(zone))}) with what each"
        " creator spent last week, what changed, and on which models?"
    )
    other = code(f"{command} schedule weekly spend by creator in #finance")
    hint = f"To send it to a channel, or for another question or time: {other}"
    buttons = [
        button("Yes, every Monday", TAKE_OFFER, zone, style="primary"),
        button("No thanks", DECLINE_OFFER, zone),
    ]
    return _message(f"{text}\n{hint}", buttons)


def _message(text: str, buttons: list[Block] | None = None) -> Message:
    text = text[:LONGEST_SECTION]
    rows = [actions(*buttons)] if buttons else []
    return Message(text, (section(text), *rows))


def _named(title: str) -> str:
    return code(as_typed(title), 300)
