"""The bounded part of what `make trust` does with 10,000 names."""

from .names import names, shown


def test_hostile_names_stay_names_wherever_they_are_shown() -> None:
    found = shown(80, seed=1)
    assert found.names == 80
    assert found.wrong == []


def test_every_name_is_another() -> None:
    assert len(set(names(500, 2))) == 500
