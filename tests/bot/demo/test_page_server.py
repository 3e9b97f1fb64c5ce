"""The page's server: who is answered, what each person sees, and how files are handed out."""

import json
import socket
from http.client import HTTPConnection
from importlib.resources import files

import pytest

from bot.demo.page import Page
from bot.demo.page.completion import EXAMPLES, completion
from bot.demo.slack import LocalSlack
from reports.commands import parse_command
from reports.questions.grammar import WORDS, CommandError
from tests.bot.demo.slack_help import client_of


@pytest.fixture
def page(slack):
    served = Page(slack).start()
    yield served
    served.stop()


def ask(page, path, body=None, **headers):
    connection = HTTPConnection("127.0.0.1", page.port, timeout=60)
    sent = {"Content-Type": "application/json"} if body is not None else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET" if body is None else "POST", path, body, sent)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer, data


def read(page, path):
    answer, data = ask(page, path)
    assert answer.status == 200
    return json.loads(data)


@pytest.mark.parametrize("path", ["/", "/everything", "/main.js", "/events?person=x", "/nothing"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:80"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.1.evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_it_answers_nobody_elses_pages(page, path, headers):
    answer, data = ask(page, path, **headers)
    assert answer.status == 403
    assert b"person" not in data


def test_it_takes_wishes_from_its_own_page_only(page, slack):
    wish = json.dumps({"person": "ada", "channel": "general", "text": "hi"})
    own = {"Origin": f"http://127.0.0.1:{page.port}", "Sec_Fetch_Site": "same-origin"}
    assert ask(page, "/do/say", wish, Origin="http://evil.example")[0].status == 403
    assert ask(page, "/do/say", wish, **{**own, "Content_Type": "text/plain"})[0].status == 403
    assert slack.messages("general") == []
    assert ask(page, "/do/say", wish, **own)[0].status == 200
    assert [message["text"] for message in slack.messages("general")] == ["hi"]


def test_everything_carries_a_policy_that_keeps_others_out(page):
    for path in ("/", "/main.js", "/everything", "/nothing", "/files/F0"):
        answer, _ = ask(page, path)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/../server.py", "/%2e%2e/server.py", "/..%2fserver.py", "/__init__.py", "/%00"]
)
def test_it_hands_out_its_own_files_only(page, path):
    assert ask(page, path)[0].status == 404


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("say", "{", "Expecting"),
        ("say", "[]", "The body must be a JSON object."),
        ("say", "{}", "person must be a text"),
        ("say", '{"person": "nobody", "channel": "general", "text": ""}', "It no longer exists"),
        ("fly", "{}", "There is no such action."),
        ("command", '{"person": "ada", "channel": "general", "text": ""}', "still starting"),
        ("click", '{"person": "ada", "action_id": "x"}', "still starting"),
    ],
)
def test_it_says_what_is_wrong_with_a_wish(page, name, body, said):
    answer, data = ask(page, f"/do/{name}", body)
    assert answer.status == 400
    assert said in json.loads(data)["error"] or said == "person must be a text"


def test_too_long_a_wish_is_not_read(page):
    assert ask(page, "/do/say", b"{" * 300_000)[0].status == 413


def test_a_taken_port_makes_it_take_the_next(slack):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        page = Page(slack, port=port).start()
        assert port < page.port <= port + 50
        page.stop()


def test_each_person_sees_their_own_workspace(page, slack):
    def channels(person):
        told = read(page, f"/everything?person={slack.user(person).id}")
        return [channel["name"] for channel in told["channels"] if channel["kind"] != "im"]

    assert channels("ada") == ["finance", "general", "partners", "random", "spend"]
    assert channels("grace") == ["general", "partners", "random", "spend"]
    assert channels("guest") == ["general"]
    assert channels("otto") == ["partners"]


def test_what_only_one_person_sees_is_told_to_nobody_else(page, slack):
    client, where = client_of(slack), slack.channel("spend").id
    ada, grace = slack.user("ada").id, slack.user("grace").id
    client.chat_postMessage(channel=where, text="to all")
    client.chat_postEphemeral(channel=where, user=ada, text="to Ada")

    def texts(person):
        return [m["text"] for m in read(page, f"/messages?person={person}&channel={where}")]

    assert texts(ada) == ["to all", "to Ada"]
    assert texts(grace) == ["to all"]
    assert texts(slack.user("guest").id) == []


