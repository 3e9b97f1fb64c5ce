"""Following an answer up with selects: it changes in place, and for whoever chooses alone."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from bot.access.policy import FOREIGN, OUTSIDERS
from bot.answers.answer_state import TOO_OLD
from bot.demo.slack import LocalSlack
from bot.listeners import clicks
from bot.questions.follow_up import GONE, ONLY_YOU
from bot.questions.share import SHARED_ALREADY
from reports.questions.follow_up import FollowUpAction
from reports.questions.slack.controls import ALERT, SCHEDULE, SHARE
from tests.world import World, administered, now, running, wait_until


def shown(world: World, text: str, user: str = "ada", channel: str = "general") -> dict[str, Any]:
    """Ask, and give the message that stands for the answer."""
    world.ask(text, user, channel)
    return (world.slack.ephemerals(user, channel) or world.slack.messages(channel))[-1]


def choose(
    world: World, message: dict[str, Any], follow: FollowUpAction, value: str, user: str = "ada"
) -> dict[str, Any]:
    """Choose in a message, and give what the bot answered with."""
    before = len(world.slack.responses)
    ack = world.bot_client.click(user, message["channel"], message["ts"], follow, value)
    assert (ack.status, ack.body) == (200, "")
    payload: dict[str, Any] = world.slack.wait_for(lambda: world.slack.responses[before:])[-1][
        "payload"
    ]
    return payload


def again(world: World, message: dict[str, Any], user: str = "ada") -> dict[str, Any]:
    """The message as it stands now."""
    found = world.slack.ephemerals(user, message["channel"])
    found += world.slack.messages(message["channel"])
    return next(one for one in found if one["ts"] == message["ts"])


def select(message: dict[str, Any], follow: FollowUpAction) -> dict[str, Any]:
    return next(
        element
        for block in message["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"] == follow
    )


def select_block(message: dict[str, Any]) -> dict[str, Any]:
    """The block of the selects, whose id is the answer's state."""
    return next(block for block in message["blocks"] if block["type"] == "actions")


def inside(message: dict[str, Any], words: str) -> str:
    """The value of a group's option."""
    options = select(message, FollowUpAction.INSIDE)["options"]
    return str(next(o["value"] for o in options if o["text"]["text"] == words))


def command(message: dict[str, Any]) -> str:
    """The command that an answer says it stands for."""
    contexts = [block for block in message["blocks"] if block["type"] == "context"]
    return str(contexts[-1]["elements"][-1]["text"].strip("`"))


def test_an_answer_changes_where_it_stands_and_says_its_command(world: World) -> None:
    message = shown(world, "spend 7d by key")
    payload = choose(world, message, FollowUpAction.METRIC, "tokens")
    assert payload["replace_original"] is True
    changed = again(world, message)
    assert changed["text"].startswith("Tokens by API key, past 7 days")
    assert command(changed) == "/activity tokens 7d by key"
    assert select(changed, FollowUpAction.METRIC)["initial_option"]["value"] == "tokens"
    assert len(world.slack.ephemerals("ada", "general")) == 1


def test_one_choice_follows_upon_another(world: World) -> None:
    message = shown(world, "spend 7d by key")
    for follow, value in (
        (FollowUpAction.BY, "creator"),
        (FollowUpAction.PERIOD, "1m"),
        (FollowUpAction.METRIC, "all"),
        (FollowUpAction.BY, "none"),
    ):
        choose(world, message, follow, value)
    assert command(again(world, message)) == "/activity 1m"


def test_a_group_is_looked_into_and_left_again(world: World) -> None:
    message = shown(world, "tokens 7d by key")
    choose(world, message, FollowUpAction.INSIDE, inside(message, "prod"))
    changed = again(world, message)
    assert command(changed) == "/activity tokens 7d by model key:prod"
    assert "claude-opus" in changed["text"]
    choose(world, message, FollowUpAction.INSIDE, "out:0")
    assert command(again(world, message)) == "/activity tokens 7d by key"


