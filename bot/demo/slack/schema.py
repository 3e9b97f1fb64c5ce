"""Small checks that combine into the schema of Slack's Block Kit.

A check takes a value and its JSON pointer, and yields problems.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem: its message, its place (a JSON pointer), and Slack's error code."""

    pointer: str
    message: str
    error: str = "invalid_blocks"

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"


Check = Callable[[Any, str], Iterable[Problem]]


def string(longest: int, shortest: int = 1, pattern: str | None = None) -> Check:
    """A string whose length is within the bounds; a pattern must match all of it."""

    def check(value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield Problem(pointer, "must provide a string")
        elif len(value) > longest:
            yield Problem(pointer, f"must be less than {longest + 1} characters")
        elif len(value) < shortest:
            yield Problem(pointer, f"must be more than {shortest - 1} characters")
        elif pattern and not re.fullmatch(pattern, value):
            yield Problem(pointer, f"input must match regex pattern: ^{pattern}$")

    return check


def one_of(*allowed: str) -> Check:
    """One of these words."""

    def check(value: object, pointer: str) -> Iterator[Problem]:
        if value not in allowed:
            yield Problem(pointer, f"must be a valid enum value: {', '.join(allowed)}")

    return check


def boolean(value: object, pointer: str) -> Iterator[Problem]:
    """True or false."""
    if not isinstance(value, bool):
        yield Problem(pointer, "must provide a boolean")


def integer(least: int, most: int) -> Check:
    """A whole number within both bounds."""

    def check(value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Problem(pointer, "must provide an integer")
        elif not least <= value <= most:
            yield Problem(pointer, f"must be between {least} and {most}")

    return check


def number(value: object, pointer: str) -> Iterator[Problem]:
    """A finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield Problem(pointer, "must provide a number")
    elif not math.isfinite(value):
        yield Problem(pointer, "must provide a finite number")


def anything(_value: object, _pointer: str) -> Iterable[Problem]:
    """No check, for parts of Slack's schema that this project doesn't use."""
    return ()


def items(check_item: Check, most: int, least: int = 1) -> Check:
    """A list whose length is within the bounds and whose items all pass the check."""

    def check(value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield Problem(pointer, "must provide an array")
            return
        if len(value) > most:
            yield Problem(pointer, f"no more than {most} items allowed")
        if len(value) < least:
            yield Problem(pointer, f"no less than {least} items allowed")
        for index, item in enumerate(value):
            yield from check_item(item, f"{pointer}/{index}")

    return check


def fields(
    required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *rules: Check
) -> Check:
    """An object with these fields and no others; rules are applied once its fields are valid."""
    known = {**required, **(optional or {})}

    def check(value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(pointer, "must provide an object")
            return
        found = [*_field_problems(value, pointer, required, known)]
        yield from found
        if not found:
            for rule in rules:
                yield from rule(value, pointer)

    return check


def _field_problems(
    value: dict[str, Any], pointer: str, required: Mapping[str, Check], known: Mapping[str, Check]
) -> Iterator[Problem]:
    for name in required:
        if name not in value:
            yield Problem(pointer, f"missing required field: {name}")
    for name, item in value.items():
        if name in known:
            yield from known[name](item, f"{pointer}/{name}")
        else:
            yield Problem(pointer, f"invalid additional property: {name}")


def tagged(kinds: Mapping[str, Check]) -> Check:
    """An object whose ``type`` chooses its check."""

    def check(value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(pointer, "must provide an object")
        elif "type" not in value:
            yield Problem(pointer, "missing required field: type")
        elif not isinstance(value["type"], str) or value["type"] not in kinds:
            yield Problem(pointer, f"unsupported type: {value['type']}")
        else:
            yield from kinds[value["type"]](value, pointer)

    return check


def any_field(*names: str) -> Check:
    """A rule: at least one of these fields is present."""

    def check(value: dict[str, Any], pointer: str) -> Iterator[Problem]:
        if not any(name in value for name in names):
            yield Problem(pointer, f"missing required field: {' or '.join(names)}")

    return check


def one_field(*names: str) -> Check:
    """A rule: exactly one of these fields is present."""

    def check(value: dict[str, Any], pointer: str) -> Iterator[Problem]:
        if sum(name in value for name in names) != 1:
            yield Problem(pointer, f"must have exactly one of: {', '.join(names)}")

    return check


def unique(read: Callable[[Any], Iterable[Any]], word: str) -> Check:
    """A rule: the values that ``read`` returns are unique."""

    def check(value: object, pointer: str) -> Iterator[Problem]:
        seen = set()
        for name in read(value):
            if name in seen:
                yield Problem(pointer, f"{word} already exists: {name}")
            seen.add(name)

    return check
