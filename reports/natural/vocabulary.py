"""Words that people use instead of the grammar's words."""

from __future__ import annotations

from reports.usage.dimensions import NAMES, Dimension, Metric

METRICS: dict[str, Metric | None] = {
    **dict.fromkeys(
        ("spend", "spent", "spending", "spends", "cost", "costs", "costing", "pay", "paid", "bill",
         "money", "dollars", "usd", "expensive", "expenses", "expense", "burn", "burned", "burnt",
         "burning", "invoice", "spendings", "charges", "charged", "costly",
         "costliest", "priciest", "pricey", "bills", "paying", "expenditure", "expenditures",
         "cash", "outlay"),
        Metric.SPEND),
    **dict.fromkeys(("token", "tokens"), Metric.TOKENS),
    **dict.fromkeys(
        ("request", "requests", "call", "calls", "queries", "generations", "requested"),
        Metric.REQUESTS),
    **dict.fromkeys(("overview", "usage", "consumption", "everything"), None),
}  # fmt: skip
DIMENSIONS: dict[str, Dimension] = {
    word: dimension
    for dimension, names in NAMES.items()
    for word in (*names.words, *(f"{one}s" for one in names.words), *names.spoken)
}
ALWAYS_VERBS = {"spent", "paid", "burn", "burned", "burnt", "burning"}
"""Verbs that apply to tokens and requests as well as money: `tokens spent`."""
VERBS_AFTER = {"did", "do", "does", "we", "i", "they"}
"""Words that make a later `spend` or `pay` a verb: `how many tokens did we spend`."""
PROPORTIONS = {"percent", "percentage", "proportion", "fraction"}
POSSESSIVES = {"what", "which", "my", "our", "his", "her", "their", "your"}
QUESTION_WORDS = {"what", "what's", "whats", "how", "which", "show", "give", "are", "is", "compare"}
"""Words at the beginning of a sentence that ask for figures now."""
WHO = {"who", "whose", "whom"}
BY = {"by", "per", "each", "which", "across"}
UNITS = {
    "hour": "hour", "hours": "hour", "day": "day", "days": "day", "week": "week",
    "weeks": "week", "month": "month", "months": "month", "year": "year", "years": "year",
}  # fmt: skip
NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
         "twelve"), 1)
} | {"couple": "2"}  # fmt: skip
PAST = {"last": "last", "previous": "last", "prior": "last", "this": "this", "current": "this"}
MONTHS = {
    name: number
    for number, full in enumerate(
        ("january", "february", "march", "april", "may", "june", "july", "august", "september",
         "october", "november", "december"), 1)
    for name in (full, full[:3])
} | {"sept": 9}  # fmt: skip
TO_DATE = {("month", "to", "date"): "mtd", ("year", "to", "date"): "ytd"}
OVER: dict[tuple[str, ...], str] = {
    **{(unit, "over", unit): unit for unit in ("day", "week", "month", "year")},
    ("dod",): "day", ("wow",): "week", ("mom",): "month", ("yoy",): "year",
}  # fmt: skip
VERSUS = {"vs", "versus", "against", "compared", "than"}
COMPARE = {"compare", "comparing", "comparison"}
TOKEN_PARTS = {"output", "input", "prompt", "completion", "reasoning"}
"""Parts of tokens, which are shown with them but can't be requested alone."""
OVER_AMOUNT = {"than", "over", "above", ">", "≥", ">="}
"""Words before an amount that groups must exceed."""
TOP = {"top", "biggest", "largest", "highest", "heaviest", "busiest", "priciest", "costliest"}
MOST = {"most"}
SPENDERS = {"spender", "spenders"}
LEAST = {"cheapest", "least", "lowest", "smallest", "fewest"}
MORNING = "morning"
PARTS_OF_DAY = {"morning", "afternoon", "evening", "night"}
AVERAGE = {"average", "avg", "mean"}
DRAWN = {"minute": "1h", "hour": "1d", "day": "1m", "week": "3m", "month": "1y", "quarter": "1y"}
"""The period to show for a unit of time."""
FILES = {"csv": "csv", "spreadsheet": "csv", "excel": "csv", "pdf": "pdf"}
EXPORTING = {"export", "download"}
"""Words for a file of unspecified format, which is a CSV."""
RECURRENCES = {"daily", "weekly", "monthly", "weekdays"}
EVERY = {"every", "each"}
WEEKDAYS = {
    name
    for full in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for name in (full, f"{full}s", full[:3])
}
SELF = {"my", "mine", "myself", "i", "me", "i've"}
GIVING = {"show", "give", "tell", "send", "get", "let", "bring"}
WANTING = {"want", "need", "would", "like", "see", "know", "wonder", "have", "can", "could", "am"}
LEAVING_OUT: tuple[tuple[str, ...], ...] = (
    ("not", "counting"), ("not", "including"), ("apart", "from"), ("other", "than"),
    ("leaving", "out"), ("leave", "out"), ("aside", "from"), ("but", "not"), ("and", "not"),
    ("except", "for"), ("without",), ("except",), ("excluding",), ("exclude",), ("excl",),
    ("no",), ("minus",), ("ignoring",), ("ignore",), ("besides",), ("not",),
)  # fmt: skip
"""Words that start a list of names to leave out."""
HELD_AGAINST = {
    "go", "stay", "be", "over", "under", "within", "below", "above", "exceed", "hit", "break",
    "reach",
    "more", "than", "budget", "of", "our", "pass", "cross", "beyond", "past", "less", "and",
}  # fmt: skip
"""Words before the amount that a forecast is compared with."""
ALL_BUT = {"all", "everything", "everyone", "everybody", "anything", "anyone"}
"""Words that make a following `but` an exclusion."""
FILLERS = {
    "a", "about", "all", "am", "an", "and", "any", "are", "as", "at", "be", "been", "bot", "can",
    "could", "did", "do", "does", "down", "during", "entire", "far", "file", "for", "from", "get",
    "give", "had", "has", "have", "hello", "hey", "hi", "how", "in", "is", "it", "its", "just",
    "know", "let", "like", "made", "make", "many", "most", "much", "need", "now", "of", "ok",
    "okay", "on", "only", "org", "organisation", "organization", "our", "ours", "out", "over",
    "please", "pls", "report", "see", "send", "show", "so", "tell", "thank", "thanks", "that",
    "the", "their", "them", "then", "there", "these", "they", "thing", "things", "this", "those",
    "through", "to", "total", "us", "use", "used", "uses", "using", "via", "want", "was", "we",
    "went", "were", "what", "what's", "whats", "whole", "with", "wonder", "would", "you", "your",
    "activity", "openrouter", "api", "group", "grouped", "split", "broken", "breakdown",
    "bring", "everyone", "everybody", "anyone", "team", "company", "ai", "llm", "within", "since",
    "consume", "consumed", "me", "again", "instead", "same", "also", "too", "try", "may", "look",
    "looking", "list", "display", "figure", "figures", "numbers", "number", "stats", "statistics",
    "summary", "data", "details", "who's", "i'd", "we've", "kindly", "ones", "amount", "amounts",
    "graph", "chart", "plot", "break", "going", "go", "goes", "got", "account", "yet", "already",
    "quick", "quickly", "really", "actually", "currently", "right", "sum", "totals", "overall",
    "happening", "doing", "up", "more", "less", "fewer", "higher", "lower", "average", "avg",
    "mean", "idea", "compared", "typical", "but", "where", "or", "month's", "spread", "altogether",
    "they've", "being", "running", "ran", "thx", "ty", "cheers", "hit", "still", "trend", "trends",
    "rolling", "trailing", "something", "anything", "should", "shall", "might", "gives", "someone",
    "somebody", "anybody", "own", "full", "complete", "detailed", "latest", "exactly", "roughly",
    "approximately", "around", "curious", "wondering", "even", "actual", "there's", "that's",
    "it's", "i'm", "we're", "they're", "here's", "generally", "normally", "usually", "person's",
    "people's", "performing", "asking", "put", "together", "into", "towards", "toward",
    "different",
    "contribute", "contributes", "contributed", "sent", "came", "come", "comes", "anyway",
    "active", "run", "table", "trending", "worse", "better", "touched", "eat", "eats", "ate",
    "eaten", "eating", "honestly", "basically", "literally", "simply", "pretty", "very",
    "quite", "truly", "maybe", "perhaps", "specifically", "totally", "precisely", "interested",
    "understand", "learn", "both", "either", "yes", "yeah", "sure", "lol", "lmk", "fyi", "btw",
    "tbh", "guys", "folks", "throughout", "happened", "generate", "generated", "produce",
    "produced", "looks", "looked", "seem", "seems", "real", "expect", "given", "because",
    "while", "though", "however", "absolute", "individual",
}  # fmt: skip
"""Filler words. They never contain words that ask for something."""