def test_the_range_stays_that_of_the_answer_until_a_period_is_chosen(
    openrouter: Any, database: Any
) -> None:
    late = [now()]
    with (
        LocalSlack(rate_limits=False) as slack,
        running(openrouter, slack, database, clock=lambda: late[0]) as world,
    ):
        message = shown(world, "spend 1d by key")
        moment = select_block(message)["block_id"].split("|")[1]
        late[0] += timedelta(minutes=4)
        choose(world, message, FollowUpAction.METRIC, "tokens")
        assert select_block(again(world, message))["block_id"].split("|")[1] == moment
        choose(world, message, FollowUpAction.PERIOD, "now")
        later = select_block(again(world, message))["block_id"].split("|")[1]
        assert int(later) - int(moment) >= 239


def test_an_old_answer_still_works_after_a_restart(openrouter: Any, database: Any) -> None:
    long = "spend 7d by model " + " ".join(f"key:p{'*' * n}d" for n in range(2, 17))
    with LocalSlack(rate_limits=False) as slack:
        with running(openrouter, slack, database) as world:
            short, lengthy = shown(world, "spend 7d by key"), shown(world, long)
        with running(openrouter, slack, database) as world:
            choose(world, short, FollowUpAction.BY, "model")
            assert command(again(world, short)) == "/activity spend 7d by model"
            assert len(select_block(lengthy)["block_id"]) < 30
            choose(world, lengthy, FollowUpAction.METRIC, "tokens")
            assert command(again(world, lengthy)) == f"/activity {long}".replace("spend", "tokens")


def test_what_somebody_else_chooses_in_a_shared_answer_is_for_them_alone(world: World) -> None:
    message = shown(world, "spend 7d by key share")
    payload = choose(world, message, FollowUpAction.METRIC, "tokens", user="grace")
    assert (payload["replace_original"], payload["response_type"]) == (False, "ephemeral")
    assert again(world, message) == message
    [theirs] = world.slack.ephemerals("grace", "general")
    assert command(theirs) == "/activity tokens 7d by key"
    choose(world, theirs, FollowUpAction.METRIC, "requests", user="grace")
    assert command(again(world, theirs, "grace")) == "/activity requests 7d by key"
    assert again(world, message) == message


def test_whoever_shared_an_answer_changes_it_for_everybody(world: World) -> None:
    message = shown(world, "spend 7d by key share")
    payload = choose(world, message, FollowUpAction.METRIC, "tokens")
    assert (payload["replace_original"], payload["response_type"]) == (True, "in_channel")
    assert command(again(world, message)) == "/activity tokens 7d by key"
    assert not world.slack.ephemerals("ada", "general")


def test_nothing_changes_in_front_of_people_of_other_companies(world: World) -> None:
    message = shown(world, "spend 7d by key share", channel="spend")
    world.slack.workspace.change_channel("spend", is_ext_shared=True)
    payload = choose(world, message, FollowUpAction.METRIC, "tokens")
    assert payload["response_type"] == "ephemeral"
    assert again(world, message) == message


def test_creator_me_stays_whoever_asked(world: World) -> None:
    message = shown(world, "spend 7d by key creator:me share")
    choose(world, message, FollowUpAction.METRIC, "tokens", user="grace")
    [theirs] = world.slack.ephemerals("grace", "general")
    assert command(theirs) == "/activity tokens 7d by key creator:ada@example.com"


@pytest.mark.parametrize(("user", "words"), [("otto", FOREIGN), ("guest", "Guests can't see")])
def test_who_may_not_ask_may_not_choose(world: World, user: str, words: str) -> None:
    world.slack.workspace.change_channel("general", members=frozenset(world.slack.workspace.users))
    message = shown(world, "spend 7d by key share")
    payload = choose(world, message, FollowUpAction.METRIC, "tokens", user=user)
    assert payload["text"].startswith(words)
    assert again(world, message) == message


