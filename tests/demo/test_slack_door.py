"""What people do reaches a real Bolt app over signed HTTP, and its answers come back."""

BUTTON = {
    "type": "button",
    "action_id": "more",
    "value": "v1",
    "text": {"type": "plain_text", "text": "More"},
}
MENU = {
    "type": "static_select",
    "action_id": "period",
    "options": [
        {"text": {"type": "plain_text", "text": name}, "value": name} for name in ("1d", "1m")
    ],
}
BUTTONS = [{"type": "actions", "block_id": "row", "elements": [BUTTON, MENU]}]


def test_a_command_is_acknowledged_and_answered_for_its_person_alone(slack, app, door):
    @app.command("/activity")
    def run(ack, respond, command):
        ack()
        respond(f"{command['user_name']} in {command['channel_name']}: {command['text']}")

    ack = door.command("ada", "general", "spend 1m by model")
    assert (ack.ok, ack.status, ack.body) == (True, 200, "")
    [shown] = slack.wait_for(lambda: slack.ephemerals("ada", "general"))
    assert shown["text"] == "ada in general: spend 1m by model"
    assert slack.messages("general") == []
    assert slack.ephemerals("grace", "general") == []
