"""The sample company: 14 people, 25 keys in 3 workspaces, and a year of usage.

Its year tells a story: growth, a launch four months ago, the move from one generation of models to
the next, a prompt change nine days ago that broke the support bot's cache, and an agent that ran
out of control last night.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.demo.openrouter.guardrails import SampleGuardrail
from bot.demo.openrouter.models import SampleModel
from bot.demo.openrouter.organization import (
    DAY,
    Budget,
    Key,
    Member,
    Organization,
    Record,
    Workspace,
    key_hash,
)
from bot.demo.openrouter.usage_source import (
    CUSTOMERS,
    NIGHTLY,
    OFFICE,
    STEADY,
    LivingHistory,
    Model,
    Stream,
)

DOLLAR = 10**9
ZONE = "Europe/Berlin"
LAUNCH = 118

OPUS_45 = Model("anthropic/claude-opus-4.5", 5_000, 25_000, 0.25)
OPUS_46 = Model("anthropic/claude-opus-4.6", 5_000, 25_000, 0.3)
SONNET_45 = Model("anthropic/claude-sonnet-4.5", 3_000, 15_000, 0.1)
SONNET_46 = Model("anthropic/claude-sonnet-4.6", 3_000, 15_000, 0.12)
HAIKU = Model("anthropic/claude-haiku-4.5", 1_000, 5_000)
GPT_51 = Model("openai/gpt-5.1", 1_250, 10_000, 0.45)
GPT_54 = Model("openai/gpt-5.4", 2_500, 15_000, 0.5)
GPT_MINI = Model("openai/gpt-5-mini", 250, 2_000, 0.35)
GPT_OSS = Model("openai/gpt-oss-120b:exacto", 40, 200, 0.2)
GEMINI_PRO = Model("google/gemini-3-pro-preview", 2_000, 12_000, 0.5)
GEMINI_FLASH = Model("google/gemini-3-flash-preview", 500, 3_000, 0.2)
DEEPSEEK = Model("deepseek/deepseek-v3.2", 260, 380, 0.3)
KIMI = Model("moonshotai/kimi-k2.5", 450, 2_200, 0.4)
GROK = Model("x-ai/grok-4.1-fast", 200, 500, 0.4)
QWEN_FREE = Model("qwen/qwen3-coder:free", 0, 0)
MODELS = (
    OPUS_45, OPUS_46, SONNET_45, SONNET_46, HAIKU, GPT_51, GPT_54, GPT_MINI, GPT_OSS, GEMINI_PRO,
    GEMINI_FLASH, DEEPSEEK, KIMI, GROK, QWEN_FREE,
)  # fmt: skip

CLAUDE_CODE, CURSOR, OPENCODE, WEB, MOBILE = 1, 2, 3, 4, 5
APPS = {
    CLAUDE_CODE: "Claude Code",
    CURSOR: "Cursor",
    OPENCODE: "opencode",
    WEB: "Lumen Web",
    MOBILE: "Lumen Mobile",
}

PRODUCTION, ENGINEERING, RESEARCH = (
    Workspace("Production"),
    Workspace("Engineering", include_byok_in_budgets=True),
    Workspace("Research"),
)

# Short name (the email's first part), first and last name.
PEOPLE: tuple[tuple[str, str | None, str | None], ...] = (
    ("ada", "Ada", "Okafor"),
    ("ben", "Ben", "Fischer"),
    ("chloe", "Chloé", "Martin"),
    ("dmitri", "Dmitri", "Volkov"),
    ("elena", "Elena", "Rossi"),
    ("farid", "Farid", "Haddad"),
    ("grace", "Grace", "Lindqvist"),
    ("hiro", "Hiro", "Tanaka"),
    ("alex", "Alex", "Kim"),
    ("alexandra", "Alex", "Kim"),
    ("jonas", "Jonas", "Weber"),
    ("kasia", "Katarzyna", "Nowak"),
    ("priya", "Priya", "Raman"),
    ("intern", None, None),
)
ADMINS = ("ada", "ben")

# Id, name, creator ("" for a service's own), workspace, and further properties of the key.
KEYS: tuple[tuple[str, str, str, Workspace, dict[str, Any]], ...] = (
    (
        "support-bot",
        "support-bot",
        "",
        PRODUCTION,
        {"limit_nano": 2_000 * DOLLAR, "limit_reset": "monthly"},
    ),
    ("web-app", "web-app", "", PRODUCTION, {"limit_nano": 150 * DOLLAR, "limit_reset": "daily"}),
    ("mobile-app", "mobile-app", "priya", PRODUCTION, {}),
    ("moderation", "moderation", "", PRODUCTION, {}),
    (
        "search",
        "search-rewrite",
        "ben",
        PRODUCTION,
        {"limit_nano": 60 * DOLLAR, "limit_reset": "weekly"},
    ),
    ("ingest", "doc-ingest", "dmitri", PRODUCTION, {"include_byok_in_limit": True}),
    ("backend-1", "backend", "elena", PRODUCTION, {}),
    ("backend-2", "backend", "jonas", PRODUCTION, {}),
    ("newsletter", "newsletter-drafts", "alexandra", PRODUCTION, {}),
    ("legacy-web", "legacy-web", "ben", PRODUCTION, {"deleted": True}),
    (
        "ada",
        "ada claude code",
        "ada",
        ENGINEERING,
        {"limit_nano": 1_500 * DOLLAR, "limit_reset": "monthly"},
    ),
    ("ben", "ben cursor", "ben", ENGINEERING, {}),
    ("farid", "farid claude code", "farid", ENGINEERING, {}),
    (
        "grace",
        "opencode@grace",
        "grace",
        ENGINEERING,
        {"limit_nano": 120 * DOLLAR, "limit_reset": "weekly"},
    ),
    ("hiro", "hiro-codex", "hiro", ENGINEERING, {}),
    ("alex", "alex cline", "alex", ENGINEERING, {}),
    ("kasia", "kasia laptop", "kasia", ENGINEERING, {}),
    (
        "ci-review",
        "ci-review",
        "",
        ENGINEERING,
        {"limit_nano": 400 * DOLLAR, "limit_reset": "monthly"},
    ),
    ("nightly", "nightly-refactor-agent", "farid", ENGINEERING, {}),
    ("hackathon", "hackathon-2026", "jonas", ENGINEERING, {"disabled": True}),
    ("evals", "evals", "chloe", RESEARCH, {"limit_nano": 900 * DOLLAR, "limit_reset": "monthly"}),
    ("judge", "eval-judge", "chloe", RESEARCH, {}),
    ("synthetic", "synthetic-data", "dmitri", RESEARCH, {}),
    ("notebooks", "notebooks", "elena", RESEARCH, {}),
    (
        "playground",
        "playground (free)",
        "intern",
        RESEARCH,
        {"limit_nano": 5 * DOLLAR, "limit_reset": "daily"},
    ),
)

# Key, model, requests a working day now, prompt and completion tokens a request, and the rest.
USES: tuple[tuple[str, Model, float, int, int, dict[str, Any]], ...] = (
    (
        "support-bot",
        SONNET_45,
        2_900,
        4_000,
        330,
        {"rhythm": CUSTOMERS, "cached": 0.6, "until": 175, "fade": 22},
    ),
    (
        "support-bot",
        SONNET_46,
        2_900,
        4_000,
        350,
        {"rhythm": CUSTOMERS, "cached": 0.6, "since": 175, "fade": 22, "cached_since": (9, 0.1)},
    ),
    ("support-bot", HAIKU, 3_800, 900, 40, {"rhythm": CUSTOMERS}),
    (
        "web-app",
        GPT_51,
        4_200,
        2_100,
        480,
        {"rhythm": CUSTOMERS, "until": 96, "fade": 12, "launched": True, "app": WEB},
    ),
    (
        "web-app",
        GPT_54,
        3_900,
        2_100,
        420,
        {"rhythm": CUSTOMERS, "since": 96, "fade": 12, "launched": True, "app": WEB},
    ),
    ("web-app", GPT_MINI, 2_600, 1_300, 260, {"rhythm": CUSTOMERS, "launched": True, "app": WEB}),
    (
        "mobile-app",
        GPT_MINI,
        5_400,
        1_100,
        280,
        {"rhythm": CUSTOMERS, "since": LAUNCH, "launched": True, "app": MOBILE},
    ),
    (
        "mobile-app",
        GEMINI_FLASH,
        1_300,
        1_800,
        300,
        {"rhythm": CUSTOMERS, "since": 60, "fade": 8, "app": MOBILE},
    ),
    ("moderation", GPT_OSS, 9_500, 620, 25, {"rhythm": STEADY, "cached": 0.0}),
    (
        "search",
        GROK,
        6_800,
        380,
        70,
        {"rhythm": CUSTOMERS, "cached": 0.0, "since": 130, "fade": 15},
    ),
    (
        "search",
        GEMINI_FLASH,
        5_600,
        380,
        60,
        {"rhythm": CUSTOMERS, "cached": 0.0, "until": 130, "fade": 15},
    ),
    ("ingest", GEMINI_FLASH, 2_300, 9_500, 420, {"rhythm": NIGHTLY, "byok": True}),
    (
        "ingest",
        GEMINI_PRO,
        160,
        14_000,
        700,
        {"rhythm": NIGHTLY, "byok": True, "since": 240, "fade": 5},
    ),
    ("backend-1", SONNET_46, 420, 3_200, 500, {"since": 200, "fade": 10}),
    ("backend-1", GPT_MINI, 700, 1_500, 220, {}),
    ("backend-2", DEEPSEEK, 1_100, 2_600, 600, {"rhythm": CUSTOMERS}),
    ("newsletter", GPT_54, 18, 5_200, 1_600, {"since": 150}),
    (
        "legacy-web",
        GPT_51,
        1_900,
        1_900,
        420,
        {"rhythm": CUSTOMERS, "until": LAUNCH + 6, "fade": 4},
    ),
    (
        "ada",
        OPUS_45,
        420,
        46_000,
        650,
        {"cached": 0.88, "until": 200, "fade": 18, "app": CLAUDE_CODE},
    ),
    (
        "ada",
        OPUS_46,
        420,
        48_000,
        700,
        {"cached": 0.88, "since": 200, "fade": 18, "app": CLAUDE_CODE},
    ),
    ("ben", SONNET_46, 210, 26_000, 520, {"cached": 0.8, "since": 185, "fade": 9, "app": CURSOR}),
    ("ben", SONNET_45, 210, 26_000, 520, {"cached": 0.8, "until": 185, "fade": 9, "app": CURSOR}),
    (
        "farid",
        OPUS_46,
        260,
        52_000,
        800,
        {"cached": 0.9, "since": 190, "fade": 12, "app": CLAUDE_CODE},
    ),
    (
        "farid",
        SONNET_45,
        240,
        40_000,
        700,
        {"cached": 0.9, "until": 190, "fade": 12, "app": CLAUDE_CODE},
    ),
    ("grace", KIMI, 380, 30_000, 600, {"cached": 0.75, "since": 270, "fade": 6, "app": OPENCODE}),
    ("grace", GPT_54, 70, 32_000, 900, {"cached": 0.7, "since": 100, "app": OPENCODE}),
    ("hiro", GPT_51, 240, 34_000, 800, {"cached": 0.85, "until": 110, "fade": 6}),
    ("hiro", GPT_54, 260, 36_000, 850, {"cached": 0.85, "since": 110, "fade": 6}),
    ("alex", SONNET_46, 130, 30_000, 600, {"cached": 0.7, "since": 170, "fade": 10}),
    ("alex", DEEPSEEK, 160, 28_000, 500, {"cached": 0.4}),
    ("kasia", HAIKU, 240, 12_000, 400, {"cached": 0.5}),
    ("ci-review", SONNET_45, 170, 18_000, 700, {"until": 165, "fade": 2}),
    ("ci-review", GEMINI_PRO, 190, 18_000, 800, {"since": 165, "fade": 2}),
    ("nightly", OPUS_46, 34, 40_000, 900, {"rhythm": NIGHTLY, "cached": 0.6, "since": 75}),
    ("hackathon", KIMI, 900, 9_000, 500, {"rhythm": STEADY, "since": 52, "until": 49, "fade": 0.4}),
    ("hackathon", GROK, 700, 7_000, 400, {"rhythm": STEADY, "since": 52, "until": 49, "fade": 0.4}),
    ("evals", DEEPSEEK, 600, 2_400, 900, {"rhythm": NIGHTLY}),
    ("evals", KIMI, 260, 2_400, 900, {"rhythm": NIGHTLY, "since": 260}),
    ("evals", GEMINI_PRO, 150, 2_400, 1_000, {"rhythm": NIGHTLY}),
    ("evals", GPT_54, 130, 2_400, 900, {"rhythm": NIGHTLY, "since": 112}),
    ("evals", OPUS_46, 70, 2_400, 900, {"rhythm": NIGHTLY, "since": 195}),
    ("judge", GEMINI_FLASH, 900, 3_100, 150, {"rhythm": NIGHTLY, "byok": True}),
    (
        "synthetic",
        DEEPSEEK,
        2_600,
        1_200,
        1_900,
        {"rhythm": STEADY, "since": 220, "until": 20, "fade": 25},
    ),
    ("synthetic", QWEN_FREE, 700, 1_200, 1_500, {"rhythm": STEADY, "since": 30, "fade": 6}),
    ("notebooks", GPT_51, 40, 6_000, 900, {"until": 90}),
    ("notebooks", GEMINI_PRO, 45, 7_000, 1_100, {"since": 120, "fade": 20}),
    ("playground", QWEN_FREE, 120, 1_500, 700, {"since": 70}),
)

# Chatroom use: who, model, requests a day, tokens.
CHATS: tuple[tuple[str, Model, float, int, int], ...] = (
    ("ada", OPUS_46, 9, 3_500, 900),
    ("alexandra", GPT_54, 26, 2_800, 800),
    ("priya", GEMINI_PRO, 12, 4_000, 700),
    ("kasia", SONNET_46, 7, 2_500, 600),
    ("intern", QWEN_FREE, 15, 1_200, 500),
)


LOOPING = "ci-review"
"""The key of the agent that starts to loop during the demo."""


def sample(now: datetime, seed: int = 7) -> Organization:
    """Lumen Labs with a year of usage before the day of `now`, and more as the clock advances."""
    history = LivingHistory(list(_streams()), anchor=now, seed=seed, launch=LAUNCH, zone=ZONE)
    organization = Organization(
        [_member(*person) for person in PEOPLE],
        [_key(*key, born=history.start) for key in KEYS],
        [replace(workspace) for workspace in (PRODUCTION, ENGINEERING, RESEARCH)],
        list(_runaway(now, seed)),
        budgets=[
            Budget(PRODUCTION.id, 9_000 * DOLLAR, "monthly"),
            Budget(PRODUCTION.id, 600 * DOLLAR, "daily"),
            Budget(ENGINEERING.id, 2_500 * DOLLAR, "weekly"),
            Budget(RESEARCH.id, 60_000 * DOLLAR, None),
        ],
        apps=dict(APPS),
        history=history,
        guardrails=_guardrails(),
        models=_models(now),
    )
    organization.key(_hash("evals")).expires_at = now + timedelta(days=9)
    agent = organization.key(_hash("nightly"))
    used = of_agent = 0
    for record in organization.usage(history.start, now):
        used += record.credits_nano
        of_agent += record.credits_nano if record.key == agent.hash else 0
    # its last requests, which were running when the limit was reached, exceed it
    agent.limit_nano = of_agent * 100 // 104 // DOLLAR * DOLLAR
    organization.credits = (used // (500 * DOLLAR) + 6) * 500 * DOLLAR
    return organization


def _guardrails() -> list[SampleGuardrail]:
    """A limit for each engineer, a smaller one for the intern, one for a key, and one for
    Research."""
    engineers = [_user_id(short) for short in ("farid", "hiro", "alex", "kasia")]
    return [
        SampleGuardrail("Engineer", ENGINEERING.id, 250 * DOLLAR, "weekly", members=engineers),
        SampleGuardrail("Intern", RESEARCH.id, 3 * DOLLAR, "daily", members=[_user_id("intern")]),
        SampleGuardrail("Bots", PRODUCTION.id, 40 * DOLLAR, "daily", keys=[_hash("moderation")]),
        SampleGuardrail("Research default", RESEARCH.id, 1_200 * DOLLAR, default=True),
        SampleGuardrail("No training on prompts", PRODUCTION.id, default=True),
    ]


def _models(now: datetime) -> list[SampleModel]:
    """The models at their list prices; some end soon, including one that nobody uses now."""
    ends = {GEMINI_PRO.slug: 24, DEEPSEEK.slug: 61, OPUS_45.slug: 45}
    return [
        SampleModel(
            one.slug,
            one.prompt_nano,
            one.completion_nano,
            one.prompt_nano // 10 if one.prompt_nano else None,
            (now + timedelta(days=ends[one.slug])).date() if one.slug in ends else None,
        )
        for one in MODELS
    ]


def _member(short: str, first: str | None, last: str | None) -> Member:
    role: Literal["org:admin", "org:member"] = "org:admin" if short in ADMINS else "org:member"
    return Member(_user_id(short), first, last, f"{short}@lumenlabs.example", role)


def _key(
    short: str,
    name: str,
    creator: str,
    workspace: Workspace,
    more: dict[str, Any],
    *,
    born: datetime,
) -> Key:
    since = max((use[5].get("since", 366.0) for use in USES if use[0] == short), default=366.0)
    return Key(
        name,
        _hash(short),
        _user_id(creator) if creator else None,
        workspace.id,
        created_at=born + timedelta(days=366 - since, hours=8),
        **more,
    )


def _streams() -> Iterator[Stream]:
    creators = {short: creator for short, _, creator, _, _ in KEYS}
    for short, model, daily, prompt, completion, more in USES:
        creator = creators[short]
        member = _user_id(creator) if creator else ""
        yield Stream(_hash(short), member, model, daily, prompt, completion, **more)
    for person, model, daily, prompt, completion in CHATS:
        yield Stream("", _user_id(person), model, daily, prompt, completion, OFFICE)


def _runaway(now: datetime, seed: int) -> Iterator[Record]:
    """Four hours of last night in which an agent talked to itself."""
    rng = random.Random(f"{seed}/runaway")
    end = now.replace(hour=5, minute=0, second=0, microsecond=0)
    if end > now:
        end -= DAY
    for minute in range(240):
        requests = rng.randrange(4, 9)
        prompt, completion = (
            requests * rng.randrange(70_000, 110_000),
            requests * rng.randrange(900, 2_000),
        )
        cached = prompt // 2
        cost = (prompt - cached) * OPUS_46.prompt_nano + cached * (OPUS_46.prompt_nano // 10)
        yield Record(
            end - timedelta(minutes=240 - minute),
            _hash("nightly"),
            _user_id("farid"),
            OPUS_46.slug,
            requests,
            prompt=prompt,
            completion=completion,
            reasoning=completion // 4,
            credits_nano=cost + completion * OPUS_46.completion_nano,
            cached=cached,
            saved_nano=cached * (OPUS_46.prompt_nano - OPUS_46.prompt_nano // 10),
        )


def looping(start: datetime, length: timedelta = timedelta(minutes=6)) -> Iterator[Record]:
    """An agent that reviews its own review, from a given time until somebody stops it."""
    prompt, completion = 160_000, 2_200
    cost = prompt * OPUS_46.prompt_nano + completion * OPUS_46.completion_nano
    at = start
    while at < start + length:
        yield Record(
            at,
            _hash(LOOPING),
            "",
            OPUS_46.slug,
            prompt=prompt,
            completion=completion,
            reasoning=completion // 4,
            credits_nano=cost,
        )
        at += timedelta(seconds=3)


def _hash(short: str) -> str:
    return key_hash(f"lumen labs {short}")


def _user_id(short: str) -> str:
    return f"user_{key_hash(short)[:27]}"
