"""Determines the topic of a question in natural language, if it isn't about usage figures.

Topics are recognized by single words and phrases. A question with none of them is about usage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from reports.natural import vocabulary
from reports.natural.changes import (
    AGAINST,
    DIRECTIONS,
    GROWTH,
    QUALITY,
    asks_for_direction,
    asks_for_reasons,
    asks_what_grew,
)
from reports.questions.kind_options import days_of
from reports.questions.kinds import ANSWERED
from reports.questions.query import QueryKind
from reports.questions.topics import BALANCE, BUDGET, ME, Topic, ungroupable, until_words
from reports.time.period import Unit
from reports.usage.dimensions import Dimension

_ABOUT_ME = (
    "who are you", "who r u", "what are you", "what can you", "what do you do", "what can i ask",
    "how do you work", "how does this work", "are you a bot", "are you there", "introduce yourself",
    "what is this", "what's this", "your name",
)  # fmt: skip
_GREETINGS = {
    "thanks", "thank", "you", "thx", "ty", "cheers", "great", "nice", "cool", "perfect", "awesome",
    "ok", "okay", "a", "lot", "very", "much", "so", "hello", "hey", "hi", "hiya", "howdy", "yo",
    "good", "morning", "afternoon", "evening", "day", "night", "there", "bot", "activity", "all",
    "everyone", "bye", "goodbye", "welcome", "are", "how", "please", "sorry", "got", "it", "done",
    "well", "job", "work", "love", "this", "that's", "is", "and", "to", "today",
}  # fmt: skip
_GREETS = {
    "thanks", "thank", "thx", "ty", "cheers", "great", "nice", "cool", "perfect", "awesome", "ok",
    "okay", "hello", "hey", "hi", "hiya", "howdy", "yo", "good", "bye", "goodbye", "welcome",
    "sorry", "well", "got", "love", "how",
}  # fmt: skip
_FORECAST = {
    "estimate", "estimates", "expected", "expect", "eom",
    "outlook", "trajectory", "predict",
    "forecast", "forecasts", "forecasted", "projected", "projection", "projections", "predicted",
    "prediction", "predictions", "heading", "extrapolate", "runrate", "run-rate",
}  # fmt: skip
_FORECAST_PHRASES = (
    "how will",
    "will we", "will i", "will it", "will our", "will my", "on track", "run rate", "on pace",
    "going to exceed", "going to hit", "going to reach", "going to pass", "going to end",
    "going to spend", "going to cost", "going to be", "going to go", "going to rise",
    "going to increase", "gonna", "how much will", "what will",
    "by the end of", "by end of", "by month end", "at the end of the month",
    "end up", "will the",
    "next month", "next week", "next year", "tomorrow", "next quarter",
    "end of month", "end of the month", "month end",
)  # fmt: skip
_WHY_PHRASES = (
    "anything change", "anything changed", "driving costs", "driving our", "driving up",
    "driving the", "what made",
    "what changed", "what's changed", "what has changed", "what happened", "what's different",
    "what is different", "how come", "what drove", "what's driving", "what is driving",
    "what caused", "what's behind", "what is behind", "what explains",
)  # fmt: skip
_GOT = {"got", "gotten", "getting", "became", "become", "becoming"}
_COSTLIER = {"expensive", "cheaper", "pricier", "costlier"}
_WHY = {"why", "explain", "reason", "reasons", "cause", "caused"}
_PRICE = {"price", "prices", "pricing", "priced"}
_PRICE_PHRASES = (
    "per million", "per 1m", "per m tokens", "per token", "per 1k", "per request", "a token",
    "a million tokens", "per call", "per thousand", "each token", "per mtok", "unit cost",
    "unit price", "one request", "one call", "single request", "a request cost", "a call cost",
    "request costs", "a request", "each request",
)  # fmt: skip
_BEST_PRICE = ("best price", "best prices", "best value", "value for money", "good value")
_KIND_PHRASES: dict[QueryKind, tuple[str, ...]] = {
    QueryKind.PRICE: (
        "per million tokens",
        "per million",
        "per 1m tokens",
        "per 1m",
        "per m tokens",
        "per mtok",
        "per token",
        "per 1k tokens",
        "per 1k",
        "per thousand tokens",
        "per thousand",
        "per request",
        "per call",
        "a million tokens",
        "a token",
        "each token",
        "a request",
        "each request",
        "one request",
        "one call",
        "a single request",
        "single request",
        "unit cost",
        "unit costs",
        "unit price",
        "unit prices",
        "a call",
    ),
    QueryKind.WHY: (
        "how come",
        "compared to before",
        *(f"{word} {usual}" for word in AGAINST for usual in ("normal", "usual", "typical")),
        "than usual",
        "than normal",
        "than before",
        "so much more",
        "so much",
        "go up",
        "go down",
        "went up",
        "went down",
        "gone up",
        "gone down",
        "going up",
        "going down",
    ),
    QueryKind.FORECAST: (
        "by the end of the month",
        "by the end of month",
        "by end of month",
        "by month end",
        "at the end of the month",
        "end of the month",
        "end of month",
        "month end",
        "by the end of",
        "by end of",
        "on track",
        "on pace",
        "run rate",
        "going to be",
        "going to spend",
        "going to cost",
        "end up",
    ),
    QueryKind.CACHE: (
        "hit rate",
        "hit rates",
        "hit ratio",
        "what share of",
        "share of",
        "percentage of",
        "percent of",
        "proportion of",
        "worth it",
        "without caching",
        "without cache",
        "without a cache",
        "without the cache",
        "pay off",
    ),
}
"""Phrases that only say which kind a question is."""
_FILLERS: dict[QueryKind, set[str]] = {
    QueryKind.PRICE: _PRICE | {
        "cheapest", "cheaper", "best", "value", "good", "get", "gets",
        "token", "tokens", "million", "unit", "effective", "blended", "rate", "pay", "charged",
        "request", "requests", "call", "calls",
    },
    QueryKind.WHY: _WHY | {
        "changed", "change", "changes", "different", "difference", "driving", "drove", "behind",
        "happened", "happening", "spike", "spiked", "jump", "jumped", "increase", "increased",
        "increasing", "decrease", "decreased", "rise", "rose", "risen", "drop", "dropped", "drops",
        "fell", "fall", "grow", "grew", "growth", "high", "low", "such", "explains", "bigger",
        "come", "suddenly", "surge", "surged", "has", "price", "prices", "pricing", *_GOT,
        "cheaper", "pricier", "costlier", *DIRECTIONS, "isn't", "aren't", "hasn't", "haven't",
        "didn't", "volume", "mix", "traffic", "most", "biggest", "largest", "fastest", "made",
        "pushed", "normal", "usual", "typical", "ok", "too", *GROWTH,
    },
    QueryKind.FORECAST: _FORECAST | DIRECTIONS | {
        "will", "end", "ends", "track", "stay", "exceed", "finish", "close", "by", "estimated",
        "budget", "land", "when", "hit", "hits", "break",
        "reach", "reaches", "pass", "cross", "likely",
        "probably", "bill", "coming", "should", "expecting", "remaining", "left", "to", "come",
        "still", "more", "final", "finally", "outlook", "trajectory", "pace", "current",
    },
    QueryKind.CACHE: {
        "cache", "caches", "cached", "caching", "uncached", "prompt", "prompts", "input", "hit",
        "hits", "rate", "rates", "ratio", "save", "saved", "saves", "saving", "savings", "work",
        "works", "worked", "working", "effective", "effectively", "efficient", "efficiency",
        "worth", "good", "well", "help", "helps", "helped", "helping", "why", "where", "when",
        "fall", "fell", "fallen", "drop", "dropped", "went", "down", "low", "reasoning", "share",
        "shares", "percentage", "percent", "proportion", "completion", "output", "wasting",
        "waste", "wasted", "benefit", "benefits", "benefited", "profit", "profits", "worse",
        "better", "broken", "broke", "break", "get", "getting", "got", "most", "best", "worst",
        "isn't", "aren't", "doesn't", "don't",
        "hitting", "because", "thanks", "enabled", "on", "off", "doing", "ok", "okay",
    },
}  # fmt: skip
"""Words that only name the kind, or mean nothing, in a question of that kind."""
_MOVING = {"switch", "move", "migrate"}
"""Words that ask what if, where a sentence begins with them: `switch ci to haiku`."""
_WHATIF_PHRASES = (
    "be cheaper than", "cheaper would",
    "what if", "what-if", "if we moved", "if we switched", "if we replaced", "if we used",
    "if we move", "if we switch", "if we replace", "if we use", "if we had", "if i switched",
    "if i used", "would it cost", "would everything cost", "would we save", "would we have",
    "would it have",
    "could we save",
)  # fmt: skip
_WHATIF = {
    "whatif",
    "simulate",
    "hypothetically",
    "swap",
    "swapped",
    "swapping",
    "replace",
    "replacing",
}
_LEFT = {"left", "remaining", "remain", "remains"}
_LIMITS = {"limit", "limits", "quota", "quotas", "cap", "caps", "allowance", "guardrail",
           "guardrails", "headroom", "blocked", "blocking", "capped", "maxed"}  # fmt: skip
_RESETS = {"reset", "resets", "renew", "renews"}
_NEGLECTED = {"dead", "inactive", "abandoned", "forgotten", "redundant"}
"""Words beside which keys are those that nobody uses."""
_KEYS = {"unlimited", "unused", "orphaned", "expiring", "expired", "expire", "expires", "stale",
         "idle"}  # fmt: skip
_OF_KEYS = _NEGLECTED | {"old", "oldest", "age"}
"""Words that beside `key` are about the list of keys, though not by themselves."""
_LEAVERS = ("who left", "left the company", "left the organization", "no longer here",
            "no longer work here", "no longer works here", "no longer work for us",
            "former employees", "former people", "ex-employees", "ex employees", "ex-people",
            "leavers")  # fmt: skip
_OF_LEAVERS = (*_LEAVERS, "have left", "has left", "without an owner", "no owner")
_UNUSED_PHRASES = (
    "never used", "not used", "not been used", "haven't been used", "hasn't been used",
    "haven't used", "nobody uses", "no one uses", "nobody has used", "no one has used",
    "nobody used", "no one used", "not in use",
)  # fmt: skip
_DELETE = {"delete", "deletable", "remove", "revoke", "deactivate", "cleanup"}
_DELETE_PHRASES = ("clean up", "get rid of", "rid of", "don't need", "no longer need",
                   "no longer needed", "not needed")  # fmt: skip
"""Words about keys that ask which of them nobody would miss: those that are unused."""
_KEYS_PHRASES = ("no limit", "without a limit", "without limit", "without limits", "no limits",
              *_UNUSED_PHRASES, *_OF_LEAVERS)  # fmt: skip
_LIMITS_PHRASES = (
    "i still spend", "i still use", "we still spend", "we still use", "still be spent",
    "stops first", "stop first", "stops us", "stop us", "block us",
    "blocks us", "hit first", "full first", "run out first", "runs out first",
)  # fmt: skip
_FILLERS[QueryKind.LIMITS] = _LIMITS | _LEFT | {
    "why", "balance",
    "budget", "budgets", "when", "will", "near", "nearly", "almost", "close", "closest", "its",
    "their", "hits", "hitting", "reach", "reaches", "reached", "full", "first", "next", "soon",
    "stop", "stops", "block", "blocks", "blocked", "exceeded", "exceeds", "apply", "applies", "run",
    "runs", "set", "against", "under", "above", "date", "time", "out", "room", "ran", "max", "at",
    "which", "what's", *_RESETS,
}  # fmt: skip
_KIND_PHRASES[QueryKind.LIMITS] = ("run out", "runs out", "running out", "not hit")
_RETIRING = {
    "retire", "retires", "retired", "retiring", "retirement", "deprecate", "deprecated",
    "deprecating", "deprecation", "deprecations", "sunset", "sunsetted", "sunsetting",
    "discontinued", "discontinue", "eol", "obsolete",
}  # fmt: skip
_RETIRING_PHRASES = ("end of life", "going away", "go away", "shut down", "shutting down",
                  "end date", "end dates", "phased out")  # fmt: skip
_KIND_PHRASES[QueryKind.RETIRING] = _RETIRING_PHRASES
_FILLERS[QueryKind.RETIRING] = _RETIRING | {
    "soon", "next", "still", "date", "dates", "will", "end", "ends", "when", *vocabulary.UNITS,
}  # fmt: skip
_ADDED = {"created", "added", "made", "issued"}
"""Words that say of `keys` that they are new."""
_OWNING = {"whose", "owns", "owned", "owner", "owners", "own", "belong", "belongs", "belonging"}
_FILLERS[QueryKind.KEYS] = _KEYS | _OWNING | _OF_KEYS | _DELETE | _ADDED | {
    "safe", "safely", "last", "used", "spends", "spend", "spending", "spent", "costs", "cost",
    "money", "former", "employees", "employee", "leavers", "ex-employees", "ex", "work", "works",
    "here", "gone", "since", "after", "up", "get", "rid", "could", "keep", "should", "don't",
    "need",
    "keys", "belong", "belongs", "soon", "nobody", "no-one", "people", "person", "someone", "never",
    "anymore", "longer", "while", "long", "old", "limit", "limits", "still", "left", "haven't",
    "hasn't", "aren't", "isn't", "will", "when",
}  # fmt: skip
_KIND_PHRASES[QueryKind.KEYS] = (
    *_KEYS_PHRASES, *_DELETE_PHRASES, "with no owner", "a while", "who have left", "who has left",
    "no longer", "not being used", "were not used", "was not used", "the company",
    "the organization",
)  # fmt: skip
_KEY_FLAGS = {
    "unused": (
        {"unused", "stale", "idle"} | _DELETE | _NEGLECTED,
        _UNUSED_PHRASES + _DELETE_PHRASES,
    ),
    "unlimited": (
        {"unlimited"},
        ("no limit", "without a limit", "without limit", "without limits", "no limits"),
    ),
    "orphaned": ({"orphaned"}, _OF_LEAVERS),
    "expiring": ({"expiring", "expired", "expire", "expires"}, ()),
}
_SHARES = {"share", "shares", "ratio", "percentage", "percent", "proportion", "part"}
_LISTING_KEYS = {"list", "show", "me", "my", "mine", "all", "the", "our", "of", "api", "keys",
                 "what", "which", "are", "there", "do", "we", "have", "exist",
                 "please", "how", "many"}  # fmt: skip
_USING_KEYS = {"by", "per", "each", "use", "uses", "used", "using", "usage", "top", "biggest",
               "largest", "most", "break", "down", "split", "group", "grouped", "compare", "active",
               "without", "except", "excluding", "not"}  # fmt: skip
"""Words beside which `keys` is about their usage."""
_BALANCE = {"balance", "top-up", "topup", "runway"}
_BUDGETS = {"budget", "budgets"}
_BALANCE_PHRASES = (
    "running low", "run dry", "runs dry", "running dry",
    "run out", "running out", "last us", "credits last", "credit last", "enough credits",
    "enough credit", "enough money", "enough balance", "credit balance", "top up",
    "credits enough", "credits sufficient",
)  # fmt: skip
_LASTING = {"enough", "last", "lasts", "out", "sufficient", "suffice"}
_SPENT = {"used", "use", "spent", "spend", "cost", "burned", "using", "spending"}
_OF_BALANCE = _BALANCE | _BUDGETS | _LASTING | _LEFT | {
    "will", "won't", "when", "long", "until", "till", "before", "end", "lasting", "need", "soon",
    "run", "runs", "running", "ran", "credit", "credits", "money", "funds", "cash", "wallet", "be",
    "next", "current", "pace", "rate", "by", "healthy", "low", "fine", "ready", "empty", "zero",
    "add", "more", "deposit", "refill", "recharge", "buy", "must", "top", "up", "prepaid", "i",
    "over", "under", "within", "exceeded", "exceed", "track", "near", "close", "reached", "reach",
    "blown", "hit", "limits", "still", "good", "well", "no", "not", "any", "if", "safe", "tomorrow",
    "couple", "few", "another", "weekend", "month-end", "eom", "going", "there", "new", "set",
    "exhausted", "gone", "dry", "short", "bankrupt", "broke", "status", "state", "today", "stand",
}  # fmt: skip
"""Words of questions about the balance or budgets that don't narrow them."""
_UNTIL = {"today": Unit.DAY, "day": Unit.DAY, "week": Unit.WEEK, "month": Unit.MONTH,
          "month-end": Unit.MONTH, "eom": Unit.MONTH, "year": Unit.YEAR}  # fmt: skip