def test_who_sees_their_own_usage_only_follows_up_with_that(openrouter: Any, database: Any) -> None:
    with administered(openrouter, database, "ada", ACTIVITY_VISIBILITY="own") as world:
        message = shown(world, "tokens 7d by key share")
        choose(world, message, FollowUpAction.METRIC, "spend", user="grace")
        [theirs] = world.slack.ephemerals("grace", "general")
        assert "evals" in theirs["text"]
        assert "prod" not in theirs["text"]
        assert "prod" not in str(theirs["blocks"])
        said = choose(world, message, FollowUpAction.INSIDE, inside(message, "prod"), user="grace")
        assert said["text"] == GONE.format("API key")
        # what the admin sees is not for everybody either, unless it is shared in words
        assert (
            choose(world, message, FollowUpAction.METRIC, "spend")["response_type"] == "ephemeral"
        )
        assert again(world, message) == message


def test_a_double_click_does_nothing_twice(world: World) -> None:
    message = shown(world, "spend 7d by key share")
    before = len(world.slack.responses)
    for _ in range(2):
        world.bot_client.click("grace", "general", message["ts"], FollowUpAction.METRIC, "tokens")
    world.slack.wait_for(lambda: world.slack.responses[before:])
    choose(world, message, FollowUpAction.BY, "model", user="grace")
    assert len(world.slack.ephemerals("grace", "general")) == 2


def test_a_group_that_is_gone_is_said_kindly(world: World) -> None:
    message = shown(world, "spend 7d by key")
    value = inside(message, "prod")
    with world.bot.database.write() as connection:
        connection.execute("UPDATE member SET ref = 'another' WHERE name = 'prod'")
    with running(world.openrouter, world.slack, world.bot.settings.database) as restarted:
        payload = choose(restarted, message, FollowUpAction.INSIDE, value)
    assert payload["text"] == GONE.format("API key")
    assert again(world, message) == message


def test_a_response_url_that_is_used_up_changes_the_message_all_the_same(world: World) -> None:
    message = shown(world, "spend 7d by key share")
    world.slack.fail("response_url", 404)
    world.bot_client.click("ada", "general", message["ts"], FollowUpAction.METRIC, "tokens")
    wait_until(lambda: command(again(world, message)) == "/activity tokens 7d by key")
    hidden = shown(world, "spend 7d by key", channel="spend")
    world.slack.fail("response_url", 404)
    world.bot_client.click("ada", "spend", hidden["ts"], FollowUpAction.METRIC, "tokens")
    wait_until(lambda: world.slack.messages(world.slack.im("ada").id))
    [direct] = world.slack.messages(world.slack.im("ada").id)
    assert command(direct) == "/activity tokens 7d by key"


def test_an_answer_in_direct_messages_changes_there_and_has_nobody_to_share_with(
    world: World,
) -> None:
    message = shown(world, "spend 7d by key", channel=world.slack.im("ada").id)
    assert "answer_share" not in str(message["blocks"])
    choose(world, message, FollowUpAction.METRIC, "tokens")
    assert command(again(world, message)) == "/activity tokens 7d by key"


def test_whose_usage_it_is_cannot_be_left_out_where_people_see_their_own_only(
    openrouter: Any, database: Any
) -> None:
    with LocalSlack(rate_limits=False) as slack:
        with running(openrouter, slack, database) as world:
            message = shown(world, "spend 7d by key creator:me")
            assert "‹ Without creator" in str(message)
        with running(openrouter, slack, database, ACTIVITY_VISIBILITY="own") as world:
            assert choose(world, message, FollowUpAction.INSIDE, "out:0")["text"] == ONLY_YOU
            assert "‹ Without creator" not in str(shown(world, "spend 7d by key"))


def test_an_answer_with_an_unknown_state_says_so(world: World) -> None:
    message = shown(world, "spend 7d by key")
    for block in world.slack.chat.find(message["channel"], message["ts"])["blocks"]:
        if block["type"] == "actions" and block["block_id"].startswith("q|"):
            block["block_id"] = "q|nonsense"
    assert choose(world, message, FollowUpAction.METRIC, "tokens")["text"] == TOO_OLD


