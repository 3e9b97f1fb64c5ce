"""Slack's rate limits and failing modals: no answer is lost, and people get a message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest

from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack
from bot.modals.modal import NOT_OPENED
from bot.slack.client import Slack
from bot.slack.scopes import SCOPES
from bot.slack.types import DeliveryError
from reports.block_kit.message import text_message
from tests.bot.commands.test_conversation import answers
from tests.bot.modals.test_forms import home
from tests.world import World, now, running, wait_until

SPEED = 40
"""How many times faster than the machine's the clocks of the bot and of Slack run."""


class Fast:
    """A clock that runs `SPEED` times as fast."""

    def __init__(self) -> None:
        self._began, self._from = monotonic(), now()

    def __call__(self) -> datetime:
        """The time on it."""
        return self._from + timedelta(seconds=self.seconds())

    def seconds(self) -> float:
        """The seconds that it has run."""
        return (monotonic() - self._began) * SPEED

    def wait(self, seconds: float) -> None:
        """Sleep for seconds of its own."""
        sleep(max(0.0, seconds) / SPEED)


@contextmanager
def hurried(openrouter: LocalOpenRouter, database: Path) -> Iterator[tuple[World, Fast]]:
    """The bot and a Slack with its rate limits, both by a fast clock."""
    clock = Fast()
    with (
        LocalSlack(scopes=SCOPES, clock=clock, file_delay=timedelta(0)) as slack,
        running(openrouter, slack, database, clock=clock) as world,
    ):
        world.bot.slack._clock, world.bot.slack._wait = clock.seconds, clock.wait
        yield world, clock


def test_sixty_questions_in_a_direct_message_are_all_answered(
    openrouter: LocalOpenRouter, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hurried(openrouter, database) as (world, clock):
        slack = world.slack
        for number in range(60):
            if number % 7 == 3:
                slack.fail("chat.postMessage", "ratelimited", times=2)
            assert world.bot_client.message("ada", f"spend 7d top {number % 50 + 1}").status == 200
            clock.wait(1)
        dm = slack.im("ada").id
        wait_until(lambda: len(answers(world, dm)) >= 60, 120)
        assert len(answers(world, dm)) == 60
        assert all(message["text"].startswith("Spend") for message in answers(world, dm))


def edge(slack: LocalSlack, clock: Fast) -> Slack:
    return Slack(slack.bot_token, slack.api_url, clock.seconds, clock.wait)


def test_calls_that_wait_go_in_line_and_not_all_at_once() -> None:
    clock = Fast()
    with LocalSlack(clock=clock) as slack:
        posting, channel = edge(slack, clock), slack.channel("spend").id
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda n: posting.post(channel, text_message(str(n))), range(40)))
        assert len(slack.messages("spend")) == 40
        tried = [call for call in slack.calls if call.method == "chat.postMessage"]
        assert len(tried) < 40 * 3


def test_a_wait_that_is_too_long_is_not_begun() -> None:
    waits: list[float] = []
    with LocalSlack(rate_limits=False) as slack:
        posting = Slack(slack.bot_token, slack.api_url, lambda: 0.0, waits.append)
        slack.fail("chat.postMessage", 429, retry_after=600)
        with pytest.raises(DeliveryError) as refused:
            posting.post(slack.channel("spend").id, text_message("hi"))
        assert (refused.value.retry_after, waits) == (600, [])


def test_a_process_that_ends_waits_for_nothing() -> None:
    waits: list[float] = []

    def ended(seconds: float) -> bool:
        waits.append(seconds)
        return True

    with LocalSlack(rate_limits=False) as slack:
        posting = Slack(slack.bot_token, slack.api_url, lambda: 0.0, ended)
        slack.fail("chat.postMessage", 429, times=5)
        with pytest.raises(DeliveryError):
            posting.post(slack.channel("spend").id, text_message("hi"))
        assert waits == [1.0]


def test_the_pictures_of_fifty_reports_at_once_are_all_shown(tmp_path: Path) -> None:
    picture = tmp_path / "chart.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 100)
    clock = Fast()
    with LocalSlack(clock=clock, file_delay=timedelta(seconds=2)) as slack:
        slack.fail("files.info", 429, times=3)
        uploading = edge(slack, clock)
        with ThreadPoolExecutor(8) as pool:
            found = list(
                pool.map(lambda _: uploading.upload_image(picture, "c.png", "c"), range(50))
            )
    assert len({file for file in found if file}) == 50


@pytest.mark.parametrize("fault", [429, 500, "invalid_arguments", "drop", "fatal_error"])
def test_a_person_whose_form_does_not_open_gets_a_message(
    administered: World, fault: int | str
) -> None:
    home(administered)
    administered.slack.fail("views.open", fault)
    administered.bot_client.click_in_view("ada", "home_schedule")
    dm = administered.slack.im("ada").id
    [said] = administered.slack.wait_for(lambda: administered.slack.messages(dm))
    assert said["text"] == NOT_OPENED


def test_a_person_whose_form_does_not_open_from_a_message_gets_an_answer_there(
    administered: World,
) -> None:
    administered.words("schedule weekly spend by key to me")
    administered.ask("schedules")
    listed = administered.slack.ephemerals("ada", "general")[-1]
    administered.slack.fail("views.open", 500)
    before = len(administered.slack.responses)
    administered.bot_client.click("ada", "general", listed["ts"], "schedule_edit")
    said = administered.slack.wait_for(lambda: administered.slack.responses[before:])
    assert NOT_OPENED in json.dumps(said[-1]["payload"])
