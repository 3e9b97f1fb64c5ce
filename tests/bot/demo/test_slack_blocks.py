"""Every limit of Block Kit has a case that is just within it and one that is just over."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.slack import validate, validate_view

Block = dict[str, Any]


def plain(size: int) -> Block:
    return {"type": "plain_text", "text": "x" * size}


def mrkdwn(size: int) -> Block:
    return {"type": "mrkdwn", "text": "x" * size}


def section(**fields: Any) -> Block:
    return {"type": "section", **fields}


def button(number: int = 0, **fields: Any) -> Block:
    return {"type": "button", "action_id": f"b{number}", "text": plain(4), **fields}


def actions(*elements: Block) -> list[Block]:
    return [{"type": "actions", "elements": list(elements)}]


def option(number: int = 0, text: int = 4, **fields: Any) -> Block:
    return {"text": plain(text), "value": f"v{number}", **fields}


def options(size: int) -> list[Block]:
    return [option(number) for number in range(size)]


def menu(**fields: Any) -> list[Block]:
    return actions({"type": "static_select", "action_id": "m", **fields})


def raw(text: str = "–") -> Block:
    return {"type": "raw_text", "text": text}


def rich(parts: int) -> Block:
    part = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
    return {"type": "rich_text", "elements": [part] * parts}


def grid(rows: int, columns: int, text: str = "–") -> list[list[Block]]:
    return [[raw(text)] * columns for _ in range(rows)]


def table(rows: list[list[Block]], **fields: Any) -> list[Block]:
    return [{"type": "table", "rows": rows, **fields}]


def data_table(rows: list[list[Block]], **fields: Any) -> list[Block]:
    return [{"type": "data_table", "caption": "Usage", "rows": rows, **fields}]


def series(name: str, labels: list[str], value: float = 1.5) -> Block:
    return {"name": name, "data": [{"label": label, "value": value} for label in labels]}


def chart(
    number: int = 1, labels: list[str] | None = None, title: str = "Spend", **axis: Any
) -> Block:
    labels = ["Mon", "Tue"] if labels is None else labels
    drawn = {
        "type": "bar",
        "series": [series(f"s{index}", labels) for index in range(number)],
        "axis_config": {"categories": labels, **axis},
    }
    return {"type": "data_visualization", "title": title, "chart": drawn}


def pie(size: int = 2, label: str = "", value: float = 1) -> Block:
    segments = [{"label": label or f"l{index}", "value": value} for index in range(size)]
    return {
        "type": "data_visualization",
        "title": "P",
        "chart": {"type": "pie", "segments": segments},
    }


def image(alt: int = 4, **fields: Any) -> list[Block]:
    return [{"type": "image", "alt_text": "x" * alt, **fields}]


def labels(size: int) -> list[str]:
    return [f"l{index}" for index in range(size)]


def confirm(**fields: Block) -> list[Block]:
    asked = {"title": plain(4), "text": plain(4), **fields}
    return actions(button(confirm=asked))


def radio(**fields: Any) -> list[Block]:
    return actions({"type": "radio_buttons", "options": [{"value": "v", **fields}]})


def context(element: Block) -> list[Block]:
    return [{"type": "context", "elements": [element]}]


def question(**fields: Any) -> list[Block]:
    element = {"type": "plain_text_input", "action_id": "a"}
    return [{"type": "input", "label": plain(4), "element": element, **fields}]


URL = {"image_url": "https://example.com/a.png"}
DIVIDER = {"type": "divider"}

LIMITS: list[tuple[str, int, Callable[[int], list[Block]]]] = [
    ("blocks", 50, lambda n: [DIVIDER] * n),
    ("section text", 3_000, lambda n: [section(text=mrkdwn(n))]),
    ("section plain text", 3_000, lambda n: [section(text=plain(n))]),
    ("fields", 10, lambda n: [section(fields=[mrkdwn(4)] * n)]),
    ("field", 2_000, lambda n: [section(fields=[mrkdwn(n)])]),
    ("header", 150, lambda n: [{"type": "header", "text": plain(n)}]),
    ("context elements", 10, lambda n: [{"type": "context", "elements": [mrkdwn(4)] * n}]),
    ("actions elements", 25, lambda n: actions(*map(button, range(n)))),
    ("button text", 75, lambda n: actions(button(text=plain(n)))),
    ("button value", 2_000, lambda n: actions(button(value="x" * n))),
    ("button url", 3_000, lambda n: actions(button(url="x" * n))),
    ("action id", 255, lambda n: actions(button(action_id="x" * n))),
    ("block id", 255, lambda n: [{**DIVIDER, "block_id": "x" * n}]),
    ("options", 100, lambda n: menu(options=options(n))),
    ("option text", 75, lambda n: menu(options=[option(text=n)])),
    ("option value", 150, lambda n: menu(options=[option(value="x" * n)])),
    ("option description", 75, lambda n: menu(options=[option(description=plain(n))])),
    (
        "group options",
        100,
        lambda n: menu(option_groups=[{"label": plain(4), "options": options(n)}]),
    ),
    ("placeholder", 150, lambda n: menu(options=options(1), placeholder=plain(n))),
    ("overflow", 5, lambda n: actions({"type": "overflow", "options": options(n)})),
    ("radio buttons", 10, lambda n: actions({"type": "radio_buttons", "options": options(n)})),
    ("checkboxes", 10, lambda n: actions({"type": "checkboxes", "options": options(n)})),
    ("table rows", 100, lambda n: table(grid(n, 2))),
    ("table columns", 20, lambda n: table(grid(2, n))),
    ("table characters", 10_000, lambda n: table([[raw("x" * 9_000)], [raw("x" * (n - 9_000))]])),
    ("tables", 1, lambda n: table(grid(2, 2)) * n),
    ("data table rows", 201, lambda n: data_table(grid(n, 2))),
    ("data table columns", 20, lambda n: data_table(grid(2, n))),
    (
        "data table characters",
        20_000,
        lambda n: data_table([[raw("x" * 9_000)] * 2, [raw("x" * 1_000), raw("x" * (n - 19_000))]]),
    ),
    ("data tables", 1, lambda n: data_table(grid(2, 2)) * n),
    ("data table page", 100, lambda n: data_table(grid(2, 2), page_size=n)),
    ("data table row header", 1, lambda n: data_table(grid(2, 2), row_header_column_index=n)),
    ("charts", 2, lambda n: [chart()] * n),
    ("chart title", 50, lambda n: [chart(title="x" * n)]),
    ("series", 12, lambda n: [chart(n)]),
    ("points", 20, lambda n: [chart(labels=labels(n))]),
    ("category", 20, lambda n: [chart(labels=["x" * n])]),
    ("x label", 50, lambda n: [chart(x_label="x" * n)]),
    ("y label", 50, lambda n: [chart(y_label="x" * n)]),
    ("segments", 12, lambda n: [pie(n)]),
    ("segment label", 20, lambda n: [pie(1, "x" * n)]),
    ("alt text", 2_000, lambda n: image(n, **URL)),
    ("image title", 2_000, lambda n: image(title=plain(n), **URL)),
    ("markdown", 12_000, lambda n: [{"type": "markdown", "text": "x" * n}]),
    (
        "all characters",
        13_200,
        lambda n: [section(text=mrkdwn(3_000))] * 4 + [section(text=mrkdwn(n - 12_000))],
    ),
    (
        "markdowns together",
        12_000,
        lambda n: [
            {"type": "markdown", "text": "x" * 6_000},
            {"type": "markdown", "text": "x" * (n - 6_000)},
        ],
    ),
    ("confirm title", 100, lambda n: confirm(title=plain(n))),
    ("confirm text", 300, lambda n: confirm(text=mrkdwn(n))),
    ("confirm button", 30, lambda n: confirm(confirm=plain(n))),
    ("deny button", 30, lambda n: confirm(deny=plain(n))),
    ("accessibility label", 75, lambda n: actions(button(accessibility_label="x" * n))),
    ("radio text", 75, lambda n: radio(text=mrkdwn(n))),
    ("group label", 75, lambda n: menu(option_groups=[{"label": plain(n), "options": options(1)}])),
    ("context text", 3_000, lambda n: context(mrkdwn(n))),
    ("context plain text", 3_000, lambda n: context(plain(n))),
    ("small image alt text", 2_000, lambda n: context(image(n, **URL)[0])),
    ("label", 2_000, lambda n: question(label=plain(n))),
    ("hint", 2_000, lambda n: question(hint=plain(n))),
    ("caption", 2_000, lambda n: data_table(grid(2, 2), caption="x" * n)),
    ("column settings", 20, lambda n: table(grid(2, 2), column_settings=[{"align": "right"}] * n)),
    ("rich cell", 100, lambda n: table([[rich(n)]])),
]
NAMES = [name for name, _, _ in LIMITS]


@pytest.mark.parametrize(("name", "most", "make"), LIMITS, ids=NAMES)
def test_it_takes_what_is_just_within_a_limit(name, most, make):
    assert validate(make(most)) == []


@pytest.mark.parametrize(("name", "most", "make"), LIMITS, ids=NAMES)
def test_it_refuses_what_is_just_over_a_limit(name, most, make):
    problems = validate(make(most + 1))
    assert problems
    assert all(problem.pointer.startswith("/blocks") for problem in problems)


REFUSED: list[tuple[str, list[Any], str]] = [
    ("no blocks", [3], "/blocks/0"),
    ("no type", [{}], "/blocks/0"),
    ("an unknown type", [{"type": "chart"}], "/blocks/0"),
    ("a type that is no word", [{"type": ["section"]}], "/blocks/0"),
    ("an unknown field", [{**DIVIDER, "color": "red"}], "/blocks/0"),
    ("emoji beside mrkdwn", [section(text={**mrkdwn(2), "emoji": True})], "/blocks/0/text"),
    (
        "a type on an option",
        menu(options=[option(type="option")]),
        "/blocks/0/elements/0/options/0",
    ),
    ("a section with nothing", [section()], "/blocks/0"),
    ("empty text", [section(text=mrkdwn(0))], "/blocks/0/text/text"),
    ("text that is none", [section(text={"type": "mrkdwn", "text": 5})], "/blocks/0/text/text"),
    ("mrkdwn in a header", [{"type": "header", "text": mrkdwn(4)}], "/blocks/0/text/type"),
    ("mrkdwn on a button", actions(button(text=mrkdwn(4))), "/blocks/0/elements/0/text/type"),
    ("no elements", actions(), "/blocks/0/elements"),
    ("two actions of one id", actions(button(1), button(1)), "/blocks/0"),
    ("two blocks of one id", [{**DIVIDER, "block_id": "a"}] * 2, "/blocks"),
    ("an unknown style", actions(button(style="blue")), "/blocks/0/elements/0/style"),
    ("a menu with nothing", menu(), "/blocks/0/elements/0"),
    (
        "an initial option from elsewhere",
        menu(options=options(2), initial_option=option(3)),
        "/blocks/0/elements/0",
    ),
    ("an empty cell", table([[raw(), raw("")]]), "/blocks/0/rows/0/1/text"),
    (
        "an empty rich cell",
        table(
            [[{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]}]]
        ),
        "/blocks/0/rows/0/0",
    ),
    (
        "a number in a plain table",
        table([[{"type": "raw_number", "value": 1, "text": "1"}]]),
        "/blocks/0/rows/0/0",
    ),
    ("unequal rows", data_table([[raw()], [raw(), raw()]]), "/blocks/0/rows"),
    ("a header without rows", data_table([[raw()]]), "/blocks/0/rows"),
    ("a data table without caption", [{"type": "data_table", "rows": grid(2, 2)}], "/blocks/0"),
    (
        "a number that is none",
        data_table([[raw()], [{"type": "raw_number", "value": "1", "text": "1"}]]),
        "/blocks/0/rows/1/0/value",
    ),
    (
        "a rich header",
        data_table(
            [
                [
                    {
                        "type": "rich_text",
                        "elements": [
                            {
                                "type": "rich_text_section",
                                "elements": [{"type": "text", "text": "x"}],
                            }
                        ],
                    }
                ],
                [raw()],
            ]
        ),
        "/blocks/0/rows/0/0",
    ),
    ("a table beside a data table", table(grid(2, 2)) + data_table(grid(2, 2)), "/blocks/1"),
    ("a chart without points", [chart(labels=[])], "/blocks/0/chart/series/0/data"),
    ("a chart without series", [chart(0)], "/blocks/0/chart/series"),
    ("an infinite value", [pie(value=math.inf)], "/blocks/0/chart/segments/0/value"),
    ("a value that is no number", [pie(value=math.nan)], "/blocks/0/chart/segments/0/value"),
    ("a pie of nothing", [pie(value=0)], "/blocks/0/chart/segments/0/value"),
    ("an empty pie", [pie(0)], "/blocks/0/chart/segments"),
    ("a truth as value", [pie(value=True)], "/blocks/0/chart/segments/0/value"),
    ("an unknown chart", [{**chart(), "chart": {"type": "donut"}}], "/blocks/0/chart"),
    ("colors", [{**chart(), "chart": {**chart()["chart"], "colors": []}}], "/blocks/0/chart"),
    ("an image from nowhere", image(), "/blocks/0"),
    ("an image from two places", image(slack_file={"id": "F0DEMO00001"}, **URL), "/blocks/0"),
    ("a file's name as id", image(slack_file={"id": "chart.png"}), "/blocks/0/slack_file/id"),
    ("an alert in a message", [{"type": "alert", "text": mrkdwn(4)}], "/blocks/0"),
    (
        "a chart in a container",
        [{"type": "container", "child_blocks": [chart()]}],
        "/blocks/0/child_blocks/0",
    ),
]


@pytest.mark.parametrize(
    ("blocks", "pointer"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_it_refuses_and_points_at(blocks, pointer):
    assert pointer in [problem.pointer for problem in validate(blocks)]


def with_chart(**changes: Any) -> list[Block]:
    block = chart()
    block["chart"].update(changes)
    return [block]


def test_it_takes_a_table_that_shows_numbers_as_numbers():
    rows = [
        [raw("Model"), raw("Spend")],
        [raw("a"), {"type": "raw_number", "value": 1.5, "text": "$1.50"}],
    ]
    assert validate(data_table(rows, page_size=1, row_header_column_index=0)) == []


def test_series_of_one_chart_have_names_of_their_own():
    same = [series("a", ["Mon", "Tue"]), series("a", ["Mon", "Tue"])]
    [problem] = validate(with_chart(series=same))
    assert "series name already exists" in problem.message


@pytest.mark.parametrize("given", [["Mon"], ["Mon", "Wed"], ["Tue", "Mon"], ["Mon", "Tue", "Wed"]])
def test_every_series_has_exactly_the_categories(given):
    [problem] = validate(with_chart(series=[series("a", given)]))
    assert problem.pointer == "/blocks/0/chart/series/0/data"


@pytest.mark.parametrize("name", ["", "x" * 21])
def test_a_series_has_a_short_name(name):
    [problem] = validate(with_chart(series=[series(name, ["Mon", "Tue"])]))
    assert problem.pointer == "/blocks/0/chart/series/0/name"


@pytest.mark.parametrize("kind", ["bar", "area", "line"])
def test_it_takes_every_chart_on_axes(kind):
    assert validate(with_chart(type=kind)) == []


def test_too_much_text_has_an_error_of_its_own():
    blocks = [section(text=mrkdwn(3_000))] * 5
    assert [problem.error for problem in validate(blocks)] == ["msg_blocks_too_long"]


@pytest.mark.parametrize("surface", ["modal", "home"])
@pytest.mark.parametrize(
    "block",
    [chart(), *table(grid(2, 2)), *data_table(grid(2, 2)), {"type": "markdown", "text": "x"}],
    ids=lambda block: block["type"],
)
def test_some_blocks_are_for_messages_only(surface, block):
    assert validate([block]) == []
    assert validate([block], surface)


def test_an_alert_is_for_modals_only():
    alert = {"type": "alert", "text": mrkdwn(4), "level": "warning"}
    assert validate([alert], "modal") == []
    assert validate([alert], "home")


@pytest.mark.parametrize("surface", ["modal", "home"])
def test_modals_and_homes_hold_a_hundred_blocks(surface):
    assert validate([DIVIDER] * 100, surface) == []
    assert validate([DIVIDER] * 101, surface)


def modal(**fields: Any) -> Block:
    return {"type": "modal", "title": plain(4), "blocks": [DIVIDER], **fields}


INPUT = {
    "type": "input",
    "label": plain(4),
    "element": {"type": "plain_text_input", "action_id": "a"},
}
VIEW_LIMITS: list[tuple[str, int, Callable[[int], Block]]] = [
    ("title", 24, lambda n: modal(title=plain(n))),
    ("submit", 24, lambda n: modal(submit=plain(n))),
    ("close", 24, lambda n: modal(close=plain(n))),
    ("private_metadata", 3_000, lambda n: modal(private_metadata="x" * n)),
    ("callback_id", 255, lambda n: modal(callback_id="x" * n)),
    ("blocks", 100, lambda n: modal(blocks=[DIVIDER] * n)),
]


@pytest.mark.parametrize(
    ("name", "most", "make"), VIEW_LIMITS, ids=[case[0] for case in VIEW_LIMITS]
)
def test_it_holds_a_modal_to_its_limits(name, most, make):
    assert validate_view(make(most)) == []
    assert all(problem.pointer.startswith("/view") for problem in validate_view(make(most + 1)))
    assert validate_view(make(most + 1))


@pytest.mark.parametrize(
    "view",
    [
        3,
        {},
        {"type": "sheet"},
        {"type": "modal", "blocks": []},
        {"type": "home"},
        {"type": "home", "blocks": [], "title": plain(4)},
        modal(blocks=[INPUT]),
        modal(blocks=None),
        modal(color="red"),
    ],
)
def test_it_refuses_views_that_are_not_whole(view):
    assert validate_view(view)


def test_it_takes_whole_views():
    assert validate_view(modal(blocks=[INPUT], submit=plain(4))) == []
    assert validate_view({"type": "home", "blocks": [DIVIDER], "private_metadata": ""}) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "elements", "rows", "chart"]), inner)
        | st.fixed_dictionaries(
            {
                "type": st.sampled_from(
                    ["section", "actions", "table", "data_visualization", "pie"]
                ),
                "text": inner,
                "rows": inner,
                "chart": inner,
                "elements": inner,
            }
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_json_makes_it_stumble(blocks):
    assert isinstance(validate(blocks), list)
    assert isinstance(validate([blocks]), list)
    assert isinstance(validate_view(blocks), list)


def test_it_leaves_the_blocks_as_they_are():
    blocks = [chart(), section(text=mrkdwn(5))]
    before = repr(blocks)
    validate(blocks)
    assert repr(blocks) == before