"""Words for what the credits should last through."""
_PLANNED_DIMENSIONS = {
    "apps": Topic.APP, "workspaces": Topic.WORKSPACE,
    "teams": Topic.TEAM, "departments": Topic.TEAM,
}  # fmt: skip
_ONE_OF_SUCH = {"top", "biggest", "largest", "most", "each", "every"}
_NEW = {"new", "newly", "newest"}
NEW_OF = {
    **dict.fromkeys(("model", "models"), "models"),
    **dict.fromkeys(("key", "keys"), "keys"),
    **dict.fromkeys(
        (word for word, one in vocabulary.DIMENSIONS.items() if one is Dimension.CREATOR),
        "creators",
    ),
}
"""What `new` may refer to, by its words."""
_FILLERS[QueryKind.NEW] = _NEW | _ADDED | {
    "started", "start", "newcomers",
    "tried", "try", "there", "first", "time", "recently", "used", "joined",
    "api",
}  # fmt: skip
_SLOW = {
    "latency", "latencies", "slow", "slower", "slowest", "faster", "fastest", "speed", "p50", "p95",
}  # fmt: skip
_FAST = {"fast"}
_SLOW_PHRASES = ("response time", "response times", "how long do", "how long does", "how long did")
_OF_MONEY = {
    "spend", "spending", "burn", "burning", "money", "credits", "budget", "budgets", "grow",
    "growing", "run", "cost", "costs",
}  # fmt: skip
"""Words beside which `fast` is about how much is used, not about how long a request takes."""
_FAILED = {
    "error", "errors", "errored", "erroring", "fail", "fails", "failed", "failing", "failure",
    "failures",
}  # fmt: skip
_FILLERS[QueryKind.LATENCY] = _SLOW | _FAST | DIRECTIONS | QUALITY | {
    "response", "time", "times", "long", "take", "takes", "took", "respond", "responds", "reply",
    "answer", "requests", "request", "call", "calls", "median", "percentile", "seconds", "why",
}  # fmt: skip
_BROKEN = {"break", "broke", "broken", "breaking", "wrong", "crash", "crashed"}
_FILLERS[QueryKind.ERRORS] = _FAILED | _BROKEN | DIRECTIONS | QUALITY | {
    "rate", "rates", "ratio", "share", "percentage", "percent", "proportion", "requests", "request",
    "call", "calls", "generations", "often", "why",
}  # fmt: skip
_KIND_PHRASES[QueryKind.LATENCY] = ("response time", "response times")
_KIND_PHRASES[QueryKind.ERRORS] = ("error rate", "failure rate", "share of", "percentage of")
_BY_WORDS: tuple[tuple[Topic, set[str], tuple[str, ...]], ...] = (
    (Topic.RETIRING, _RETIRING, _RETIRING_PHRASES),
    (Topic.WHATIF, _WHATIF, _WHATIF_PHRASES),
    (Topic.WHY, _WHY, _WHY_PHRASES),
)
"""Topics with words and phrases, any of which is sufficient; the first matching topic counts."""
TOPIC_WORDS = tuple(sorted(
    {str(kind) for kind in ANSWERED} | _FORECAST | _WHY | _PRICE | _WHATIF | _LIMITS | _KEYS
    | _RETIRING | _BALANCE | _BUDGETS | _SLOW | _FAILED | {"caching", "cached", "credits"}
))  # fmt: skip
"""Words that name a topic by themselves."""


