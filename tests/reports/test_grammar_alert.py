"""The words of an alert: what they mean, and what is said where they mean nothing."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.alert import (
    Above,
    Budget,
    Credits,
    Forecast,
    New,
    Recipient,
    Rule,
    Spike,
    Stale,
    To,
)
from reports.alert_check import check
from reports.alert_draft import Draft, WrongRule
from reports.alert_time import Quiet
from reports.commands import parse_command
from reports.grammar import CommandError, Help
from reports.grammar_alert import (
    EXAMPLES,
    ListAlerts,
    SetQuiet,
    is_alert,
    parse_alert,
    rule_of,
)
from reports.period import Unit
from reports.query import Dimension, Filter, Metric, Source

DOLLAR = 10**9
DAILY = Above(Metric.SPEND, 50 * DOLLAR, Unit.DAY)
KEY, CREATOR, MODEL = Dimension.KEY, Dimension.CREATOR, Dimension.MODEL


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("spend > $50 per day", Rule(DAILY)),
        ("cost>$50/day", Rule(DAILY)),
        ("spend &gt; $50 per day", Rule(DAILY)),
        ("me when spend goes over 50 dollars a day", Rule(DAILY)),
        ("per day spend above 50$", Rule(DAILY)),
        ("spend > $50 daily by creator", Rule(DAILY, CREATOR)),
        ("spend > $50 per day for key:backend*", Rule(DAILY, None, (Filter(KEY, "backend*"),))),
        ("spend > $50 per day by key to owner", Rule(DAILY, KEY, to=Recipient(To.OWNER))),
        (
            "spend > $50 per day in <#C123|finance> urgent tz europe/berlin",
            Rule(DAILY, to=Recipient(To.CHANNEL, "C123", "finance"), urgent=True,
                 zone="Europe/Berlin"),
        ),
        ("spend > $50 per day here", Rule(DAILY, to=Recipient(To.CHANNEL))),
        ("spend > $50 per day Europe/Berlin", Rule(DAILY, zone="Europe/Berlin")),
        (
            "spend credits > $1,000.5 per month",
            Rule(Above(Metric.SPEND, 1_000_500_000_000, Unit.MONTH, Source.CREDITS)),
        ),
        ("tokens > 10m per hour", Rule(Above(Metric.TOKENS, 10**7, Unit.HOUR))),
        ("tokens > 10 million per hour", Rule(Above(Metric.TOKENS, 10**7, Unit.HOUR))),
        ("requests > 1.5k per week", Rule(Above(Metric.REQUESTS, 1_500, Unit.WEEK))),
        ("budget", Rule(Budget((80, 100)))),
        ("budget 95%, 50 percent", Rule(Budget((50, 95)))),
        ("budget 80% by key to owner", Rule(Budget((80,)), KEY, to=Recipient(To.OWNER))),
        ("spike", Rule(Spike())),
        ("spike by key > $20", Rule(Spike(20 * DOLLAR), KEY)),
        ("credits < $100", Rule(Credits(100 * DOLLAR))),
        ("balance below 0.5 usd", Rule(Credits(DOLLAR // 2))),
        ("new model by creator", Rule(New(MODEL), CREATOR)),
        ("new keys to owner", Rule(New(KEY), to=Recipient(To.OWNER))),
        ("forecast > $5k per month", Rule(Forecast(5_000 * DOLLAR))),
        ("sync urgent", Rule(Stale(), urgent=True)),
    ],
)  # fmt: skip
def test_it_reads_an_alert(words, rule):
    assert parse_alert(f"alert {words}") == rule
    assert parse_command(f"Alert {words}") == rule


@pytest.mark.parametrize(
    ("words", "said", "corrected"),
    [
        ("spend > 50 per day", "“50” of what? Money is written with a dollar sign.",
         "spend > $50 per day"),
        ("spend > $50", "$50 per hour, day, week or month?", "spend > $50 per day"),
        ("tokens > 5m", "5M tokens per hour, day, week or month?", "tokens > 5M per day"),
        ("spend per day", "Above how much? An alert needs a limit.", "spend > $50 per day"),
        ("spend > €50 per day", "OpenRouter counts in US dollars, not in euros.",
         "spend > $50 per day"),
        ("credits < 50 GBP", "OpenRouter counts in US dollars, not in pounds.", "credits < $50"),
        ("spend > -$50 per day", "“-$50” is below nothing, and so always exceeded.",
         "spend > $50 per day"),
        ("credits < -5", "“-5” is below nothing.", "credits < $5"),
        ("credits < $0.001", "“$0.001” is less than a cent.", "credits < $0.01"),
        ("spend > $99999999999999 per day",
         "“$99999999999999” is absurd: nobody will ever spend it in a day.",
         "spend > $50 per day"),
        ("spend > $999999999 per hour",
         "“$999999999” is absurd: nobody will ever spend it in an hour.", "spend > $50 per hour"),
        ("spike > $2m", "“$2m” is absurd: nobody will ever spend it in an hour.", "spike"),
        ("forecast > $2b per month", "“$2b” is absurd: nobody will ever spend it.",
         "forecast > $5,000 per month"),
        ("requests > 200b per hour",
         "“200b” is absurd: there will never be so many requests in an hour.",
         "requests > 10K per hour"),
        ("spend > $0.001 per day", "“$0.001” is less than a cent, which any use exceeds.",
         "spend > $0.01 per day"),
        ("spend > $1,5 per day", "“$1,5”: write decimals with a point.", "spend > $1.50 per day"),
        ("tokens > $50 per day", "Tokens are counted; money is watched with `spend`.",
         "spend > $50 per day"),
        ("tokens > 0.5 per day", "“0.5” is no whole number of tokens.", "tokens > 1 per day"),
        ("tokens byok > 5m per day", "`byok` is a source of money; tokens have none.",
         "tokens > 5M per day"),
        ("spend > $50 per year", "A limit is per hour, day, week or month.",
         "spend > $50 per month"),
        ("spend > $50 per dya", "After `per` comes hour, day, week or month, not “dya”.",
         "spend > $50 per day"),
        ("spend > 10x per day",
         "“10x” is no amount. Write $50, 500k, 10m (million) or 80%.", "spend > $50 per day"),
        ("spnd > $60 per day", "I do not know the word “spnd” in an alert.",
         "spend > $60 per day"),
        ("budget 150% by key",
         "More than all of a limit is never used, so “150%” could never fire.",
         "budget 100% by key"),
        ("budget by model",
         "Limits are set on keys and workspaces at OpenRouter, so this could never fire.",
         "budget 80% 100% by key"),
        ("spend > $5 per day model:*:free", "Free models cost nothing, so this could never fire.",
         "requests > 10K per day model:*:free"),
        ("budget 80", "“80” of what? A part of a limit is written in percent.", "budget 80%"),
        ("credits > $100", "An alert on credits tells when the balance falls below a limit.",
         "credits < $100"),
        ("budget 80% to owner in <#C123|spend>",
         "That names two recipients: an alert has one. Make a second alert for the other.",
         "budget 80% to owner"),
        ("spend > $70 per day here to me",
         "That names two recipients: an alert has one. Make a second alert for the other.",
         "spend > $70 per day here"),
        ("spend < $70 per day", "An alert on spend tells when it goes above a limit.",
         "spend > $70 per day"),
        ("credits < $100 by key",
         "The balance is whole organization's, and is what it is at the moment.",
         "credits < $100"),
        ("spend > $50 per day to owner",
         "An owner is the creator concerned: say whose, with `by creator`, `by key` or a filter.",
         "spend > $50 per day by creator to owner"),
        ("credits < $100 to owner",
         "This belongs to whole organization, so there is no owner to tell.",
         "credits < $100"),
        ("spend > $50 per day in #finance urgent",
         ("I cannot tell which channel “#finance” is. Pick it from the list that Slack shows as you"
         " type; a private channel, from within it with `here`."),
         "spend > $50 per day here urgent"),
        ("spend > $50 per day to <@U0BEN|ben>",
         ("An alert is told to you, to the owner of what it is about, or in a channel. Others can"
          " set one up for themselves."), "spend > $50 per day"),
        ("spend > $50 > $60 per day",
         ("There are two thresholds, $50 and $60: an alert has one. Make a second alert for the"
         " other."), "spend > $50 per day"),
        ("spend > $50 per day 7d", "“7d” belongs into a question, not into an alert.",
         "spend > $50 per day"),
        ("forecast > $5000", "A forecast is of the whole month.", "forecast > $5,000 per month"),
        *((f"{words} > {zero} per {unit}",
           (f"“{zero}” is no threshold: any use is above it. To hear of first uses there are"
           " `alert new model` and `alert new key`."), f"{words} > {usual} per {unit}")
          for words, zero, unit, usual in (
              ("requests", "0", "week", "10K"), ("tokens", "0k", "hour", "10M"),
              ("spend", "$0", "day", "$50"), ("spend byok", "$0.00", "month", "$50"),
              ("forecast", "$0", "month", "$5,000"))),
        ("new creator", "After `new` comes model or key, not “creator”.", "new model"),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_a_sentence_and_the_corrected_command(words, said, corrected):
    assert parse_alert(f"alert {words}") == CommandError(said, "", f"alert {corrected}", EXAMPLES)


def test_a_balance_of_nothing_is_a_line_that_can_be_crossed():
    assert parse_alert("alert credits < $0") == Rule(Credits(0))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("$5000", "$5,000"), ("$1.1", "$1.10"), ("$45.8", "$45.80"), ("$1.5k", "$1,500"),
     ("$12345.678", "$12,345.678"), ("$0.05", "$0.05"), ("$100.00", "$100")],
)  # fmt: skip
def test_a_rule_writes_money_as_its_messages_do(typed, shown):
    rule = parse_alert(f"alert spend > {typed} per day")
    assert isinstance(rule, Rule)
    assert rule.words() == f"spend > {shown} per day"


def test_it_reads_quiet_hours():
    assert parse_alert("alert quiet 22:00-7:00") == SetQuiet(Quiet(time(22), time(7)))
    assert parse_alert("alert quiet 10pm to 7am") == SetQuiet(Quiet(time(22), time(7)))
    assert parse_alert("alert quiet off") == SetQuiet(None)


def test_it_lists_alerts_by_page():
    assert parse_command("alerts") == parse_command("alert") == ListAlerts()
    assert parse_alert("alerts 3") == ListAlerts(3)
    assert parse_alert("alerts none") == CommandError(
        "After `alerts` comes nothing, or the number of a page, not “none”.", "", "alerts", EXAMPLES
    )


def test_the_first_word_says_that_it_is_about_alerts():
    assert is_alert("ALERT spend")
    assert not is_alert("spend alert")
    assert not is_alert("")
    assert isinstance(parse_alert("alert help"), Help)


def test_a_misspelt_alert_is_suggested():
    found = parse_command("alrt spend > $50 per day")
    assert isinstance(found, CommandError)
    assert found.suggestion == "alert spend > $50 per day"


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_understood(example):
    assert not isinstance(parse_alert(example), CommandError | Help)


def test_only_the_words_of_a_rule_are_one():
    assert rule_of("spike by key") == Rule(Spike(), KEY)
    for words in ("quiet off", "nonsense", ""):
        with pytest.raises(ValueError, match="words of a rule"):
            rule_of(words)


NANO = st.integers(10**7, 10**18)
COUNTS = st.integers(1, 10**15)
FILTERS = st.builds(
    Filter,
    st.sampled_from([KEY, CREATOR, MODEL]),
    st.sampled_from(["prod", "backend*", "Prod key", "x:y", "claude*", "me", "to me", "a>b", "$5"]),
)
WATCHES = st.one_of(
    st.builds(Above, st.just(Metric.SPEND), NANO, st.sampled_from(list(Unit)[:4]),
              st.sampled_from(list(Source))),
    st.builds(Above, st.sampled_from([Metric.TOKENS, Metric.REQUESTS]), COUNTS,
              st.sampled_from(list(Unit)[:4])),
    st.lists(st.integers(1, 100), min_size=1, max_size=4, unique=True).map(
        lambda parts: Budget(tuple(sorted(parts)))
    ),
    st.builds(Spike, NANO),
    st.builds(Credits, NANO),
    st.builds(New, st.sampled_from([MODEL, KEY])),
    st.builds(Forecast, NANO, st.sampled_from(list(Source))),
    st.just(Stale()),
)  # fmt: skip
RULES = st.builds(
    Rule,
    WATCHES,
    st.none() | st.sampled_from(list(Dimension)),
    st.lists(FILTERS, max_size=3, unique=True).map(tuple),
    st.sampled_from(
        [Recipient(), Recipient(To.OWNER), Recipient(To.CHANNEL, "C0FIN", "finance"),
         Recipient(To.CHANNEL, "C0PRIV"), Recipient(To.CHANNEL)]
    ),
    st.booleans(),
    st.none() | st.sampled_from(["Europe/Berlin", "America/Argentina/Buenos_Aires"]),
)  # fmt: skip


@given(RULES)
def test_a_rule_reads_back_from_its_words_or_is_corrected_to_one_that_does(rule):
    found = parse_alert(f"alert {rule.words()}")
    if isinstance(found, CommandError):  # a rule that can never fire, or has no owner
        again = parse_alert(found.suggestion)
        assert isinstance(again, Rule)
        assert rule_of(again.words()) == again
    else:
        assert found == rule


VOCABULARY = (
    "alert spend tokens > < $50 50 80% €5 -$3 per day hour by key creator model:x:free to me"
    " owner in <#C1|x> budget spike credits new forecast sync urgent tz Europe/Berlin quiet"
    ' 22:00-7:00 1,5 10m million key: " here #x'
)
TYPED = st.lists(st.sampled_from(VOCABULARY.split(" ")), max_size=12).map(" ".join)


@given(st.text(max_size=60) | TYPED)
def test_whatever_is_typed_is_a_rule_or_a_sentence_whose_suggestion_is_understood(typed):
    found = parse_alert(f"alert {typed}")
    if isinstance(found, CommandError):
        assert found.problem
        if found.suggestion:
            again = parse_alert(found.suggestion)
            assert not isinstance(again, CommandError), found


def test_a_draft_without_a_watch_is_corrected():
    with pytest.raises(WrongRule) as wrong:
        check(Draft())
    assert wrong.value.rule == Rule(DAILY)


@pytest.mark.parametrize(
    "words",
    ["spend > $1m per hour", "spend > $10m per day", "forecast > $100m per month",
     "tokens > 10000b per hour", "credits < $100m"],
)  # fmt: skip
def test_what_is_large_but_possible_is_taken(words):
    assert isinstance(parse_alert(f"alert {words}"), Rule)