def click(world: World, message: dict[str, Any], action: str, user: str = "ada") -> None:
    ack = world.bot_client.click(user, message["channel"], message["ts"], action)
    assert (ack.status, ack.body) == (200, "")


def test_an_answer_is_shared_with_the_conversation_once(world: World) -> None:
    message = shown(world, "spend 7d by key")
    for _ in range(2):
        click(world, message, SHARE)
    wait_until(lambda: world.slack.messages("general"))
    [posted] = world.slack.messages("general")
    assert posted["text"].startswith(f"<@{world.slack.user('ada').id}> shared this\nSpend by API")
    assert command(posted) == "/activity spend 7d by key"
    assert "image" in [block["type"] for block in posted["blocks"]]
    assert SHARE not in str(posted["blocks"])


def test_a_restart_shares_nothing_twice(
    openrouter: Any, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clicks, "DOUBLE_CLICK_SECONDS", 0.0)  # as if some time had passed
    with LocalSlack(rate_limits=False, file_delay=timedelta(0)) as slack:
        with running(openrouter, slack, database) as world:
            message = shown(world, "spend 7d by key")
            click(world, message, SHARE)
            wait_until(lambda: slack.messages("general"))
        with running(openrouter, slack, database) as world:
            before = len(slack.responses)
            click(world, message, SHARE)
            said = slack.wait_for(lambda: slack.responses[before:])[-1]["payload"]
            assert said["text"] == SHARED_ALREADY
            assert len(slack.messages("general")) == 1
            # what it became since can be shared as well
            choose(world, message, FollowUpAction.METRIC, "tokens")
            click(world, again(world, message), SHARE)
            wait_until(lambda: len(slack.messages("general")) == 2)


def test_nothing_is_shared_by_a_button_where_outsiders_read_along(world: World) -> None:
    message = shown(world, "spend 7d by key", channel="partners")
    before = len(world.slack.responses)
    click(world, message, SHARE)
    said = world.slack.wait_for(lambda: world.slack.responses[before:])[-1]["payload"]
    assert said["text"] == OUTSIDERS
    assert not world.slack.messages("partners")


def test_a_question_is_scheduled_in_a_dialog_that_knows_it(world: World) -> None:
    message = shown(world, "tokens 1m by key creator:me", channel="spend")
    click(world, message, SCHEDULE)
    [view] = world.slack.wait_for(lambda: world.slack.modals.stack(world.slack.user("ada").id))
    fields = {block["block_id"]: block.get("element", {}) for block in view["blocks"]}
    words = fields["form_question"]["initial_value"]
    assert words == "tokens by key creator:ada@example.com"
    assert fields["form_often"]["initial_option"]["value"] == "monthly"
    channel = world.slack.channel("spend").id
    assert fields["form_channel"]["initial_conversation"] == channel
    before = len(world.slack.responses)
    assert world.bot_client.submit("ada", view["id"]).body == ""
    [said] = world.slack.wait_for(lambda: world.slack.responses[before:])
    assert said["payload"]["text"].startswith(
        "Scheduled: `tokens last month by key creator:ada@example.com`, on day 1 of every month"
    )


def test_a_dialog_with_words_that_are_none_says_so_at_the_field(world: World) -> None:
    message = shown(world, "tokens 1m by key")
    click(world, message, SCHEDULE)
    [view] = world.slack.wait_for(lambda: world.slack.modals.stack(world.slack.user("ada").id))
    ack = world.bot_client.submit("ada", view["id"], {"form_question": "spnd by key"})
    assert "I don't recognize" in ack.body


