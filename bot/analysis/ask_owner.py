"""Asks the owner of an API key about it, in a direct message."""

from __future__ import annotations

from bot.access.policy import Refusal, admins_only, is_admin, refusal
from bot.analysis.keys import gather_keys
from bot.analysis.request import AnalysisRequest
from bot.answers.group_ids import group_id
from bot.services import REFUSED, Services, admit, asker_of, refuse
from bot.slack.types import DeliveryError, ReplyTarget
from reports.admin.audit_log import DONE, Act
from reports.analysis.document import AnalysisDocument
from reports.analysis.slack.ask_owner import question_to_owner
from reports.block_kit.elements import section
from reports.block_kit.message import Message
from reports.questions.query import Query, QueryKind
from reports.usage.dimensions import Dimension
from reports.wording.safe_text import clean

_ASK = "ask the owner of a key"
NO_KEY = "That key isn't in the list any more. Ask for `keys` again."
NO_OWNER = "OpenRouter doesn't say who owns {key}, so there is nobody to ask."
NOT_IN_SLACK = "I can't find {owner} in this Slack workspace, so I can't ask about {key}."


def ask_owner(services: Services, reply_to: ReplyTarget, key_id: str) -> None:
    """Send the question on behalf of the admin who clicked. Everything is audit-logged.

    `key_id` comes from the click, so it may be forged: only a key that is listed is asked about.
    """
    person = admit(services, reply_to, Act.CLICKED, _ASK)
    if person is None:
        return
    if not is_admin(person, services.settings):
        words = admins_only("ask the owners of keys", person.id, services.settings)
        services.audit.note(Act.CLICKED, person.id, _ASK, outcome=REFUSED)
        services.slack.respond(reply_to, Message(words, (section(words),)))
        return
    directory = services.store.directory()
    keys = directory.of[Dimension.KEY]
    key = next((one for one in keys if one.ref and group_id(one) == key_id), None)
    if key is None or key.gone:
        refuse(services, reply_to, Refusal(NO_KEY), Act.CLICKED, _ASK)
        return
    label = directory.labels[key.id]
    what = f"ask the owner of key {label}"
    owner = directory.members.get(key.owner or 0)
    if owner is None or not owner.ref:
        refuse(services, reply_to, Refusal(NO_OWNER.format(key=_quoted(label))), Act.CLICKED, what)
        return
    user = _in_slack(services, owner.detail)
    if not user:
        words = NOT_IN_SLACK.format(owner=_quoted(owner.name), key=_quoted(label))
        refuse(services, reply_to, Refusal(words), Act.CLICKED, what)
        return
    query = Query(kind=QueryKind.KEYS)
    asker = asker_of(services, person, query)
    request = AnalysisRequest(
        services.store, query, services.clock(), services.settings.zone, asker
    )  # fmt: skip
    found = gather_keys(request)
    traits = _traits(found, label) if isinstance(found, AnalysisDocument) else ()
    try:
        services.slack.direct(user, question_to_owner(label, traits, person.id))
    except DeliveryError as error:
        words = f"Slack did not take the message ({error.code})."
        refuse(services, reply_to, Refusal(words), Act.CLICKED, what)
        return
    services.audit.note(Act.CLICKED, person.id, what, outcome=DONE)
    services.slack.say(reply_to, f"I asked {clean(owner.name, 100)} about {_quoted(label)}.")


def _traits(found: AnalysisDocument, label: str) -> tuple[str, ...]:
    listed = found.data().get("keys", ())
    return tuple(next((one["is"] for one in listed if one["label"] == label), ()))


def _in_slack(services: Services, email: str) -> str:
    """The Slack id of a person by address; "" if unknown, or if they may not use the bot."""
    if "@" not in email:
        return ""
    try:
        answer = services.slack.call_patiently("users.lookupByEmail", email=email)
        user = answer.get("user")
        id_ = str(user.get("id", "")) if isinstance(user, dict) else ""
        person = services.slack.person(id_) if id_ else None
    except DeliveryError:
        return ""
    if person is None or refusal(person, services.slack.identity(), services.settings):
        return ""
    return id_


def _quoted(name: str) -> str:
    return f"“{clean(name, 100)}”"
