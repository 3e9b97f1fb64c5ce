"""Replaces other ways of saying something with those that the rules read.

`whos our top teammate lately` becomes `who's our top person past month`. Quoted text and names stay
as they are.
"""

from __future__ import annotations

import re
from functools import partial

from reports.natural import vocabulary
from reports.natural.names import KnownNames

_GREETING = re.compile(
    r"^(?:(?:hi|hello|hey|yo|sup|hiya|howdy|gm|greetings|dear|quick (?:q|question)"
    r"|(?:good )?(?:morning|afternoon|evening))"
    r"(?: (?:there|bot|activity|all|everyone|folks|guys|again))?(?:[\s,!.:;–-]+|$))+(?=\S)",
    re.IGNORECASE,
)
_ENDING = re.compile(
    r"[\s,.!?;–-]+(?:thanks|thank you|thx|ty|cheers|tia|much appreciated|if you can|if possible"
    r"|if you don't mind|when you have a (?:minute|moment|second)|asap|right away)"
    r"(?: (?:in advance|a lot|so much|very much|again|bot|activity))*[\s,.!?]*$",
    re.IGNORECASE,
)
_UNIT = r"(?:day|week|month|year|hour)"
_EARLIER = r"(?:the )?(?:last|previous)"
_SAME_POINT = (
    r"(vs|versus|than|with|to|against) (?:at |the )*(?:same|this) (?:point|time|stage|day|part)"
    rf"(?: of| in)? ({_EARLIER} {_UNIT})"
)
_TOO_MUCH = (
    r"(?:is |are )?(?:any(?:one|body)|some(?:one|body)|who(?:'s| is)?)(?: of us)?"
    r" (?:over-?spending|spending (?:way |far )?too much(?: money)?)"
)
_MEASURED = r"spend|spending|cost|costs|bill|usage|tokens|requests|money|calls"
_PURPOSE = (
    "boss|manager|ceo|cfo|cto|board|meeting|review|deck|slides|presentation|stand-?up|records|books"
)
_MANY = r"(?:1m|1 million|a million|one million|1k|1000|1,000|a thousand|one thousand)"
_WE_WILL = r"(?:are|will|do) we (?:going to |gonna )?"
_EXTREME = r"(?:max|maximum|peak|highest|biggest|largest|record|min|minimum|lowest|smallest)"
_PART_OF = rf"how much (?:of|from) (?:our |the |my |all |total )*({_MEASURED})"
_KEYS_NAMED = (
    r"^(?:(?:show(?: me)?|list|which) )?(?:the |all |our )*keys"
    r" (?:(?:that|which|whose names?|with names?) )?"
)
_STARTING = r"(?:start(?:s|ing)?|begin(?:s|ning)?)"
_NAMED = r"(key|model)s? (?:(?:that|which|whose names?|with names?) )?"
_TIME = (
    rf"(?:{'|'.join(vocabulary.MONTHS)}|20\d\d|\d+ {_UNIT}s?|an?|the|this|next|last|soon)(?![\w-])"
)
"""What a time begins with: `models that end in december` isn't about their names."""
_NAME_PART = rf"(?!{_TIME})([\w./-]*\w)"
_SPELLINGS = {
    "whos": "who's", "whats": "what's", "hows": "how is", "whens": "when is", "wheres": "where is",
    "havent": "haven't",
    "hasnt": "hasn't", "isnt": "isn't", "arent": "aren't", "didnt": "didn't", "doesnt": "doesn't",
    "dont": "don't", "gimme": "give me", "lemme": "let me", "plz": "pls", "plss": "pls",
    "rn": "now", "$$": "money", "$$$": "money",
    "approx": "about", "abt": "about", "ppl": "people", "msgs": "requests", "reqs": "requests",
    "tok": "tokens", "toks": "tokens", "wk": "week", "yr": "year",
    "hrs": "hours", "u": "you", "yday": "yesterday", "ystd": "yesterday", "llms": "models",
}  # fmt: skip
"""Short spellings, as in chats, and what they stand for."""
_AVERAGE = r"(?:average|avg|mean|typical|usual|normal)"
_PHRASES: tuple[tuple[str, str, str], ...] = (
    ("days|late|recent", r"(?:these|those) days|nowadays|of late|lately|recently", "past month"),
    ("same|this", _SAME_POINT, r"\1 \2"),
    ("start|begin", rf"{_KEYS_NAMED}{_STARTING} with {_NAME_PART}[?.!]*$", r"keys key:\1*"),
    ("end", rf"{_KEYS_NAMED}end(?:s|ing)? (?:in|with) {_NAME_PART}[?.!]*$", r"keys key:*\1"),
    ("contain", rf"{_KEYS_NAMED}contain(?:s|ing)? {_NAME_PART}[?.!]*$", r"keys key:*\1*"),
    ("start|begin", rf"{_NAMED}{_STARTING} with {_NAME_PART}", r"\1:\2*"),
    ("end", rf"{_NAMED}end(?:s|ing)? (?:in|with) {_NAME_PART}", r"\1:*\2"),
    ("contain", rf"{_NAMED}contain(?:s|ing)? {_NAME_PART}", r"\1:*\2*"),
    ("why", r"why (is|was) today (.{1,40}?) than yesterday", r"why \1 today \2"),
    ("blow|bust", rf"{_WE_WILL}(?:blow|bust|overrun|blow through) (?:the|our) budget", "budget"),
    ("how close", r"(to) (?:her|his|their) (limits?)", r"\1 its \2"),
    ("money", r"(?:the|our) money last", "the credits last"),
    ("drop|ditch", r"what if (?:we|i) (?:dropped|ditched|abandoned) (\S+) for",
     r"what if we moved \1 to"),
    ("migrate", r"what (?:do|should|must) (?:we|i) (?:need to |have to )?migrate",
     "which models retire"),
    ("new year", r"(?:before|by|until|till) (?:the )?new year(?:'s(?: day| eve)?)?",
     "until the end of this year"),
    ("resets|renews", r"what (?:resets|renews) (?:today|tomorrow|this week|next week)",
     "when do limits reset this week"),
    ("resets|renews", r"what (?:resets|renews)(?: next| soon)?", "when do limits reset"),
    ("my month", r"^my month$", "me"),
    ("budget", r"budgets? (?:status|state)", "budget"),
    ("owner", r"(keys?) (?:without|with no|that have no) owners?", r"\1 orphaned"),
    ("expensive", r"how (?:expensive|cheap|pricey) (?:are|is) (?:the )?tokens?", "price of tokens"),
    ("before that", rf"(?:the )?{_UNIT} before that", "before"),
    ("worth|kind|sort|type", r"(?:worth|kinds?|sorts?|types?) of", "of"),
    ("member|mate", r"(?:team|staff) ?members?|team ?mates?", "people"),
    ("worker|engineer|dev|individual", r"co-?workers?|engineers?|devs?|individuals?", "people"),
    ("llm", r"which llms?", "which models"),
    ("working", r"working (?:on|with)", "using"),
    ("normal|typical|usual|average", rf"(?:a|an|our|the|one) {_AVERAGE} (day|week|month|hour)",
     r"average spend per \1"),
    ("ly ", rf"(daily|weekly|monthly|hourly) {_AVERAGE}", r"average \1"),
    ("daily", rf"{_AVERAGE} daily", "average per day"),
    ("weekly", rf"{_AVERAGE} weekly", "average per week"),
    ("monthly", rf"{_AVERAGE} monthly", "average per month"),
    ("hourly", rf"{_AVERAGE} hourly", "average per hour"),
    ("rate", r"(?:daily )?burn ?rate|spend(?:ing)? rate|rate of spend(?:ing)?",
     "average spend per day"),
    ("when", r"when did (.{1,60}?) (?:first|start|begin) (?:use|using|to use)",
     r"when did \1 use"),
    ("first used", r"when (was|were) (.{1,60}?) first used", r"when \1 \2 used"),
    ("first time", r"(?:the )?first time (?:that )?(.{1,40}?) used", r"when did \1 use"),
    ("last use|last spend", r"when (did|do|does) (.{1,60}?) last (use|spend)", r"when \1 \2 \3"),
    ("spending", rf"{_TOO_MUCH}[?!. ]*$", "spend by person past week vs before"),
    ("spending", _TOO_MUCH, "spend by person vs before"),
    ("damage", r"(?:what's |what is )?the damage", "how much did we spend"),
    ("how bad|how good", r"how (?:bad|good) (?:was|were|is|are)", "how much did we spend in"),
    ("money|cash", r"(?:bleeding|throwing away|blowing) (?:money|cash)", "spending money"),
    ("leaderboard", r"leaderboard", "spend by person"),
    ("rank", r"rank(?:ing of|ed)?", "show"),
    ("sort|order", r"(?:sort|sorted|order|ordered) by", "by"),
    (" by ", r"(hour|day|week|month) by \1", r"per \1"),
    ("q[1-4] to date", r"(q[1-4]) to date", r"\1"),
    ("difference|change", r"(?:the )?(?:difference|change) (?:between|from)", "compare"),
    ("change", r"changes? since", "what changed since"),
    ("people|folks", r"(are|do|did|were) (?:people|folks) (using|use)", r"\1 we \2"),
    ("ly ", rf"{_EXTREME} (?:daily|day's)", "busiest day"),
    ("ly ", rf"{_EXTREME} hourly", "busiest hour"),
    ("ly ", rf"{_EXTREME} monthly", "busiest month"),
    ("peak|record|max|min", rf"(?:peak|record|max|maximum|min|minimum) ({_MEASURED})",
     r"busiest day \1"),
    ("record|lowest|quiet", r"(?:record|lowest|smallest|quietest|cheapest) (day|hour|week|month)",
     r"busiest \1"),
    ("time", r"what time (?:of day )?(?:do|did|are|is)", "busiest hour"),
    ("for", rf"for (?:my|our|the) (?:{_PURPOSE})", ""),
    ("where are", r"where are we(?: at| standing| now)*", "how much did we spend"),
    ("ahead|behind", rf"(?:ahead of|behind) ({_EARLIER} {_UNIT})", r"vs \1"),
    ("chart|graph", r"(?:pie|bar|line) (?:chart|graph)", "chart"),
    (" of ", r"(cost|costs|spend|price) of (.{1,40}?) (?:calls|requests)", r"\1 of \2"),
    ("per ", r"per (?:1000|1,000|1k|100|thousand|hundred) (?:requests|calls)", "per request"),
    ("tokens", rf"(?:how much (?:is|are|do|does)|costs? of|price of) {_MANY} tokens(?: costs?)?",
     "price per million tokens"),
    ("turn on", r"turn on alerts", "alerts"),
    ("key list", r"key list", "list keys"),
    (" on", r"did (we|i|they) (?:drop|blow|shell out) on", r"did \1 spend on"),
    ("popular", r"most popular", "most requested"),
    ("where", r"where (?:will|do|are) we (?:going to )?(?:land|end up|finish)", "how will we end"),
    ("rest of", r"(?:for |over |in |during )?the rest of (?:the|this) (day|week|month|year)",
     r"by the end of this \1"),
    ("%", r"% of", "percent of"),
    ("%", r"what %", "what percent"),
    ("who", r"who (?:made|created|generated|issued)", "who owns"),
    ("how much", _PART_OF, r"what share of \1"),
    ("byok", r"(?:byok|credits) (?:vs|versus|and|against|compared (?:to|with)) (?:byok|credits)",
     "share of byok"),
    ("vendor|maker|lab", r"(?:which|what) (?:vendor|maker|lab)s?", "which vendor"),
    ("account", r"account(?:s|ed)? for", "share of"),
)  # fmt: skip
"""A quick test for what the text must contain, the phrase, and what the rules read instead."""
_RULES = tuple(
    (
        re.compile(cues, re.IGNORECASE),
        re.compile(rf"(?<![\w:*@-])(?:{phrase})(?![\w:*@-])", re.IGNORECASE),
        instead,
    )
    for cues, phrase, instead in _PHRASES
)
_BEGINNING = re.compile(
    r"^(?:check|pull(?: up)?|view|find|fetch|provide|print|prepare)"
    r"(?: (?:me|us|out|up))?\s+(?!alert|an alert)(?=\S)",
    re.IGNORECASE,
)
"""Verbs at the beginning that ask for an answer."""
_QUOTED = re.compile(r'("[^"]*")')


def reworded(text: str, known: KnownNames) -> str:
    """The text without greetings around it, and with other words for some phrases.

    `text` has single spaces. What is in quotes or a part of a key's name isn't changed.
    """
    text = _ENDING.sub("", _GREETING.sub("", text)) or text
    parts = _QUOTED.split(text)
    parts[0] = _BEGINNING.sub("show ", parts[0])
    for at in range(0, len(parts), 2):
        part = " ".join(_spelled_out(word, known) for word in parts[at].split(" "))
        for cue, rule, instead in _RULES:
            if cue.search(part):
                part = rule.sub(partial(_instead, instead, known), part)
        parts[at] = part
    found = "".join(parts)
    return found if any(map(str.isalnum, found)) else text  # `for my boss` is all there is


def _spelled_out(word: str, known: KnownNames) -> str:
    bare = word.casefold().strip("?!.,")
    return _SPELLINGS[bare] if bare in _SPELLINGS and not known.has(bare) else word


def _instead(instead: str, known: KnownNames, found: re.Match[str]) -> str:
    phrase = found[0].casefold().strip()
    return found[0] if known.in_a_key(phrase) or known.has(phrase) else found.expand(instead)