def greets(words: Sequence[str]) -> bool:
    """Whether words (lower case) only greet, thank, or ask what the bot is."""
    text = " ".join(words)
    if words[0] in {*vocabulary.PARTS_OF_DAY, "gm"} and set(words[1:]) <= _GREETINGS:
        return True
    if any(text.startswith(phrase) or text.endswith(phrase) for phrase in _ABOUT_ME):
        return len(words) < 10
    return bool(_GREETS & set(words)) and set(words) <= _GREETINGS


def topic_of(words: Sequence[str], *, named: bool = False) -> str:
    """The command (a topic, `balance`, `budget`, `me`) that words mean; empty for usage figures.

    The words are in lower case, without names and punctuation; `named`: there were names.
    """
    found = _topic_of(words, named=named)
    # what a key or a person has left depends on its limits; the balance is shared
    if named and found in {BALANCE, BUDGET}:
        return Topic.LIMITS
    until = _lasting_until(words) if found == BALANCE else None
    return f"{BALANCE} {until_words(until)}" if until else found


def is_about_balance(word: str) -> bool:
    """Whether a word only says that a question is about the balance or budgets."""
    bare = word.casefold().strip("?!.,;").removesuffix("'s")
    return bare in _OF_BALANCE or bare in vocabulary.UNITS or bare in vocabulary.NUMBERS


