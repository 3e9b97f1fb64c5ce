"""Answers about models: `retiring` and `whatif` with cached tokens, by every way of asking."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.analysis.registry import answer_any
from bot.demo.openrouter.models import SampleModel
from bot.demo.slack import validate
from bot.store import Database, Store
from reports.questions.grammar import parse
from tests import databases
from tests import world as worlds
from tests.world import DOLLAR

OPUS, GPT = "anthropic/claude-opus-4.5", "openai/gpt-5.1"
ENDS = 12


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The small organization; its bills are made from list prices, with cached tokens cheaper."""
    organization = worlds.small()
    organization.models = [
        SampleModel(OPUS, 5_000, 25_000, 500, (worlds.now() + timedelta(days=ENDS)).date()),
        SampleModel(GPT, 1_000, 5_000),
        SampleModel("free/one", 0, 0),
        SampleModel("old/one", 7, 7, ends=(worlds.now() + timedelta(days=3)).date()),
    ]
    for record in organization.records:
        if record.model == OPUS:
            record.cached = record.prompt * 8 // 10
            record.credits_nano = (
                (record.prompt - record.cached) * 5_000
                + record.cached * 500
                + record.completion * 25_000
            )
    of_ada = next(one for one in organization.records if one.member == "user_ada")
    organization.records.append(replace(of_ada, model="ada/alone"))
    path = tmp_path_factory.mktemp("models") / "activity.db"
    return worlds.filled(organization, path), path


