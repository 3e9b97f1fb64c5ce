"""`why` by every way of asking: the parts add up, and can be worked out again from its CSV."""

import csv
import io
import json
from decimal import Decimal
from fractions import Fraction

from bot.demo.slack import validate

PARTS = ("volume", "mix", "price")


def test_the_parts_of_a_change_add_up_in_json(ask):
    code, out, _ = ask("why", "spend", "1d", "by", "creator", "--json")
    found = json.loads(out)
    assert code == 0
    change = Decimal(found["to"]) - Decimal(found["from"])
    assert Decimal(found["change"]) == change != 0
    assert sum(Decimal(found["parts"][part]) for part in PARTS) == change
    for part in PARTS:
        groups = sum(Decimal(group["parts"][part]) for group in found["groups"])
        assert groups == Decimal(found["parts"][part])
        assert sum(Decimal(cell[part]) for cell in found["cells"]) == groups


def test_the_parts_can_be_worked_out_again_from_the_csv(ask):
    _, out, _ = ask("why", "spend", "1d", "--csv", "-")
    rows = list(csv.DictReader(io.StringIO(out)))
    before = sum(int(row["Tokens Before"]) for row in rows)
    now = sum(int(row["Tokens"]) for row in rows)
    assert before
    assert now
    for row in rows:
        t0, t1 = int(row["Tokens Before"]), int(row["Tokens"])
        s0, s1 = Fraction(row["Spend Before"]), Fraction(row["Spend"])
        price = s0 / t0 if t0 else s1 / t1
        exact = {
            "Volume": (Fraction(now, before) - 1) * t0 * price,
            "Mix": (t1 - t0 * Fraction(now, before)) * price,
            "Price": s1 - t1 * price,
        }
        for name, value in exact.items():
            assert abs(Fraction(row[name]) - value) < Fraction(3, 10**9)


def test_a_change_is_explained_in_slack(shared):
    payload = shared.ask("why spend 1d")
    assert validate(payload["blocks"]) == []
    for words in ("spend is up", "Volume", "Mix", "Price", "isn't over and is left out"):
        assert words in payload["text"]


def test_tokens_have_groups_but_no_prices(ask):
    code, out, _ = ask("why", "tokens", "1d", "--json")
    found = json.loads(out)
    assert code == 0
    assert sum(found["parts"].values()) == found["to"] - found["from"] == found["change"]


def test_without_a_period_before_one_sentence_says_so(ask):
    code, out, _ = ask("why", "spend", "10y", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["change"] is None
    assert "no usage is stored" in found["partial"][-1]


def test_what_was_free_in_both_periods_has_no_row(ask):
    _, out, _ = ask("why", "byok", "1d")
    rows = out.partition("\n---")[2].splitlines()[1:]
    assert rows[0].startswith("laptop ")
    assert rows[1] == "", "nor a total of a single row"


def test_a_period_some_time_earlier_is_named_without_in(ask):
    _, out, _ = ask("why", "spend", "yesterday", "vs", "last", "week")
    assert " a week earlier" in out
    assert " in a week earlier" not in out


def test_tokens_without_a_grouping_are_listed_by_key_and_model_like_spend(ask):
    for metric in ("tokens", "requests"):
        code, out, err = ask("why", metric, "1d", "--json")
        assert code == 0, err
        found = json.loads(out)
        assert found["query"]["by"] is None
        assert found["parts"] == {"all": found["change"]}
        assert sum(one["change"] for one in found["cells"]) == found["change"]
        assert [one["label"] for one in found["groups"]] == ["all"]
        whole = json.loads(ask(metric, "1d", "--json")[1])["metrics"][metric]
        assert (found["to"], found["from"]) == (whole["sum"], whole["previous"])
        _, text, _ = ask("why", metric, "1d")
        assert "Listed for each pair of API key and model." in text
        assert " by model" not in text
    _, rows, _ = ask("why", "tokens", "1d", "--csv", "-")
    assert rows.startswith("API Key,Slug,Before,Now,Change\n")