def _lasting_until(words: Sequence[str]) -> Unit | None:
    """The day, week, month or year for which words ask if the credits last."""
    of_the_past = any(one == "last" and after in _UNTIL for one, after in pairwise(words))
    if not _LASTING & set(words) or {"next", "when"} & set(words) or of_the_past:
        return None
    return next((_UNTIL[word] for word in reversed(words) if word in _UNTIL), None)


def _topic_of(words: Sequence[str], *, named: bool) -> str:
    if words in (["who", "am", "i"], ["whoami"]):
        return ME
    text, given = _without_periods(words), set(words)
    first = _about_quality(text, given) or _about_entities(words, text, given, named=named)
    if first:
        return first
    if "why" in given and given & {"limit", "limits", "blocked"} and not given & _OF_MONEY:
        return Topic.LIMITS
    if words and words[0] in _MOVING and given & {"to", "onto"}:
        return Topic.WHATIF
    for topic, triggers, phrases in _BY_WORDS:
        if _matches(given, text, triggers, phrases):
            return topic
    return _about_amounts(words, text, given, named=named)


def _about_amounts(words: Sequence[str], text: str, given: set[str], *, named: bool) -> str:
    """The topic of questions about limits, budgets, credits, prices and what changes."""
    if (
        given & _LIMITS
        or _has_phrase(text, _LIMITS_PHRASES)
        or ((given & {"key", "keys"} or "my" in given) and given & (_BUDGETS | _LEFT))
        or (named and given & _BUDGETS)
        or ("when" in given and given & _RESETS)
        or (given & {"key", "keys"} and _has_phrase(text, ("run out", "ran out", "runs out")))
    ):
        return Topic.LIMITS
    if given & _BUDGETS:
        return BUDGET
    if words[:1] == [BALANCE] and not given & _FORECAST:
        return BALANCE
    amount = any(word.startswith("$") for word in words)
    reaches = given & {"when", "will"} and amount
    coming = "will" in given and given & vocabulary.MONTHS.keys()
    if reaches or coming or given & _FORECAST or _has_phrase(text, _FORECAST_PHRASES):
        return BALANCE if _has_phrase(text, _BALANCE_PHRASES) else Topic.FORECAST
    credit = given & {"credit", "credits"}
    if credit and (given & {"buy", "add", "purchase"} or ("have" in given and not given & _SPENT)):
        return BALANCE
    if given & _BALANCE or _has_phrase(text, _BALANCE_PHRASES) or _left(given):
        return BALANCE
    if asks_for_reasons(words):
        return Topic.WHY
    if given & _PRICE or _has_phrase(text, _PRICE_PHRASES):
        return Topic.PRICE
    if asks_for_direction(words) or asks_what_grew(words):
        return Topic.WHY
    return _planned_dimension(words) or ""