def asked(ask, *words):
    code, out, err = ask(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_model_that_ends_is_listed_with_who_uses_it(ask):
    found = asked(ask, "retiring")
    [model] = found["models"]
    assert (model["label"], model["days"]) == (OPUS, ENDS)
    assert found["unused"] == 1
    users = {one["label"]: Decimal(one["spend_30d"]) for one in model["users"]}
    assert set(users) == {"prod", "evals", "(chatroom)"}
    assert sum(users.values()) == Decimal(model["spend_30d"])
    by_creator = asked(ask, "retiring", "by", "creator")["models"][0]
    assert {one["label"] for one in by_creator["users"]} == {"Ada Lovelace", "Grace Hopper"}
    assert by_creator["spend_30d"] == model["spend_30d"]


def test_only_models_that_end_before_a_day_can_be_asked_for(ask):
    day = (worlds.now() + timedelta(days=ENDS)).date()
    assert asked(ask, "retiring", "before", f"{day}")["models"] == []
    after = asked(ask, "retiring", "before", f"{day + timedelta(days=1)}")
    assert [one["label"] for one in after["models"]] == [OPUS]
    assert after["query"]["command"] == f"/activity retiring before {day + timedelta(days=1)}"
    _, out, _ = ask("retiring", "before", f"{day}")
    assert f"has an end date before {day.day} {day:%b %Y}." in out
    code, _, err = ask("retiring", "before", "lunch")
    assert (code, len(err.splitlines())) == (1, 1)


def test_a_what_if_onto_a_model_that_ends_says_so(shared):
    text = shared.words("whatif gpt-5.1 -> opus 7d")
    assert f"But {OPUS} retires on " in text
    assert f", in {ENDS} days." in text
    assert "$4.00 of it estimated by OpenRouter, for BYOK" in text


def test_it_is_said_in_slack(shared):
    payload = shared.ask("retiring")
    assert validate(payload["blocks"]) == []
    assert "1 model has an end date and is still used" in payload["text"]
    assert f"in {ENDS} days; used by prod" in payload["text"]
    assert "1 other model with an end date was not used in the past 30 days." in payload["text"]


def test_plain_words_ask_for_it_too(shared):
    text = worlds.say(shared, "which of our models are being deprecated?")
    assert text.startswith("I read that as `/activity retiring`.")


def test_where_nothing_retires_that_is_said(ask):
    code, out, _ = ask("retiring", f"model:{GPT}")
    assert code == 0
    assert "None of the models that were used in the past 30 days has an end date." in out


def test_without_a_list_of_models_it_says_so(ask, database):
    with databases.looking(database) as connection:
        connection.execute("DELETE FROM fact WHERE name = 'models'")
    code, _, err = ask("retiring")
    assert code == 1
    assert "list of models could not be read yet" in err


def test_its_csv_has_a_row_for_each_model_and_user(ask):
    _, out, _ = ask("retiring", "--csv", "-")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert {row["API Key"] for row in rows} == {"prod", "evals", "(chatroom)"}
    assert {row["Slug"] for row in rows} == {OPUS}


def test_who_sees_their_own_only_sees_what_they_use(own):
    text = own.words("retiring", user="grace")
    assert "evals" in text
    assert "not used by you in the past 30 days" in text
    for hidden in ("prod", "Ada", "chatroom"):
        assert hidden not in text


def test_who_sees_their_own_only_does_not_learn_which_models_others_use(own):
    of_others = own.words("whatif alone -> opus 1m", user="grace")
    of_nobody = own.words("whatif never-used -> opus 1m", user="grace")
    assert "No model like “alone” was used in this period" in of_others
    assert of_nobody == of_others.replace("alone", "never-used")


@pytest.mark.parametrize("words", ["retiring 7d", "retiring tokens", "retiring vs last week"])
def test_what_does_not_fit_is_one_sentence(shared, words):
    assert "`retiring` " in shared.words(words)


def test_cached_tokens_are_repriced_at_the_price_of_cached_ones(ask):
    found = asked(ask, "whatif", "opus", "->", "opus", "7d")
    assert found["error"] == 0
    assert found["billed"] == found["repriced_same"] == found["repriced"]
    [group] = found["groups"]
    assert group == {"label": "all"} | {name: found[name] for name in group if name != "label"}


@pytest.mark.parametrize("period", ["1h", "7d", "1m"])
def test_a_model_repriced_on_itself_is_within_the_error_that_is_said(ask, period):
    found = asked(ask, "whatif", "gpt-5.1", "->", "gpt-5.1", period, "by", "key")
    for one in (found, *found["groups"]):
        billed, repriced = Decimal(one["billed"]), Decimal(one["repriced"])
        assert float(repriced - billed) == pytest.approx(float(billed) * one["error"])


def test_a_target_without_a_price_for_cached_tokens_is_said(ask):
    _, out, _ = ask("whatif", "opus", "->", "gpt-5.1", "7d")
    assert f"{GPT} has no price for cached tokens" in out
    found = asked(ask, "whatif", "opus", "->", "gpt-5.1", "7d")
    tokens = asked(ask, "tokens", "7d", f"model:{OPUS}")["metrics"]["tokens"]["parts"]
    full = tokens["prompt"] * 1_000 + tokens["completion"] * 5_000
    assert Decimal(found["repriced"]) == Decimal(full) / DOLLAR


def test_cached_tokens_that_are_unknown_count_at_the_full_price_and_it_is_said(ask, database):
    with databases.looking(database) as connection:
        connection.execute("DELETE FROM figure_known")
    found = asked(ask, "whatif", "opus", "->", "free/one", "7d")
    tokens = asked(ask, "tokens", "7d", f"model:{OPUS}")["metrics"]["tokens"]["parts"]
    full = tokens["prompt"] * 5_000 + tokens["completion"] * 25_000
    assert Decimal(found["repriced_same"]) == Decimal(full) / DOLLAR
    assert found["error"] > 0
    assert found["repriced"] == "0"
    _, out, _ = ask("whatif", "opus", "->", "free/one", "7d")
    assert "it isn't known how many prompt tokens came from a cache" in out


def test_of_a_period_in_which_they_are_known_in_part_each_part_is_priced_as_it_is_known(
    ask, database
):
    whole = asked(ask, "whatif", "opus", "->", "opus", "7d")
    start = int((worlds.now() - timedelta(hours=5)).timestamp())
    with databases.looking(database) as connection:
        connection.execute("UPDATE figure_known SET start = ?", (start,))
    part = asked(ask, "whatif", "opus", "->", "opus", "7d")
    assert Decimal(part["repriced"]) > Decimal(whole["repriced"])


@pytest.mark.parametrize("hours", [0, 5, 100])
def test_groups_add_up_to_the_whole_whatever_is_known_of_cached_tokens(ask, database, hours):
    start = int((worlds.now() - timedelta(hours=hours)).timestamp())
    with databases.looking(database) as connection:
        connection.execute("UPDATE figure_known SET start = ? WHERE until > ?", (start, start))
        connection.execute("DELETE FROM figure_known WHERE start >= until")
    words = ("whatif", "opus", "->", "gpt-5.1", "7d")
    whole, by_key = asked(ask, *words), asked(ask, *words, "by", "key")
    for name in ("billed", "repriced_same", "repriced"):
        groups = sum(Decimal(one[name]) for one in by_key["groups"])
        assert Decimal(whole[name]) == Decimal(by_key[name]) == groups


@pytest.mark.parametrize("hours", [0, 5])
@pytest.mark.parametrize(
    "by", ["by key", "by creator", "by key creator:ada*", "by creator -key:e*"]
)
def test_a_message_has_the_groups_of_the_whole_answer(database, by, hours):
    start = int((worlds.now() - timedelta(hours=hours)).timestamp())
    with databases.looking(database) as connection:
        connection.execute("UPDATE figure_known SET start = ? WHERE until > ?", (start, start))
    store = Store(Database(databases.at(database)))
    for words in (f"whatif all -> gpt-5.1 7d {by} top 1", f"whatif opus -> gpt-5.1 1m {by} top 2"):
        query, now = parse(words).query, worlds.now()
        message, whole = (
            answer_any(store, query, now, "UTC", whole=whole) for whole in (False, True)
        )
        assert message.rows == whole.rows
        assert message.sentences == whole.sentences
        assert message.groups == whole.groups
    store.close()


def test_with_one_model_all_usage_is_repriced_on_it(ask):
    found = asked(ask, "whatif", "all", "->", "gpt-5.1", "7d", "-model:ada/alone")
    parts = [asked(ask, "whatif", one, "->", "gpt-5.1", "7d") for one in ("opus", "gpt-5.1")]
    for name in ("billed", "repriced_same", "repriced"):
        assert Decimal(found[name]) == sum(Decimal(one[name]) for one in parts)
    assert found["to"] == GPT
    assert found["from"] == f"{OPUS}, {GPT}"
    for words in ("whatif gpt-5.1 7d", "whatif -> gpt-5.1 7d", "what if we used gpt-5.1 7d"):
        code, out, err = ask(*words.split(), "-model:ada/alone")
        assert code == 0, err
        assert f", past 7 days: {GPT} instead of all models" in out


def test_models_without_a_price_are_left_out_and_it_is_said_for_how_much(ask):
    found = asked(ask, "whatif", "all", "->", "gpt-5.1", "7d")
    spent = asked(ask, "spend", "7d", "model:ada/alone")["metrics"]["spend"]["sum"]
    assert "ada/alone" not in found["from"]
    said = f"no price for ada/alone, so ${Decimal(spent):.4f} of spend there is left out"
    assert found["partial"] == [f"OpenRouter lists {said} of all figures"]
    code, _, err = ask("whatif", "alone", "->", "opus", "7d")
    assert code == 1
    assert "OpenRouter lists no price for ada/alone, so I can't reprice it." in err


def test_without_a_model_to_compare_with_it_asks_with_examples_of_what_is_used(shared, ask):
    text = shared.words("what if we stopped using opus")
    assert "Which model should I compare with?" in text
    assert "as in `whatif opus -> gpt-5.1 1m`" in text.replace("&gt;", ">")
    code, _, err = ask("whatif", "7d")
    assert code == 1
    assert "as in whatif all -> gpt-5.1 7d. Try: activity ask whatif all '->' gpt-5.1 7d" in err


def test_a_word_that_several_models_share_is_asked_about(ask):
    code, _, err = ask("whatif", "opus", "->", "one")
    assert code == 1
    assert "“one” may mean several models. Which one? Try: activity ask whatif opus '->'" in err