def test_every_open_page_hears_what_its_person_may(page, slack):
    ada, otto = (page.feed.open(slack.user(name).id) for name in ("ada", "otto"))
    slack.chat.post_as_user(slack.channel("general"), slack.user("ada").id, "news")
    page.feed.end()
    heard = b"".join(ada)
    assert b'"kind": "message"' in heard
    assert b'"text": "news"' in heard
    assert b"news" not in b"".join(otto)


def test_a_stopped_server_hangs_up(slack):
    page = Page(slack).start()
    connection = HTTPConnection("127.0.0.1", page.port, timeout=60)
    connection.request("GET", "/events?person=x")
    answer = connection.getresponse()
    page.stop()
    assert b"retry:" in answer.read()
    with pytest.raises(ConnectionError):
        ask(page, "/")


@pytest.mark.parametrize(
    ("name", "kind", "way"),
    [
        ("a.csv", "text/plain; charset=utf-8", "inline"),
        ("a.pdf", "application/pdf", "inline"),
        ("a.html", "application/octet-stream", "attachment"),
        ("a.svg", "application/octet-stream", "attachment"),
    ],
)
def test_files_are_shown_only_where_that_is_harmless(page, slack, name, kind, way):
    sent = client_of(slack).files_upload_v2(
        channel=slack.channel("spend").id, filename=name, content="<script>1</script>"
    )
    path = f"/files/{sent['file']['id']}/x"
    answer, data = ask(page, path)
    assert (answer.headers["Content-Type"], data) == (kind, b"<script>1</script>")
    assert answer.headers["Content-Disposition"] == f"{way}; filename*=UTF-8''{name}"
    saved, _ = ask(page, f"{path}?download")
    assert saved.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"


def test_refusals_are_told_with_their_pointers(page, slack):
    client = client_of(slack)
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}]
    where = slack.channel("spend").id
    with pytest.raises(Exception, match="invalid_blocks"):
        client.chat_postMessage(channel=where, text="x", blocks=blocks)
    (told,) = read(page, "/everything")["refusals"]
    assert (told["method"], told["error"], told["channel"]) == (
        "chat.postMessage",
        "invalid_blocks",
        where,
    )
    assert told["problems"] == [
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    ]


def test_a_refused_answer_is_told_where_it_was_to_appear(page, slack):
    where = slack.channel("spend")
    path = slack.hooks.issue(slack.user("ada").id, where, None, "/activity")
    connection = HTTPConnection("127.0.0.1", int(slack.url.rpartition(":")[2]), timeout=60)
    connection.request("POST", path, json.dumps({"blocks": [{"type": "nonsense"}]}))
    connection.getresponse().read()
    connection.close()
    (told,) = read(page, "/everything")["refusals"]
    assert (told["method"], told["channel"]) == ("response_url", where.id)
    assert "json-pointer:/blocks/0" in told["problems"][0]


def test_the_page_needs_nothing_from_elsewhere_and_writes_no_markup():
    for file in files("bot.demo.page.static").iterdir():
        if file.name.endswith((".js", ".css", ".html", ".svg")):
            text = file.read_text("utf-8")
            assert "//" not in text.replace("http://www.w3.org", "").replace("// ", "").replace(
                "\\/\\/", ""
            ), file.name
            for way in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("):
                assert way not in text, (file.name, way)


def test_every_completion_is_understood():
    for offered in completion((), ["Prod key"], ["ada@example.com"]):
        text = offered["text"]
        question = text + "claude*" if text.endswith(":") else text
        assert not isinstance(parse_command(question), CommandError), question
    for example in EXAMPLES:
        assert not isinstance(parse_command(example), CommandError), example


def test_every_word_of_the_grammar_is_completed():
    offered = {word for one in completion((), (), ()) for word in one["text"].rstrip(":").split()}
    synonyms = {"user", "member"}
    of_clickhouse = {"provider", "end-user", "enduser"}  # the demo has none
    assert set(WORDS) - synonyms - of_clickhouse <= offered


def test_a_person_who_is_not_there_becomes_the_first(page, slack):
    assert read(page, "/everything?person=nobody")["person"] == slack.user("ada").id


def test_nobody_can_act_as_the_bot_or_as_somebody_who_left():
    with LocalSlack() as slack:
        page = Page(slack).start()
        names = {one["name"] for one in read(page, "/everything")["people"]}
        page.stop()
    assert names == {"ada", "grace", "alan", "katherine", "guest", "otto"}