def _about_quality(text: str, given: set[str]) -> Topic | None:
    """The topic of questions about failed and slow requests; None for other questions."""
    broken = given & {"something", "anything"} and given & _BROKEN
    if given & _FAILED or broken:
        return Topic.ERRORS
    fast = given & _FAST and not given & _OF_MONEY
    return Topic.LATENCY if given & _SLOW or fast or _has_phrase(text, _SLOW_PHRASES) else None


def _matches(given: set[str], text: str, triggers: set[str], phrases: tuple[str, ...]) -> bool:
    """Whether a text has one of `triggers` among its words, or contains one of `phrases`."""
    unreal = (
        triggers is _WHATIF
        and bool(given & {"would", "if"})
        and ("instead" in given or _has_phrase(text, ("cost on", "cost with")))
    )
    return unreal or bool(given & triggers) or _has_phrase(text, phrases)


def _about_entities(
    words: Sequence[str], text: str, given: set[str], *, named: bool
) -> Topic | None:
    """The topic of questions about keys, models and the cache; None for other questions."""
    if _has_phrase(text, ("cost center", "cost centre", "cost centers", "cost centres")):
        return Topic.TEAM
    if given & _GOT and given & _COSTLIER and "most" not in given:
        return Topic.WHY
    if named and (given & _OWNING or words[:2] == ["keys", "of"]) and not given & _LIMITS:
        return Topic.KEYS
    keys, models = bool(given & {"key", "keys"}), bool(given & {"model", "models"})
    by_whom = _has_phrase(text, ("created by", "made by", "issued by"))
    if keys and by_whom:
        return Topic.KEYS
    if "keys" in given and given & _ADDED and "when" not in given:
        return Topic.NEW
    # `delete key prod` is no question
    deletable = "keys" in given and (given & _DELETE or _has_phrase(text, _DELETE_PHRASES))
    described = given & (_OWNING | _KEYS | _OF_KEYS) or _has_phrase(text, _KEYS_PHRASES)
    if (keys and described) or deletable or _lists_keys(words) or _has_phrase(text, _LEAVERS):
        return Topic.KEYS
    if (keys or named) and _has_phrase(text, ("last used", "how old", "was created")):
        return Topic.KEYS
    cheap = "cheaper" in given and not given & (_WHY | {"would", "if", "got", "gets"})
    if (models and "cheapest" in given) or cheap or _has_phrase(text, _BEST_PRICE):
        return Topic.PRICE
    if any(word.startswith("cach") or word == "uncached" for word in words):
        return Topic.CACHE
    if "reasoning" in given and given & _SHARES:
        return Topic.CACHE
    who = bool(given & {"who", "who's"})
    joined = who and given & {"joined", "new", "started", "newcomers"}
    if joined or given & {"newcomers"} or (given & _NEW and given & NEW_OF.keys()):
        return Topic.NEW
    return Topic.NEW if _has_phrase(text, ("what's new", "what is new", "anything new")) else None


