"""What cannot be answered is said in one sentence, with what to do instead, and never as a zero."""

import json

import pytest

from bot.demo.slack import validate

KINDS = ("price", "why spend", "why tokens", "forecast", "cache", "whatif opus -> gpt-5.1",
         "whatif all -> gpt-5.1", "retiring", "new models", "keys", "limits")  # fmt: skip
NOTHING_MATCHES = ("key:prod", "-key:prod")


@pytest.mark.parametrize("words", KINDS)
def test_filters_that_leave_nothing_are_named_as_the_reason(shared, ask, words):
    code, out, err = ask(*words.split(), *NOTHING_MATCHES)
    assert code in {0, 1}, err
    said = out if code == 0 else err
    assert "$0 " not in said
    assert "0 tokens" not in said
    payload = shared.ask(f"{words} {' '.join(NOTHING_MATCHES)}")
    assert validate(payload["blocks"]) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("price key:prod -key:prod",
         "No usage matches these filters in this period, so there is no price to compute; remove"),
        ("cache key:prod -key:prod",
         "No usage matches these filters in this period, so there is no caching to show; remove a"),
        ("why spend key:prod -key:prod",
         "No usage matches these filters in either period, so nothing changed; remove a filter"),
        ("forecast key:prod -key:prod", "Nothing was spent in this period or in the weeks"),
        ("keys key:prod -key:prod", "No API key in OpenRouter's list matches these filters"),
        ("price 2020-01", "No usage is stored for this period, so there is no price to compute"),
        ("cache 2020-01", "No usage is stored for this period, so there is no caching to show"),
        ("why spend 2020-01", "no usage is stored for 1 Dec – 31 Dec 2019. Try a shorter or a"),
        ("new models 2020-01", "so I can't tell what is new in it; try a shorter period."),
        ("limits me --as grace@example.com", "No limit is set for your keys"),
    ],
)  # fmt: skip
def test_it_says_what_is_missing_and_what_to_try(ask, words, said):
    code, out, err = ask(*words.split())
    assert code == 0, err
    assert said in out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("forecast 2099-03", "I can forecast how a period that is still running ends"),
        ("price 2099-03", "2099-03 hasn't started yet"),
        ("limits model:gpt*", "Limits are set for keys, members and workspaces, not for models"),
        ("keys model:gpt*", "keys can be filtered by key and creator, but not by model."),
        ("retiring by model", "retiring lists models anyway; by key or by creator says who uses"),
        ("retiring key:nosuch", "No key is called “nosuch”."),
        ("new", "Say what to list: new models, new keys or new creators."),
        ("whatif opus ->", "Name the model to compare with after the arrow"),
        ("whatif opus gpt-5.1", "Which of the two replaces the other, opus or gpt-5.1? Try:"),
    ],
)
def test_what_makes_no_sense_is_one_sentence_and_what_makes_sense(ask, words, problem):
    code, out, err = ask(*words.split())
    assert code == 1
    assert out == ""
    assert problem in err
    assert len(err.splitlines()) == 1


def test_a_period_without_one_before_says_so_once_in_text_and_in_json(ask):
    _, out, _ = ask("why", "spend", "2020-01")
    assert out.count("no earlier period to compare with") == 1
    found = json.loads(ask("why", "spend", "2020-01", "--json")[1])
    assert any("no earlier period" in words for words in found["partial"])
    assert found["change"] is None
