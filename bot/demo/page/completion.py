"""Completions for the message box: the words of the grammar, and the organization's names."""

from collections.abc import Iterable

from bot.demo.slack.workspace import Json

EXAMPLES = (
    "spend 1d by model",
    "tokens 1m by model",
    "cost last month by creator",
    "requests 1h",
    "spend 7d by key top 5",
    "alert spike by creator",
    "help",
)
WORDS: tuple[tuple[str, str], ...] = (
    ("spend", "cost: credits and BYOK"),
    ("tokens", "prompt and completion"),
    ("requests", "number of API calls"),
    ("by model", "one row per model"),
    ("by key", "one row per API key"),
    ("by creator", "one row per person"),
    ("1h", "the past hour, by minute"),
    ("1d", "the past day, by hour"),
    ("7d", "the past 7 days, by day"),
    ("1m", "the past month, by day"),
    ("1y", "the past year, by month"),
    ("today", "since midnight"),
    ("yesterday", "the day before"),
    ("this week", "since Monday"),
    ("this month", "since the 1st"),
    ("last week", "Monday to Sunday"),
    ("last month", "the whole calendar month"),
    ("mtd", "month to date"),
    ("ytd", "year to date"),
    ("creator:me", "only my usage"),
    ("model:", "only these models; * matches anything"),
    ("key:", "only these API keys"),
    ("creator:", "only these people"),
    ("top 5", "the 5 largest groups; the rest become Others"),
    ("vs last month", "compare with last month"),
    ("vs last year", "compare with last year"),
    ("credits", "only spend from credits"),
    ("byok", "only spend on your own provider keys"),
    ("csv", "the figures as a spreadsheet"),
    ("pdf", "the figures as a printable report"),
    ("share", "post the answer in the channel"),
    ("tz Europe/Berlin", "use this time zone"),
    ("new models 1m", "models that were first used in the past month"),
    ("retiring", "models that end soon, and who still uses them"),
    ("cache 1m by key", "what came from a cache, and what that saved"),
    ("cost", "the same as spend"),
    ("alert spend > $50 per day", "get a message when spend passes the limit"),
    ("alert spike by key", "get a message when a key uses far more than usual"),
    ("alert budget 80%", "get a message before a key reaches its limit"),
    ("alert credits < $100", "get a message before the credits run out"),
    ("alert new model", "get a message when a model is used for the first time"),
    (
        "alert forecast > $5,000 per month",
        "get a message when the month is on track to exceed this",
    ),
    ("alert quiet 22:00-7:00", "no alerts at night, except urgent ones"),
    ("alerts", "list your alerts"),
    ("status", "how fresh the data is, and whether all is well"),
    ("audit", "who asked and changed what (admins only)"),
    ("audit 7d csv", "one week of the log as a spreadsheet"),
    ("help", "everything you can ask"),
    ("help alerts", "one section of the help"),
)


def completion(models: Iterable[str], keys: Iterable[str], creators: Iterable[str]) -> list[Json]:
    """Every completion: the text to type, and what it means."""
    offered = [{"text": text, "hint": hint} for text, hint in WORDS]
    for kind, names, hint in (
        ("model", models, "model"),
        ("key", keys, "API key"),
        ("creator", creators, "person"),
    ):
        texts = sorted({f"{kind}:{_quoted(name)}" for name in names})
        offered += [{"text": text, "hint": hint} for text in texts]
    return offered


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name