@pytest.mark.parametrize("action", [SHARE, SCHEDULE, ALERT])
def test_a_guest_passes_nothing_on(world: World, action: str) -> None:
    world.slack.workspace.change_user("ada", is_restricted=False)
    message = shown(world, "spend 7d by key", user="grace")
    world.slack.workspace.change_user("grace", is_restricted=True)
    with running(world.openrouter, world.slack, world.bot.settings.database) as restarted:
        before = len(world.slack.responses)
        click(restarted, message, action, user="grace")
        said = world.slack.wait_for(lambda: world.slack.responses[before:])[-1]["payload"]
    assert said["text"].startswith("Guests can't see")
    assert not world.slack.messages("general")


def test_a_double_click_on_an_export_brings_one_file(world: World) -> None:
    message = shown(world, "spend 7d by key")
    for _ in range(2):
        click(world, message, "export_csv")
    wait_until(lambda: world.slack.messages(world.slack.im("ada").id))
    choose(world, message, FollowUpAction.METRIC, "tokens")
    assert len(world.slack.messages(world.slack.im("ada").id)) == 1


def test_an_answer_is_compared_with_what_it_was(world: World) -> None:
    message = shown(world, "spend 1d by key")
    choose(world, message, FollowUpAction.VERSUS, "before")
    changed = again(world, message)
    assert command(changed) == "/activity spend 1d by key vs before"
    table = next(block for block in changed["blocks"] if block["type"] == "table")
    rows = [[cell["text"] for cell in row] for row in table["rows"]]
    *headers, change = rows[0]
    assert headers == ["API key", "Sum", "Share", "Before"]
    *prod, shown_change = next(row for row in rows if row[0] == "prod")
    assert prod == ["prod", "$9.00", "32.1%", "$11.00"]
    # the change through the last whole hour stands there where it differs, which depends on when
    # the test runs
    assert change == "Change" or re.fullmatch(r"Change through (\d\d:00|\d+ \w{3})", change)
    assert (shown_change == "-18.2%") == (change == "Change")
    assert rows[-1][0] == "Total"
    choose(world, message, FollowUpAction.PERIOD, "1y")
    assert command(again(world, message)) == "/activity spend 1y by key vs before"
    choose(world, message, FollowUpAction.VERSUS, "alone")
    assert command(again(world, message)) == "/activity spend 1y by key"


def test_an_alert_begins_with_what_the_answer_shows(world: World) -> None:
    message = shown(world, "spend 1d by key model:*gpt*")
    click(world, message, ALERT)
    [view] = world.slack.wait_for(lambda: world.slack.modals.stack(world.slack.user("ada").id))
    fields = {block["block_id"]: block.get("element", {}) for block in view["blocks"]}
    assert re.fullmatch(r"\$7\.\d\d", fields["form_limit_above"]["initial_value"])
    assert fields["form_by"]["initial_option"]["value"] == "key"
    assert fields["form_whose"]["initial_value"] == "model:*gpt*"
    before = len(world.slack.responses)
    assert world.bot_client.submit("ada", view["id"]).body == ""
    [said] = world.slack.wait_for(lambda: world.slack.responses[before:])
    assert "`alert spend &gt; $7." in said["payload"]["text"]


def test_somebody_who_sees_their_own_only_watches_nobody_else(
    openrouter: Any, database: Any
) -> None:
    with administered(openrouter, database, "ada", ACTIVITY_VISIBILITY="own") as world:
        message = shown(world, "spend 7d creator:ada@example.com share")
        before = len(world.slack.responses)
        click(world, message, ALERT, user="grace")
        said = world.slack.wait_for(lambda: world.slack.responses[before:])[-1]["payload"]
        assert said["text"].startswith("This answer shows someone else's usage")
        for view in world.slack.modals.stack(world.slack.user("grace").id):
            assert not any(block["type"] == "input" for block in view["blocks"])


def test_the_whole_is_drawn_beside_what_it_was(world: World) -> None:
    message = shown(world, "tokens 1d")
    choose(world, message, FollowUpAction.VERSUS, "before")
    drawn = next(b for b in again(world, message)["blocks"] if b["type"] == "data_visualization")
    assert [series["name"] for series in drawn["chart"]["series"]] == ["Tokens", "Before"]