def _without_periods(words: Sequence[str]) -> str:
    """The words joined with spaces, without `last` where `credits last month` is a period."""
    text = f" {' '.join(words)} "
    for unit in vocabulary.UNITS:
        text = text.replace(f" credits last {unit} ", f" credits {unit} ")
    return text


def topic_words(kind: QueryKind, ahead: Sequence[str]) -> int:
    """The number of next words (lower case, "" after the last) that only name the kind."""
    phrases = (phrase.split() for phrase in _KIND_PHRASES.get(kind, ()))
    found = (len(p) for p in phrases if tuple(ahead[: len(p)]) == tuple(p))
    longest = max(found, default=0)
    return longest or int(bool(ahead[0]) and ahead[0] in _FILLERS.get(kind, ()))


_TO_ME = {"show", "send", "give", "tell"}
"""Words before a `me` that receives the answer, which is then not about one's own limits."""
_A_WHILE = re.compile(r" ([0-9]{1,4}) ?(d|days?|w|weeks?|months?) ")
_DAYS_IN = {"d": 1, "w": 7, "m": 30}


def flags(topic: str, words: Sequence[str]) -> str:
    """The flags of a topic's command that words ask for: which keys, or whose limits."""
    text, given = f" {' '.join(words)} ", set(words)
    addressed = any(pair[1] == "me" and pair[0] in _TO_ME for pair in pairwise(words))
    mine = {"my", "mine", "i"} if addressed else {"my", "mine", "i", "me"}
    own = "me" if given & mine else ""
    if topic == Topic.KEYS:
        found = [
            flag
            for flag, (triggers, phrases) in _KEY_FLAGS.items()
            if given & triggers or _has_phrase(text, phrases)
        ]
        days = _unused_days(text) if "unused" in found else ""
        named = [f"{flag} {days}".strip() if flag == "unused" else flag for flag in found]
        return " ".join([*named, own]).strip()
    return own if topic == Topic.LIMITS else ""


