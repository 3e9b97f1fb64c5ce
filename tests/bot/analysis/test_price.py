"""`price` by every way of asking: the figures are those of spend and tokens, divided."""

import json

from bot.demo.slack import validate


def table(payload) -> list[list[str]]:
    [found] = [block for block in payload["blocks"] if block["type"] == "table"]
    return [[cell["text"] for cell in row] for row in found["rows"]]


def test_a_price_is_said_over_everything_and_for_each_group(shared):
    payload = shared.ask("price 7d by model")
    assert validate(payload["blocks"]) == []
    assert table(payload)[0][:2] == ["Model", "Per 1M tokens"]
    assert "$1,012.99 for a million tokens" in payload["text"]
    assert "anthropic/claude-opus-4.5: Per 1M tokens $909.09" in payload["text"]


def test_a_price_in_json_is_exact(ask):
    code, out, _ = ask("price", "7d", "by", "model", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["blended"]["tokens"] == 38_500
    assert found["blended"]["spend"] == "39"
