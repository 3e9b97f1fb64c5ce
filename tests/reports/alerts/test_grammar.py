"""The words of an alert: what they mean, and how mistakes are explained."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.alerts.draft import RuleDraft, WrongRule
from reports.alerts.grammar import EXAMPLES, ListAlerts, SetQuiet, is_alert, parse_alert, rule_of
from reports.alerts.kinds.above import Above
from reports.alerts.kinds.budget import Budget
from reports.alerts.kinds.cache import Cache
from reports.alerts.kinds.credits import Credits
from reports.alerts.kinds.forecast import Forecast
from reports.alerts.kinds.new import New
from reports.alerts.kinds.orphaned import Orphaned
from reports.alerts.kinds.retiring import Retiring
from reports.alerts.kinds.spike import Spike
from reports.alerts.kinds.stale import Stale
from reports.alerts.kinds.unused import Unused
from reports.alerts.periods import QuietHours
from reports.alerts.rule import Recipient, RecipientKind, Rule
from reports.alerts.validation import check
from reports.commands import parse_command
from reports.questions.grammar import CommandError, HelpCommand
from reports.time.period import Unit
from reports.usage.dimensions import STORED, Dimension, Filter, Metric, MoneySource

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
        (
            "spend > $50 per day by key to owner",
            Rule(DAILY, KEY, to=Recipient(RecipientKind.OWNER)),
        ),
        (
            "spend > $50 per day in <#C123|finance> urgent tz europe/berlin",
            Rule(
                DAILY,
                to=Recipient(RecipientKind.CHANNEL, "C123", "finance"),
                urgent=True,
                zone="Europe/Berlin",
            ),
        ),
        ("spend > $50 per day here", Rule(DAILY, to=Recipient(RecipientKind.CHANNEL))),
        ("spend > $50 per day Europe/Berlin", Rule(DAILY, zone="Europe/Berlin")),
        (
            "spend credits > $1,000.5 per month",
            Rule(Above(Metric.SPEND, 1_000_500_000_000, Unit.MONTH, MoneySource.CREDITS)),
        ),
        ("tokens > 10m per hour", Rule(Above(Metric.TOKENS, 10**7, Unit.HOUR))),
        ("tokens > 10 million per hour", Rule(Above(Metric.TOKENS, 10**7, Unit.HOUR))),
        ("requests > 1.5k per week", Rule(Above(Metric.REQUESTS, 1_500, Unit.WEEK))),
        ("budget", Rule(Budget((80, 100)))),
        ("budget 95%, 50 percent", Rule(Budget((50, 95)))),
        ("budget 80% by key to owner", Rule(Budget((80,)), KEY, to=Recipient(RecipientKind.OWNER))),
        ("spike", Rule(Spike())),
        ("spike by key > $20", Rule(Spike(20 * DOLLAR), KEY)),
        ("credits < $100", Rule(Credits(100 * DOLLAR))),
        ("balance below 0.5 usd", Rule(Credits(DOLLAR // 2))),
        ("new model by creator", Rule(New(MODEL), CREATOR)),
        ("new creator", Rule(New(CREATOR))),
        ("new users", Rule(New(CREATOR))),
        ("new keys to owner", Rule(New(KEY), to=Recipient(RecipientKind.OWNER))),
        ("forecast > $5k per month", Rule(Forecast(5_000 * DOLLAR))),
        ("sync urgent", Rule(Stale(), urgent=True)),
        ("key unused 60d", Rule(Unused(60))),
        ("unused keys 60 days", Rule(Unused(60))),
        ("key unused key:prod urgent", Rule(Unused(30), None, (Filter(KEY, "prod"),), urgent=True)),
        ("key orphaned", Rule(Orphaned())),
        ("orphaned keys", Rule(Orphaned())),
        ("cache < 50% by key", Rule(Cache(50), KEY)),
        ("caching below 60 percent", Rule(Cache(60))),
        ("retiring models", Rule(Retiring())),
    ],
)
def test_the_grammar_reads_alerts(words, rule):
    assert parse_alert(f"alert {words}") == rule
    assert parse_command(f"Alert {words}") == rule


@pytest.mark.parametrize(
    ("words", "said", "corrected"),
    [
        (
            "spend > 50 per day",
            "Is “50” in dollars? Then write it with a dollar sign.",
            "alert spend > $50 per day",
        ),
        ("spend > $50", "Is that $50 per hour, day, week or month?", "alert spend > $50 per day"),
        (
            "tokens > 5m",
            "Is that 5M tokens per hour, day, week or month?",
            "alert tokens > 5M per day",
        ),
        (
            "spend per day",
            "What is the limit? For example, `> $50 per day`.",
            "alert spend > $50 per day",
        ),
        ("spend > €50 per day", "OpenRouter bills in US dollars, not euros.", ""),
        ("credits < 50 GBP", "OpenRouter bills in US dollars, not pounds.", ""),
        ("spend > -$50 per day", "“-$50” is negative, so it's always exceeded.", ""),
        ("credits < -5", "“-5” is negative.", ""),
        ("credits < $0.001", "“$0.001” is less than a cent.", ""),
        (
            "spend > $99999999999999 per day",
            "“$99999999999999” is too high: it will never be reached in a day.",
            "",
        ),
        (
            "spend > $999999999 per hour",
            "“$999999999” is too high: it will never be reached in an hour.",
            "",
        ),
        ("spike > $2m", "“$2m” is too high: it will never be reached in an hour.", ""),
        ("forecast > $2b per month", "“$2b” is too high: it will never be reached.", ""),
        (
            "requests > 200b per hour",
            "“200b” is too high: it will never be reached in an hour.",
            "",
        ),
        ("spend > $0.001 per day", "“$0.001” is less than a cent, so any usage exceeds it.", ""),
        (
            "spend > $1,5 per day",
            "Write “$1,5” with a decimal point.",
            "alert spend > $1.50 per day",
        ),
        ("tokens > $50 per day", "Tokens aren't in dollars. To watch money, use `spend`.", ""),
        ("tokens > 0.5 per day", "“0.5” isn't a whole number of tokens.", ""),
        ("tokens byok > 5m per day", "`byok` only applies to spend, not to tokens.", ""),
        ("spend > $50 per year", "A limit can be per hour, day, week or month.", ""),
        (
            "spend > $50 per dya",
            "After `per` I need hour, day, week or month, not “dya”.",
            "alert spend > $50 per day",
        ),
        ("spend > 10x per day", "I can't read “10x” as an amount. Try $50, 500k, 10m or 80%.", ""),
        (
            "spnd > $60 per day",
            "I don't recognize “spnd” in an alert.",
            "alert spend > $60 per day",
        ),
        (
            "budget 150% by key",
            "Usage can't exceed 100% of a limit, so “150%” would never trigger.",
            "",
        ),
        (
            "budget by model",
            (
                "OpenRouter limits keys, members and workspaces, but not models, so this would"
                " never trigger."
            ),
            "",
        ),
        (
            "spend > $5 per day model:*:free",
            "Free models cost nothing, so this would never trigger.",
            "",
        ),
        (
            "budget 80",
            "Is “80” a percentage? Then write it with a percent sign.",
            "alert budget 80%",
        ),
        ("credits > $100", "An alert on credits needs a lower limit, with `<`.", ""),
        (
            "budget 80% to owner in <#C123|spend>",
            "An alert can only go to one place. Set up a second alert for the other.",
            "",
        ),
        (
            "spend > $70 per day here to me",
            "An alert can only go to one place. Set up a second alert for the other.",
            "",
        ),
        ("spend < $70 per day", "An alert on spend needs an upper limit, with `>`.", ""),
        (
            "credits < $100 by key",
            "The credit balance belongs to the whole organization and has no period.",
            "",
        ),
        (
            "spend > $50 per day to owner",
            "To send it to the owner, add `by creator`, `by key` or a filter.",
            "alert spend > $50 per day by creator to owner",
        ),
        (
            "credits < $100 to owner",
            "This is about the whole organization, so there is no owner to send it to.",
            "",
        ),
        (
            "spend > $50 per day in #finance urgent",
            (
                "I can't tell which channel “#finance” is. Pick it from the list that Slack shows"
                " while you type. For a private channel, use `here` inside it."
            ),
            "",
        ),
        (
            "spend > $50 per day to <@U0BEN|ben>",
            (
                "An alert can go to you, to the key's owner, or to a channel, but not to another"
                " person. They can set one up themselves."
            ),
            "",
        ),
        (
            "spend > $50 > $60 per day",
            "There are two thresholds, $50 and $60. Set up a second alert for the other one.",
            "",
        ),
        ("spend > $50 per day 7d", "“7d” only works in a question, not in an alert.", ""),
        (
            "forecast > $5000 per day",
            "A forecast is always per month.",
            "",
        ),
        (
            "requests > 0 per week",
            (
                "Any usage is above “0”. To be notified of first uses, use `alert new model`"
                " or `alert new key`."
            ),
            "",
        ),
        (
            "tokens > 0k per hour",
            (
                "Any usage is above “0k”. To be notified of first uses, use `alert new model`"
                " or `alert new key`."
            ),
            "",
        ),
        (
            "spend > $0 per day",
            (
                "Any usage is above “$0”. To be notified of first uses, use `alert new model`"
                " or `alert new key`."
            ),
            "",
        ),
        (
            "spend byok > $0.00 per month",
            (
                "Any usage is above “$0.00”. To be notified of first uses, use `alert new model` or"
                " `alert new key`."
            ),
            "",
        ),
        (
            "forecast > $0 per month",
            (
                "Any usage is above “$0”. To be notified of first uses, use `alert new model`"
                " or `alert new key`."
            ),
            "",
        ),
        ("new team", "After `new` I need model, key or creator, not “team”.", ""),
    ],
)
def test_a_mistake_is_explained_with_a_corrected_command(words, said, corrected):
    assert parse_alert(f"alert {words}") == CommandError(said, "", corrected, EXAMPLES)


def test_a_forecast_is_per_month_where_nothing_else_is_said():
    assert parse_alert("alert forecast > $5000") == parse_alert("alert forecast > $5000 per month")


def test_a_balance_threshold_may_be_zero():
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


def test_the_grammar_reads_quiet_hours():
    assert parse_alert("alert quiet 22:00-7:00") == SetQuiet(QuietHours(time(22), time(7)))
    assert parse_alert("alert quiet 10pm to 7am") == SetQuiet(QuietHours(time(22), time(7)))
    assert parse_alert("alert quiet off") == SetQuiet(None)


def test_the_grammar_reads_pages_of_the_list():
    assert parse_command("alerts") == parse_command("alert") == ListAlerts()
    assert parse_alert("alerts 3") == ListAlerts(3)
    assert parse_alert("alerts none") == CommandError(
        "After `alerts` I only understand a page number, not “none”.", "", "alerts", EXAMPLES
    )


def test_a_text_about_alerts_is_known_by_its_first_word():
    assert is_alert("ALERT spend")
    assert not is_alert("spend alert")
    assert not is_alert("")
    assert isinstance(parse_alert("alert help"), HelpCommand)


def test_a_misspelt_alert_is_suggested():
    found = parse_command("alrt spend > $50 per day")
    assert isinstance(found, CommandError)
    assert found.suggestion == "alert spend > $50 per day"


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_understood(example):
    assert not isinstance(parse_alert(example), CommandError | HelpCommand)


def test_other_words_are_not_a_rule():
    assert rule_of("spike by key") == Rule(Spike(), KEY)
    for words in ("quiet off", "nonsense", ""):
        with pytest.raises(ValueError, match="aren't a rule"):
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
              st.sampled_from(list(MoneySource))),
    st.builds(Above, st.sampled_from([Metric.TOKENS, Metric.REQUESTS]), COUNTS,
              st.sampled_from(list(Unit)[:4])),
    st.lists(st.integers(1, 100), min_size=1, max_size=4, unique=True).map(
        lambda parts: Budget(tuple(sorted(parts)))
    ),
    st.builds(Spike, NANO),
    st.builds(Credits, NANO),
    st.builds(New, st.sampled_from([MODEL, KEY])),
    st.builds(Forecast, NANO, st.sampled_from(list(MoneySource))),
    st.just(Stale()),
)  # fmt: skip
RULES = st.builds(
    Rule,
    WATCHES,
    st.none() | st.sampled_from(list(STORED)),
    st.lists(FILTERS, max_size=3, unique=True).map(tuple),
    st.sampled_from(
        [
            Recipient(),
            Recipient(RecipientKind.OWNER),
            Recipient(RecipientKind.CHANNEL, "C0FIN", "finance"),
            Recipient(RecipientKind.CHANNEL, "C0PRIV"),
            Recipient(RecipientKind.CHANNEL),
        ]
    ),
    st.booleans(),
    st.none() | st.sampled_from(["Europe/Berlin", "America/Argentina/Buenos_Aires"]),
)


@given(RULES)
def test_parsing_a_rules_words_gives_the_rule_or_a_correction(rule):
    found = parse_alert(f"alert {rule.words()}")
    if isinstance(found, CommandError):  # a rule that can never fire, or has no owner
        again = parse_alert(found.suggestion)
        assert isinstance(again, Rule) or not found.suggestion
        assert not isinstance(again, Rule) or rule_of(again.words()) == again
    else:
        assert found == rule


VOCABULARY = (
    "alert spend tokens > < $50 50 80% €5 -$3 per day hour by key creator model:x:free to me"
    " owner in <#C1|x> budget spike credits new forecast sync urgent tz Europe/Berlin quiet"
    " unused 60d orphaned retiring cache"
    ' 22:00-7:00 1,5 10m million key: " here #x'
)
TYPED = st.lists(st.sampled_from(VOCABULARY.split(" ")), max_size=12).map(" ".join)


@given(st.text(max_size=60) | TYPED)
def test_any_text_is_a_rule_or_an_error_with_a_valid_suggestion(typed):
    found = parse_alert(f"alert {typed}")
    if isinstance(found, CommandError):
        assert found.problem
        if found.suggestion:
            again = parse_alert(found.suggestion)
            assert not isinstance(again, CommandError), found


def test_a_draft_without_a_watch_is_corrected():
    with pytest.raises(WrongRule) as wrong:
        check(RuleDraft())
    assert wrong.value.rule == Rule(DAILY)


@pytest.mark.parametrize(
    "words",
    ["spend > $1m per hour", "spend > $10m per day", "forecast > $100m per month",
     "tokens > 10000b per hour", "credits < $100m"],
)  # fmt: skip
def test_large_but_possible_thresholds_are_accepted(words):
    assert isinstance(parse_alert(f"alert {words}"), Rule)