def _unused_days(text: str) -> str:
    """The number of days that a key is unused, as `60d`, if words say so; else empty."""
    found = _A_WHILE.search(text)
    days = int(found[1]) * _DAYS_IN[found[2][0]] if found else 0
    return f"{days}d" if days_of(f"{days}d") else ""


def _lists_keys(words: Sequence[str]) -> bool:
    """Whether words ask which keys there are: `list keys`, `which keys do we have`."""
    listing = words[:1] == ["list"] or bool({"there", "have", "exist", "mine"} & set(words))
    mine = "my" in words and words[-1] == "keys"
    return bool("keys" in words and (listing or mine) and set(words) <= _LISTING_KEYS)


def asks_which_keys(words: Sequence[str]) -> bool:
    """Whether words (lower case) about somebody's keys ask which there are, not for their usage."""
    return "keys" in words and not set(words) & _USING_KEYS


def _left(given: set[str]) -> bool:
    """Whether words ask what is left: `how much is left`, `credits remaining`."""
    return bool(given & _LEFT) and not given & {"out", "key", "keys", "tokens", "model"}


def _planned_dimension(words: Sequence[str]) -> Topic | None:
    if "workspace" in words:
        return Topic.WORKSPACE
    plural = next(
        (_PLANNED_DIMENSIONS[word] for word in words if word in _PLANNED_DIMENSIONS), None
    )
    ranked = ("by", word) if (word := _ranked(words)) else ()
    return plural or ungroupable(words) or ungroupable(ranked)


def _ranked(words: Sequence[str]) -> str:
    """The word after `top`, `biggest` or `each`."""
    pairs = pairwise(words)
    return next((word for before, word in pairs if before in _ONE_OF_SUCH), "")


def _has_phrase(text: str, phrases: Sequence[str]) -> bool:
    return any(f" {phrase} " in text for phrase in phrases)
