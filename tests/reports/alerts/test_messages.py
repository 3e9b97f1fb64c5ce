"""Alerts as messages: what they say, and Slack's limits whatever people call their keys."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.slack import validate
from reports.alerts.evaluation import AlertEvent, EventKind, Measurement
from reports.alerts.grammar import rule_of
from reports.alerts.kinds.budget import budget
from reports.alerts.kinds.credits import balance
from reports.alerts.kinds.new import first_use
from reports.alerts.kinds.spike import Hour, spike, usual
from reports.alerts.kinds.stale import Stale, stale
from reports.alerts.limits_and_forecast import SpendLimit, SpendPace
from reports.alerts.message_details import Detail, Driver, question, why_question
from reports.alerts.periods import AlertPeriod, QuietHours, span_at
from reports.alerts.rule import Rule
from reports.alerts.slack import cards
from reports.alerts.slack.form import preview_text
from reports.alerts.slack.format import age, clock, price
from reports.alerts.slack.messages import (
    ACKNOWLEDGE,
    CHANGE,
    LIST,
    MUTE,
    SNOOZE,
    WHY,
    AlertContext,
    Item,
    alert,
    replies,
    reply,
    together,
)
from reports.alerts.slack.sentences import ending, nearest, sentence, share_of_limit, title
from reports.analysis.limits import FullAt
from reports.questions.wording import stamp
from reports.time.period import Unit
from reports.time.time_range import DAY, HOUR

NOW = datetime(2026, 11, 19, 10, 31, tzinfo=UTC)  # a Thursday
BERLIN = "Europe/Berlin"
DOLLAR = 10**9
TODAY = span_at(Unit.DAY, BERLIN, NOW)
SPENT = Measurement("5", "Ada", 52_100_000_000, 50 * DOLLAR, NOW, TODAY)
DAILY = "spend > $50 per day by creator"
CAP = SpendLimit("key 1", "support-bot", 100 * DOLLAR, "weekly", 80 * DOLLAR, NOW)
USUAL = usual([900_000_000] * 12, 5 * DOLLAR)


def limit(dollars: float, cap: SpendLimit = CAP) -> Measurement:
    return budget(cap, cap.periods(NOW, NOW)[0], round((dollars - 80) * DOLLAR), NOW)


def said(words: str, measurement: Measurement, pace: SpendPace | None = None, step: int = 1) -> str:
    return sentence(
        AlertEvent(EventKind.TRIGGERED, measurement, step, NOW), rule_of(words), BERLIN, pace
    )


def about(words: str, **more) -> AlertContext:
    return AlertContext("a7f", rule_of(words), BERLIN, "U0ADA", **more)


def spiked(dollars: float, found=USUAL) -> Measurement:
    hour = NOW.replace(minute=0)
    return spike(rule_of("spike"), "9", "agent", [Hour(hour, round(dollars * DOLLAR), found)], NOW)


def test_a_limit_says_what_is_left_and_when_it_is_reached():
    fast, slow = SpendPace(full=FullAt(NOW + DAY, NOW + HOUR, NOW + 2 * DAY)), SpendPace()
    assert said("budget", limit(85.1), fast) == (
        "85% used: $85.10 of $100.00, $14.90 left. At the usual pace, it is full about Fri 11:31"
        " (12:31 to Sat 11:31), Berlin time."
    )
    assert said("budget", limit(85.1), slow) == (
        "85% used: $85.10 of $100.00, $14.90 left. At the usual pace, it lasts until it resets on"
        " Mon 23 Nov, 1:00 (Berlin)."
    )
    assert said("budget", limit(105), fast) == (
        "105% used: $105.00 of $100.00, $5.00 over. OpenRouter may reject requests until it"
        " resets on Mon 23 Nov, 1:00 (Berlin)."
    )
    assert said("budget", replace(limit(105), part=False)) == (
        "105% used: $105.00 of $100.00, $5.00 over. The limit has reset since."
    )
    lifetime = replace(CAP, reset="")
    forever = "At the usual pace, it lasts for more than three months."
    assert said("budget", limit(85, lifetime), slow).endswith(forever)


@pytest.mark.parametrize(
    ("words", "measurement", "expected"),
    [
        (
            DAILY,
            SPENT,
            "$52.10 today, $2.10 over the $50.00 limit; at this pace $89.55 by the end of the day.",
        ),
        (
            "tokens > 10m per hour",
            replace(SPENT, value=10_600_000, limit=10**7, period=span_at(Unit.HOUR, BERLIN, NOW)),
            (
                "10.6M tokens this hour, 600K over the 10M limit; at this pace 1.46B by the end of"
                " the hour."
            ),
        ),
        (
            "spend byok > $50 per day",
            replace(SPENT, part=False),
            "$52.10 from byok on 19 Nov, $2.10 over the $50.00 limit.",
        ),
        (
            "spike",
            spiked(106),
            (
                "$106.00 between 11:00 and 12:00 on Thursday (Berlin), 118 times the typical $0.90"
                " for this hour of the week."
            ),
        ),
        (
            "spike",
            spiked(60, None),
            (
                "$60.00 between 11:00 and 12:00 on Thursday (Berlin). It takes two weeks of usage"
                " to learn what is typical; until then, alerts start at $50.00 an hour."
            ),
        ),
        (
            "spike",
            spiked(60, usual([0] * 12, DOLLAR)),
            "$60.00 between 11:00 and 12:00 on Thursday (Berlin); usually $0.",
        ),
        (
            "new model",
            first_use("3", "gpt", 420_000_000, NOW, NOW, NOW),
            "Used for the first time: $0.42 so far.",
        ),
        (
            "forecast > $5000 per month",
            replace(SPENT, value=5_230 * DOLLAR, so_far=3_120 * DOLLAR),
            (
                "At this pace the month will end at $5,230.00, $230.00 over $5,000.00."
                " So far: $3,120.00."
            ),
        ),
        (
            "sync",
            stale(Rule(Stale()), NOW - timedelta(minutes=72), NOW, NOW),
            (
                "The latest usage data is 1 hour 12 minutes old; it should be no more than 1 hour"
                " old. Answers and alerts are based on data from that time."
            ),
        ),
    ],
)
def test_a_sentence_names_the_figure_and_its_limit(words, measurement, expected):
    assert said(words, measurement, SpendPace(3 * DOLLAR, HOUR)) == expected


def test_a_balance_is_below_its_limit_or_below_nothing():
    rule = rule_of("credits < $100")
    left = balance(rule, 500 * DOLLAR, 411_800_000_000, NOW)
    assert said("credits < $100", left) == "$88.20 in credits left, below $100.00."
    gone = balance(rule, 500 * DOLLAR, 503_200_000_000, NOW)
    assert said("credits < $100", gone) == (
        "The credit balance is -$3.20. Below $0 OpenRouter rejects requests, even to free models,"
        " until you add credits."
    )


def test_a_title_names_openrouter_and_the_subject():
    event = AlertEvent(EventKind.TRIGGERED, SPENT, 1, NOW)
    assert title(event, rule_of(DAILY), BERLIN) == "OpenRouter spend over $50.00 today: Ada"
    whole = replace(event, measurement=replace(SPENT, subject=""))
    filtered = rule_of("spend > $50 per day key:prod*")
    assert title(whole, filtered, BERLIN) == "OpenRouter spend over $50.00 today: key:prod*"
    others = rule_of(f"{DAILY.removesuffix(' by creator')} key:prod* -model:claude* -model:gpt*")
    said = title(whole, others, BERLIN)
    assert said.endswith(": key:prod* without model:claude*, model:gpt*")
    everyone = title(whole, rule_of("spend > $50 per day"), BERLIN)
    assert everyone == "OpenRouter spend over $50.00 today: whole organization"
    full = AlertEvent(EventKind.FURTHER, limit(101), 2, NOW)
    assert (
        title(full, rule_of("budget"), BERLIN)
        == "OpenRouter key limit more than 100% used: support-bot"
    )


def test_drivers_leave_out_the_subjects_own_dimension():
    detail = Detail(
        keys=(Driver("agent", 40 * DOLLAR, 900_000_000), Driver("web", DOLLAR, 0)),
        models=(Driver("opus", 41 * DOLLAR),),
    )
    text = alert(AlertEvent(EventKind.TRIGGERED, SPENT, 1, NOW), about(DAILY), detail).text
    assert (
        "Top keys (same part of the day before in parentheses): agent $40.00 ($0.90),"
        " web $1.00 ($0)" in text
    )
    assert "Top models: opus $41.00" in text
    by_key = alert(
        AlertEvent(EventKind.TRIGGERED, SPENT, 1, NOW), about("spike by key"), detail
    ).text
    assert "Top keys" not in by_key


def actions(message) -> list[str]:
    [row] = [block for block in message.blocks if block["type"] == "actions"]
    return [element["action_id"] for element in row["elements"]]


def test_a_message_that_is_over_says_so_first_and_has_no_snooze():
    event = AlertEvent(EventKind.TRIGGERED, SPENT, 1, NOW)
    over = AlertEvent(
        EventKind.ENDED, replace(SPENT, value=73_200_000_000, part=False), 1, TODAY.end
    )
    assert SNOOZE in actions(alert(event, about(DAILY)))
    message = alert(event, about(DAILY), latest=over)
    assert message.blocks[1]["text"]["text"] == (
        ":checkered_flag: The day ended at $73.20, $23.20 over the $50.00 limit."
    )
    assert SNOOZE not in actions(message)
    assert ACKNOWLEDGE not in actions(message)


def test_a_message_that_is_over_shows_its_first_figures_as_past():
    rule = rule_of("credits < $100")
    low, high = (balance(rule, 500 * DOLLAR, used * DOLLAR, NOW) for used in (411, 100))
    over = AlertEvent(EventKind.RECOVERED, high, 0, NOW + DAY)
    text = alert(
        AlertEvent(EventKind.TRIGGERED, low, 1, NOW), about("credits < $100"), latest=over
    ).text
    assert text.splitlines()[1:] == [
        ":white_check_mark: *Resolved.* The credit balance is $400.00, back above $100.00.",
        "First alert (Thu 19 Nov, 11:31): $89.00 in credits left, below $100.00.",
    ]


@pytest.mark.parametrize(
    ("words", "offered"),
    [(DAILY, True), ("budget", True), ("spike", True), ("new model", False), ("sync", False)],
)
def test_change_threshold_is_offered_if_there_is_a_threshold(words, offered):
    message = alert(AlertEvent(EventKind.TRIGGERED, SPENT, 1, NOW), about(words))
    assert (CHANGE in actions(message)) is offered


def test_the_end_of_a_corrected_sum_says_so():
    corrected = AlertEvent(EventKind.ENDED, replace(SPENT, value=47 * DOLLAR), 1, TODAY.end)
    assert ending(corrected, rule_of(DAILY)) == (
        "The day ended at $47.00. OpenRouter corrected its figures after this alert."
    )


def test_an_acknowledged_alert_names_the_person_and_has_no_button():
    event = AlertEvent(EventKind.TRIGGERED, SPENT, 1, NOW)
    done = about(DAILY, acknowledged="U0BEN", snoozed=NOW + HOUR, muted="U0BEN")
    message = alert(event, done)
    shown = str(message.blocks)
    assert "<@U0BEN> acknowledged this" in shown
    assert "Snoozed until today 12:31" in shown
    assert ACKNOWLEDGE not in actions(message)
    assert MUTE not in actions(message)
    assert cards.UNMUTE in actions(message)


def test_later_events_are_replies_in_the_thread():
    further = AlertEvent(EventKind.FURTHER, limit(101), 2, NOW)
    assert "*101% used: $101.00 of $100.00" in reply(further, about("budget")).text
    calm = AlertEvent(EventKind.RECOVERED, spiked(1), 0, NOW)
    assert reply(calm, about("spike")).text == ":white_check_mark: *Resolved.* Back to normal."


def test_a_combined_message_lists_as_many_alerts_as_fit():
    events = [
        AlertEvent(EventKind.TRIGGERED, replace(SPENT, label=f"Person {n}"), 1, NOW)
        for n in range(60)
    ]
    rising = [
        Item(
            replace(one, measurement=replace(one.measurement, value=(n + 51) * DOLLAR)),
            about(DAILY),
        )
        for n, one in enumerate(events[:6])
    ]
    assert together(rising, "/activity").text.splitlines()[2].startswith("• Person 5: $56.00")
    items = [Item(one, about(DAILY)) for one in events]
    few, many = together(items[:6], "/activity"), together(items, "/activity")
    assert few.text.startswith("6 OpenRouter alerts\n")
    assert all(f"Person {n}" in few.text for n in range(6))
    listed = str(many.blocks).count("• Person")
    assert 20 < listed < 60
    assert f"{60 - listed} more" in str(many.blocks)
    assert many.text.count("OpenRouter spend over $50.00 today") == 1


def test_a_combined_message_shows_what_is_over_and_has_shared_buttons():
    first = AlertEvent(EventKind.TRIGGERED, SPENT, 1, NOW)
    over = AlertEvent(EventKind.ENDED, replace(SPENT, value=73 * DOLLAR, part=False), 1, TODAY.end)
    waits = Item(first, about(DAILY))
    done, ended = (
        replace(waits, about=about(DAILY, acknowledged="U0BEN")),
        Item(first, waits.about, over),
    )
    message = together([ended, done, waits], "/activity", ["A note."])
    assert message.text.startswith("3 OpenRouter alerts, 1 resolved")
    assert message.text.splitlines()[4] == (
        "• :white_check_mark: Ada: The day ended at $73.00, $23.00 over the $50.00 limit."
    )
    assert "<@U0BEN> acknowledged this" in str(message.blocks)
    assert "A note." in str(message.blocks)
    assert f"Data as of {stamp(NOW)}" in str(message.blocks)
    assert actions(message) == [ACKNOWLEDGE, WHY, LIST]
    nothing_left = together([ended, done], "/activity")
    assert actions(nothing_left) == [WHY, LIST]
    assert actions(together([ended], "/activity")) == [LIST]
    assert together([ended, ended], "/activity").text.startswith("2 OpenRouter alerts, all")


def test_an_alert_in_a_combined_message_says_what_drives_it():
    first = Item(AlertEvent(EventKind.TRIGGERED, SPENT, 1, NOW), about(DAILY))
    drawn = Detail(None, (), (Driver("claude", 3 * DOLLAR),), notes=("A note & more.",))
    lines = together([replace(first, detail=drawn), first], "/activity").text.splitlines()
    assert lines[3] == "A note &amp; more. Top models: claude $3.00"
    assert len(lines) == 5


def test_a_reply_to_a_combined_message_names_the_alert():
    full = AlertEvent(EventKind.FURTHER, limit(101), 2, NOW)
    calm = AlertEvent(EventKind.RECOVERED, spiked(1), 0, NOW)
    text = replies([(full, about("budget")), (calm, about("spike by key"))]).text
    assert text.splitlines()[0] == "*OpenRouter key limit more than 100% used: support-bot*"
    assert text.splitlines()[2] == "*OpenRouter spend spike: agent*"
    assert "Back to normal" in text.splitlines()[3]


def test_details_ask_the_matching_question():
    for words, measurement, expected in (
        (DAILY, SPENT, 'spend 2026-11-19 by key creator:Ada tz Europe/Berlin'),
        ("budget", limit(85), "spend 2026-11-16..2026-11-22 by model key:support-bot tz UTC"),
        ("spike by key", spiked(106), "spend 1d by model key:agent tz Europe/Berlin"),
    ):  # fmt: skip
        query = question(rule_of(words), measurement, BERLIN)
        assert query is not None
        assert query.words() == expected
    assert question(Rule(Stale()), SPENT, BERLIN) is None


def test_a_spike_is_explained_and_charted_with_its_measurement():
    words, measurement = about("spike by key"), spiked(106)
    span = words.rule.watch.chart_range(measurement, BERLIN)
    # the hour that runs is known by minute before its sum is
    detail = Detail(range=span, values=(*[DOLLAR] * (len(span.buckets) - 1), 0))
    message = alert(AlertEvent(EventKind.TRIGGERED, measurement, 1, NOW), words, detail)
    [drawn] = [block for block in message.blocks if block["type"] == "data_visualization"]
    assert drawn["chart"]["series"][0]["data"][-1]["value"] == 106
    assert (
        "Typical for this hour: $0.90 ± $0.22 (median of 12 comparable hours). Threshold: $5.00."
    ) in str(message.blocks)
    idle = AlertEvent(EventKind.TRIGGERED, spiked(60, usual([0] * 12, DOLLAR)), 1, NOW)
    assert (
        words.rule.watch.explanation(idle)
        == "Most comparable hours in the past 4 weeks had no usage. Threshold: $1.00."
    )


def test_drivers_are_compared_with_the_same_part_of_the_period_before():
    now, before = rule_of(DAILY).watch.driver_periods(SPENT)
    assert now == AlertPeriod(TODAY.start, NOW + timedelta(minutes=1))
    assert before == AlertPeriod(TODAY.start - DAY, NOW - DAY + timedelta(minutes=1))
    assert rule_of(DAILY).watch.pace_period(SPENT) == AlertPeriod(NOW - HOUR, NOW)


def test_money_and_times_are_formatted_for_people():
    shown = [price(n) for n in (0, 85_100_000_000, -3_200_000_000, 12_345_678_900_000, 1_200_000)]
    assert shown == ["$0", "$85.10", "-$3.20", "$12,345.68", "$0.0012"]
    assert clock(NOW + 20 * DAY, NOW, BERLIN) == "Wed 9 Dec, 11:31"
    assert [age(n) for n in (30, 3600, 11_100, 200_000)] == [
        "0 minutes", "1 hour", "3 hours 5 minutes", "2 days",
    ]  # fmt: skip


def card(words: str = DAILY, **more) -> cards.RuleCard:
    return cards.RuleCard("a7f", rule_of(words), BERLIN, "U0ADA", **more)


def test_a_new_rule_is_confirmed_with_its_meaning_and_current_figures():
    text = cards.made(card(), "/activity", now=[replace(SPENT, value=12 * DOLLAR)]).text
    assert text == (
        "*Alert set:* `alert spend &gt; $50 per day by creator`, to <@U0ADA>\n"
        "You'll get at most one message a day for each creator, as soon as spend passes the limit"
        " (Berlin time).\nNow: Ada: $12.00 of $50.00."
    )


@pytest.mark.parametrize(
    ("words", "value", "limit", "said"),
    [
        (DAILY, 60, 50, "It's already over the limit"),
        (DAILY, 50, 50, ""),
        ("forecast > $50 per month", 60, 50, "It's already on track to exceed it"),
        ("budget 80% 100%", 80, 100, "It's already at 80% or more"),
        ("budget 80% 100%", 79, 100, ""),
        ("credits < $100", 20, 100, "It's already below that"),
        ("new model", 20, 0, ""),
        ("spike", 60, 50, ""),
    ],
)
def test_a_confirmation_says_which_thresholds_are_exceeded_already(words, value, limit, said):
    measurement = replace(SPENT, value=value * DOLLAR, limit=limit * DOLLAR)
    rule = rule_of(words)
    assert cards.already(rule, [measurement]) == said
    assert cards.already(rule, [replace(measurement, value=None)]) == ""
    assert (f"*{said}.*" in preview_text(rule, BERLIN, [measurement])) is bool(said)


def test_a_confirmation_separates_the_thousands_of_what_exceeds_a_threshold():
    measurement = replace(SPENT, value=60 * DOLLAR, limit=50 * DOLLAR)
    said = cards.already(rule_of(DAILY), [measurement] * 2_000)
    assert said == "2,000 are already over the limit"


def test_the_list_shows_what_is_paused_snoozed_and_triggered():
    shown = card(paused="by <@U0BEN>", triggered=(SPENT,), silenced="snoozed until 14:00")
    message = cards.listing([shown], 1, 30, "/activity", everybody=True, quiet=None)
    assert "paused by <@U0BEN>" in message.text
    assert ":warning: Ada: $52.10 today" in message.text
    assert "page 1 of 3" in message.text
    assert validate(list(message.blocks)) == []
    assert "no alerts yet" in cards.listing([], 1, 0, "/activity", everybody=False).text
    resume = [e["action_id"] for e in message.blocks[2]["elements"]]
    assert resume == [cards.EDIT, cards.RESUME, cards.DELETE]


def test_quiet_hours_say_that_alerts_arrive_afterwards():
    text = cards.quiet_set(QuietHours(time(22), time(7)), BERLIN, "/activity").text
    assert "arrive afterwards" in text
    assert "every alert right away" in cards.quiet_set(None, BERLIN, "/activity").text


NAMES = st.text(max_size=90) | st.sampled_from(
    [
        "<!channel>",
        "<@U0EVE>",
        "*bold*",
        "&lt;",
        "&" * 300,
        "<https://evil|login>",
        "https://evil.example",
        "`code`",
        "\u202e",
        "",
    ]
)
RULES = st.sampled_from(
    [
        DAILY,
        "tokens > 10m per hour by key",
        "requests > 10k per month",
        "budget",
        "spike by key",
        "credits < $100",
        "new model",
        "forecast > $5000 per month by creator",
        "sync",
        'spend > $50 per week key:"<!channel>" creator:*`*',
    ]
)
AMOUNTS = st.integers(-(10**15), 10**18)
PERIODS = st.sampled_from(
    [None, *(span_at(unit, BERLIN, NOW) for unit in (Unit.HOUR, Unit.DAY, Unit.WEEK, Unit.MONTH))]
)


@given(
    RULES,
    NAMES,
    AMOUNTS,
    AMOUNTS,
    PERIODS,
    st.booleans(),
    st.sampled_from(list(EventKind)),
    st.data(),
)
def test_slack_accepts_messages_with_any_names(words, name, value, line, period, part, kind, data):
    rule = rule_of(words)
    found = data.draw(st.none() | st.just(USUAL))
    measurement = Measurement("7", name, value, abs(line), NOW, period, part, found)
    span = rule.watch.chart_range(measurement, BERLIN)
    values = data.draw(
        st.lists(st.integers(0, 10**15), min_size=len(span.buckets), max_size=len(span.buckets))
    ) if span else []  # fmt: skip
    driving = tuple(Driver(name, value, line) for _ in range(9))
    pace = SpendPace(abs(value), data.draw(st.sampled_from([HOUR, DAY])))
    detail = Detail(pace, driving, driving, span, tuple(values))
    event = AlertEvent(kind, measurement, data.draw(st.integers(0, 2)), NOW)
    known = about(words, notes=("It was meant for somebody else.",))
    latest = data.draw(st.none() | st.just(replace(event, kind=EventKind.ENDED)))
    shown = card(words, triggered=(measurement,) * 5)
    messages = [
        alert(event, known, detail, latest),
        reply(event, known, detail),
        together([Item(event, known, latest)] * data.draw(st.integers(1, 70)), "/activity"),
        replies([(event, known)] * data.draw(st.integers(1, 70))),
        cards.made(shown, "/activity", now=[measurement] * 5),
        cards.listing([shown] * cards.PAGE, 1, 40, "/activity", everybody=True),
    ]
    for message in messages:
        assert validate(list(message.blocks)) == []
        assert len(message.text) <= 4_000
        read = "".join(mrkdwn(list(message.blocks))) + message.text
        assert not any(sign in read.replace("<@U0ADA>", "") for sign in ("<!", "<@", "<http"))


def mrkdwn(found) -> list[str]:
    """All texts in which Slack would see a mention or a link."""
    if isinstance(found, dict):
        own = [found["text"]] if found.get("type") == "mrkdwn" else []
        return own + [text for value in found.values() for text in mrkdwn(value)]
    return [text for one in found for text in mrkdwn(one)] if isinstance(found, list) else []


@given(st.sampled_from([DAILY, "budget", "spike by key", "credits < $100"]), st.integers(0, 10**6))
def test_a_chart_has_one_point_for_every_label(words, minutes):
    at = NOW + timedelta(minutes=minutes)
    rule = rule_of(words)
    measurement = replace(SPENT, at=at, period=span_at(Unit.MONTH, BERLIN, at))
    span = rule.watch.chart_range(measurement, BERLIN)
    assert span is not None
    assert span.start <= at
    detail = Detail(range=span, values=tuple(range(1, len(span.buckets) + 1)))
    message = alert(AlertEvent(EventKind.TRIGGERED, measurement, 1, at), about(words), detail)
    charts = [block for block in message.blocks if block["type"] == "data_visualization"]
    assert len(charts) == (1 if len(span.buckets) > 1 else 0)
    for drawn in charts:
        labels = drawn["chart"]["axis_config"]["categories"]
        assert len(set(labels)) == len(labels) <= 20
        for series in drawn["chart"]["series"]:
            assert [point["label"] for point in series["data"]] == labels


def test_a_spike_of_an_hour_that_is_running_is_explained_from_its_minutes():
    measurement = spiked(50)
    running = why_question(rule_of("spike by key"), measurement, BERLIN, NOW)
    over = why_question(rule_of("spike by key"), measurement, BERLIN, NOW + HOUR)
    assert (str(running.period), str(over.period)) == ("1h", "1d")


@given(
    st.lists(
        st.tuples(
            st.none() | st.sampled_from([-1, 0, 1, 2, 10**17, 10**17 + 1]),
            st.sampled_from([0, 1, 3, 3 * 10**17, 3 * 10**17 + 1]),
        ),
        max_size=10,
    ),
    st.integers(0, 6),
)
def test_the_subjects_that_are_shown_are_those_closest_to_their_limits(figures, count):
    found = [
        Measurement(str(n), "Ada", value, limit, NOW) for n, (value, limit) in enumerate(figures)
    ]
    assert nearest(found, count) == sorted(found, key=share_of_limit, reverse=True)[:count]
