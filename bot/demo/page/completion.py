"""What the box completes: the words of the grammar, and the names that the organization has."""

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
    ("spend", "what it cost: credits and BYOK"),
    ("tokens", "prompt and completion"),
    ("requests", "how many calls"),
    ("by model", "one line a model"),
    ("by key", "one line an API key"),
    ("by creator", "one line a person"),
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
    ("last month", "from the 1st to its end"),
    ("mtd", "month to date"),
    ("ytd", "year to date"),
    ("creator:me", "only what I used"),
    ("model:", "only these models, * stands for anything"),
    ("key:", "only these API keys"),
    ("creator:", "only these people"),
    ("top 5", "so many groups, the others added up"),
    ("vs last month", "what it was a month earlier beside it"),
    ("vs last year", "what it was a year earlier beside it"),
    ("credits", "spend from credits alone"),
    ("byok", "spend on your own provider keys alone"),
    ("csv", "the figures as a spreadsheet"),
    ("pdf", "the figures as a page to print"),
    ("share", "the answer for the whole channel"),
    ("tz Europe/Berlin", "days of that time zone"),
    ("cost", "the same as spend"),
    ("alert spend > $50 per day", "a message as soon as it is above that"),
    ("alert spike by key", "a message when a key uses far more than usual"),
    ("alert budget 80%", "a message before a limit of OpenRouter's is reached"),
    ("alert credits < $100", "a message before the balance is gone"),
    ("alert new model", "a message at the first use of a model"),
    ("alert forecast > $5,000 per month", "a message when the month will end above that"),
    ("alert quiet 22:00-7:00", "no alerts at night, except urgent ones"),
    ("alerts", "the alerts there are, with buttons"),
    ("status", "how fresh the data is, and how the bot is"),
    ("audit", "who asked for and changed what, for admins"),
    ("audit 7d csv", "the log of a week as a spreadsheet"),
    ("help", "everything that can be asked"),
    ("help alerts", "one section of it"),
)


def completion(models: Iterable[str], keys: Iterable[str], creators: Iterable[str]) -> list[Json]:
    """Every completion: what to type, and what it means."""
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
