"""Uploads in three steps, what is refused on the way, and pictures inside messages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from slack_sdk import WebClient

from bot.demo.slack import LocalSlack
from tests.bot.demo.slack_help import client_of, error_of, refusal
from tests.clock import Clock

PNG = b"\x89PNG\r\n\x1a\n not looked into"


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 22, 10, 31, tzinfo=UTC))


@pytest.fixture
def slack(clock: Clock) -> Iterator[LocalSlack]:
    with LocalSlack(clock=clock) as local:
        yield local


def picture(file: dict[str, str]) -> list[dict[str, object]]:
    return [{"type": "image", "alt_text": "Spend by day", "slack_file": file}]


def upload(client: WebClient, name: str = "chart.png", data: bytes = PNG, **args: object) -> str:
    return str(client.files_upload_v2(filename=name, content=data, **args)["file"]["id"])


def test_a_file_reaches_its_channel_with_its_words(slack, client):
    where = slack.channel("spend").id
    root = client.chat_postMessage(channel=where, text="root")["ts"]
    file_id = upload(
        client, "usage.csv", b"Date,Slug\n", channel=where, initial_comment="Here", thread_ts=root
    )
    [_, message] = slack.messages("spend")
    assert (message["text"], message["thread_ts"]) == ("Here", root)
    assert [file["id"] for file in message["files"]] == [file_id]
    [file] = slack.files
    assert (file.name, file.data, file.mimetype) == ("usage.csv", b"Date,Slug\n", "text/csv")


def test_several_files_stand_in_one_message(slack, client):
    files = [{"filename": name, "content": "x"} for name in ("a.csv", "b.pdf")]
    client.files_upload_v2(file_uploads=files, channel=slack.channel("spend").id)
    [message] = slack.messages("spend")
    assert [file["name"] for file in message["files"]] == ["a.csv", "b.pdf"]


def test_the_answer_to_an_upload_tells_no_message(slack, client):
    answer = client.files_upload_v2(
        filename="a.csv", content="x", channel=slack.channel("spend").id
    )
    assert set(answer["files"][0]) == {"id", "title"}


def test_a_file_is_processed_a_while_later(slack, client, clock):
    file_id = upload(client, channel=slack.channel("spend").id)
    before = client.files_info(file=file_id)["file"]
    assert (before["mimetype"], before["shares"]) == ("", {})
    clock.advance(timedelta(seconds=1))
    after = client.files_info(file=file_id)["file"]
    assert (after["mimetype"], after["filetype"]) == ("image/png", "png")
    [shared] = after["shares"]["public"][slack.channel("spend").id]
    assert shared["ts"] == slack.messages("spend")[0]["ts"]


def test_a_picture_stands_in_a_message_once_it_is_processed(slack, client, clock):
    where, file_id = slack.channel("spend").id, upload(client)
    post = client.chat_postMessage
    answer = refusal(post, channel=where, text="t", blocks=picture({"id": file_id}))
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"] == ["invalid slack file [json-pointer:/blocks/0/slack_file]"]
    clock.advance(timedelta(seconds=1))
    post(channel=where, text="t", blocks=picture({"id": file_id}))
    link = client.files_info(file=file_id)["file"]["url_private"]
    post(channel=where, text="t", blocks=picture({"url": link}))


def test_only_pictures_stand_in_messages(slack, client, clock):
    where, file_id = slack.channel("spend").id, upload(client, "usage.pdf", b"%PDF")
    clock.advance(timedelta(seconds=5))
    for file in ({"id": file_id}, {"id": "F0UNKNOWN01"}):
        assert refusal(client.chat_postMessage, channel=where, text="t", blocks=picture(file))[
            "errors"
        ]


def test_it_refuses_an_empty_file(client):
    answer = refusal(client.files_getUploadURLExternal, filename="a.csv", length=0)
    assert answer["error"] == "invalid_arguments"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"filename": "", "length": 4}, "missing_argument"),
        ({"filename": "a.csv", "length": "many"}, "invalid_arguments"),
        ({"filename": "a.csv", "length": 4, "alt_txt": "x" * 1_001}, "alt_txt_too_large"),
    ],
)
def test_it_refuses_uploads_that_are_not_described(client, args, error):
    assert error_of(client.files_getUploadURLExternal, **args) == error


def test_it_takes_a_long_description(client):
    assert client.files_getUploadURLExternal(filename="a.png", length=4, alt_txt="x" * 1_000)["ok"]


def test_admins_may_forbid_uploads(slack, client):
    slack.uploads.uploads_disabled = True
    error = error_of(client.files_getUploadURLExternal, filename="a.csv", length=4)
    assert error == "file_uploads_disabled"


def pending(client: WebClient) -> str:
    answer = client.files_getUploadURLExternal(filename="a.csv", length=4)
    urlopen(Request(answer["upload_url"], b"a,b\n")).close()
    return str(answer["file_id"])


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("random", "not_in_channel"),
        ("archive", "is_archived"),
        ("nowhere", "channel_not_found"),
        ("#spend", "channel_not_found"),
        ("user", "channel_not_found"),
    ],
)
def test_files_go_only_to_channels_that_the_bot_is_in(slack, client, place, error):
    ids = {name: slack.channel(name).id for name in ("random", "archive")}
    where = {**ids, "user": slack.user("ada").id}.get(place, place)
    files = [{"id": pending(client)}]
    complete = client.files_completeUploadExternal
    assert error_of(complete, files=files, channel_id=where) == error
    assert slack.files == []
    complete(files=files, channel_id=slack.im("ada").id)
    assert len(slack.files) == 1


def test_public_posting_is_for_messages_and_not_for_files():
    with LocalSlack(scopes={"files:write", "chat:write", "chat:write.public"}) as slack:
        client, where = client_of(slack), slack.channel("random").id
        client.chat_postMessage(channel=where, text="hi")
        error = error_of(
            client.files_completeUploadExternal, files=[{"id": pending(client)}], channel_id=where
        )
        assert error == "not_in_channel"


def test_a_file_without_its_bytes_cannot_be_completed(client):
    file_id = client.files_getUploadURLExternal(filename="a.csv", length=4)["file_id"]
    complete = client.files_completeUploadExternal
    assert error_of(complete, files=[{"id": file_id}]) == "file_not_found"
    assert error_of(client.files_info, file=file_id) == "file_not_found"


def test_an_upload_is_completed_once(client):
    file_id = pending(client)
    client.files_completeUploadExternal(files=[{"id": file_id}])
    error = error_of(client.files_completeUploadExternal, files=[{"id": file_id}])
    assert error == "file_not_found"


def test_it_takes_bytes_as_a_form_too(slack, client):
    answer = client.files_getUploadURLExternal(filename="a.csv", length=4)
    form = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\na,b\n\r\n--x--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    urlopen(Request(answer["upload_url"], form, headers)).close()
    client.files_completeUploadExternal(files=[{"id": answer["file_id"]}])
    assert slack.files[0].data == b"a,b\n"


def test_files_are_for_those_with_the_token(slack, client, clock):
    url = client.files_info(file=upload(client, "näme 1.csv", b"a,b"))["file"]["url_private"]
    bearer = {"Authorization": f"Bearer {slack.bot_token}"}
    with urlopen(Request(url, headers=bearer)) as answer:
        assert (answer.headers["Content-Type"], answer.read()) == ("text/csv", b"a,b")
    with urlopen(url) as answer:
        assert b"Sign in" in answer.read()
    with pytest.raises(HTTPError) as missing:
        urlopen(Request(f"{slack.url}/files-pri/{slack.team_id}-F0NONE/a.csv", headers=bearer))
    missing.value.close()


def test_files_need_their_scopes():
    with LocalSlack(scopes={"chat:write"}) as slack:
        client = client_of(slack)
        answer = refusal(client.files_getUploadURLExternal, filename="a.csv", length=4)
        assert (answer["error"], answer["needed"]) == ("missing_scope", "files:write")
        assert refusal(client.files_info, file="F0DEMO00001")["needed"] == "files:read"
