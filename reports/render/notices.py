"""What the maker of a schedule is told when a report did not go out, and how to mend it."""

from __future__ import annotations

from reports.render.blocks import Message
from reports.render.parts import LONGEST_SECTION, Block, actions, button, code, section
from reports.render.report import when
from reports.schedule import Due, Schedule, Target
from reports.text import as_typed, clean, escape

AGAIN, THERE = "run_again", "run_there"
RESUME = "schedule_resume"
TAKE_OFFER, DECLINE_OFFER = "offer_take", "offer_decline"
OUTSIDERS = "outsiders"
MAY_NOT_ASK, ONLY_ADMINS = "may_not_ask", "only_admins"
_REVOKED = (
    "Slack does not take the bot's token any more. Whoever runs the bot installs the app anew and"
    " sets SLACK_BOT_TOKEN; `activity doctor` checks it."
)
MENDS = {
    "gave_up": "Slack or what it needs from there could not be had for three days. If that is over,"
    " send it now; `activity doctor` says what is wrong.",
    MAY_NOT_ASK: "Who set it up may not ask this bot any more: they have left, or are a guest now."
    " An admin of the bot can delete it under `schedules`.",
    ONLY_ADMINS: "Only admins of the bot send reports to every creator, and whoever set it up is no"
    " admin any more.",
    "not_in_channel": "Invite me there (`/invite`), then send it again.",
    "channel_not_found": "The channel is gone, or it is private and I am not in it. Invite me"
    " there, or edit the schedule to send it elsewhere.",
    "is_archived": "The channel is archived. Unarchive it, or edit the schedule to send it"
    " elsewhere.",
    "restricted_action": "Your workspace does not let me post there. An admin of the workspace can"
    " allow it, or edit the schedule to send it elsewhere.",
    OUTSIDERS: "People of other companies read along there, and reports stay inside. Edit the"
    " schedule to send it to another channel.",
    "missing_scope": "The app lacks a right. Whoever runs the bot finds out which with"
    " `activity doctor`, adds it as in manifest.yml and installs the app anew.",
    **dict.fromkeys(
        ("token_revoked", "token_expired", "invalid_auth", "not_authed", "account_inactive"),
        _REVOKED,
    ),
}


_UNKNOWN = (
    "I know no mend for that. Send it again in a while; if it stays so, whoever runs the bot finds"
    " out more with `activity doctor`."
)


def place_words(target: Target, channel: str, maker: str) -> str:
    """Where reports go, in mrkdwn."""
    match target:
        case Target.CHANNEL:
            return f"in <#{channel}>"
        case Target.PERSON:
            return f"to <@{maker}>"
    return "to every creator, privately their own part"


def failed(title: str, where: str, code: str, run: int) -> Message:
    """A report could not be delivered: why, and what mends it."""
    mend = MENDS.get(code, _UNKNOWN)
    text = (
        f"The report {_named(title)} {where} could not be delivered (`{escape(clean(code, 60))}`)."
        f"\n{mend}\nAfter three failures in a row the schedule is paused."
    )
    return _message(text, [button("Send it now", AGAIN, str(run), style="primary")])


def unanswerable(title: str, where: str, problem: str) -> Message:
    """The question of a report means nothing any more."""
    text = (
        f"The report {_named(title)} {where} could not be made: {escape(problem)}"
        "\nEdit it, or delete it, under `schedules`."
    )
    return _message(text)


def paused(title: str, where: str, why: str, schedule: str) -> Message:
    """A schedule was paused because it failed again and again."""
    text = f"I paused the report {_named(title)} {where}: {escape(why)}. Once that is mended:"
    return _message(text, [button("Go on", RESUME, schedule, style="primary")])


def uncertain(title: str, where: str, code: str, run: int) -> Message:
    """Nobody can tell whether a report is there."""
    text = (
        f"I cannot tell whether the report {_named(title)} {where} went out: Slack gave no clear"
        f" answer, and I cannot read the history there (`{escape(clean(code, 60))}`). So I did not"
        " send it again. Please look:"
    )
    buttons = [
        button("It is not there, send it", AGAIN, str(run), style="primary"),
        button("It is there", THERE, str(run)),
    ]
    return _message(text, buttons)


def skipped(title: str, where: str, schedule: Schedule, runs: tuple[Due, ...]) -> Message:
    """Due times passed while nobody was there, too long ago to be caught up with."""
    newest = when(runs[-1].at, schedule.zone)
    count = "One report was" if len(runs) == 1 else f"{len(runs)} reports were"
    last = f"due {newest}" if len(runs) == 1 else f"the last of them due {newest}"
    text = (
        f"{count} left out of {_named(title)} {where}: {last}, while the bot was not running."
        " Only the newest is sent afterwards, and only within three days."
    )
    return _message(text)


def nobody(title: str, name: str) -> Message:
    """A creator cannot be reached in Slack."""
    text = (
        f"The report {_named(title)} could not reach every creator: {escape(clean(name))}, for one,"
        " has no Slack account here under the address that OpenRouter knows."
    )
    return _message(text)


def offer(zone: str, command: str) -> Message:
    """The standard report, offered to an admin."""
    text = (
        f"Shall I send you a report every Monday at 9:00 ({escape(zone)}): what each creator spent"
        " last week, what changed, and on which models?"
    )
    other = code(f"{command} schedule weekly spend by creator in #finance")
    hint = f"For a channel instead, or any other question and time: {other}"
    buttons = [
        button("Yes, every Monday", TAKE_OFFER, zone, style="primary"),
        button("No, thanks", DECLINE_OFFER, zone),
    ]
    return _message(f"{text}\n{hint}", buttons)


def _message(text: str, buttons: list[Block] | None = None) -> Message:
    text = text[:LONGEST_SECTION]
    rows = [actions(*buttons)] if buttons else []
    return Message(text, (section(text), *rows))


def _named(title: str) -> str:
    return code(as_typed(title), 300)
