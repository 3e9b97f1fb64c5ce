"""Prompt caching."""

from fractions import Fraction

from reports.analysis.cache import CacheUse, cache_report


def test_more_can_be_cached_than_was_in_the_prompt_and_it_can_cost_more_than_it_saves():
    use = CacheUse("prod", 100, 150, -5, 10, 4)
    assert (use.share, use.saved, use.reasoning_share) == (Fraction(3, 2), -5, Fraction(2, 5))


def test_an_unknown_figure_makes_the_whole_unknown_and_not_less():
    known, unknown = CacheUse("a", 100, 50, 7, 10, 0), CacheUse("b", 900, None, None, 0, 0)
    report = cache_report({"a": known, "b": unknown})
    assert (report.whole.prompt, report.whole.cached, report.whole.saved) == (1_000, None, None)
    assert [one.label for one in report.groups] == ["b", "a"]
    assert report.whole.share is None


def test_a_group_without_any_use_is_left_out_and_takes_nothing_away():
    report = cache_report(
        {"a": CacheUse("a", 10, 5, 7, 0, 0), "b": CacheUse("b", 0, None, None, 0, 0)}
    )
    assert (report.whole.cached, report.whole.saved) == (5, 7)
    assert report.whole.reasoning_share is None
    assert len(report.groups) == 1
