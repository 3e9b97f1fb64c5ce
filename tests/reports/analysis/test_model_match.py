"""Which model of a list a word means: the newest of its family, or a question back."""

import pytest

from reports.analysis.model_match import models_meant, without_version

LISTED = (
    "anthropic/claude-3-opus", "anthropic/claude-3.7-sonnet",
    "anthropic/claude-3.7-sonnet:thinking",
    "anthropic/claude-opus-4.6", "anthropic/claude-opus-4.10", "anthropic/claude-sonnet-4.5",
    "google/gemini-3-flash-preview", "google/gemini-3-pro-preview", "openai/gpt-5",
    "openai/gpt-5.4",
    "openai/gpt-5-mini", "openai/gpt-oss-120b", "qwen/qwen3-coder:free",
)  # fmt: skip


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("opus", "anthropic/claude-opus-4.10"),
        ("Opus", "anthropic/claude-opus-4.10"),
        ("sonnet", "anthropic/claude-sonnet-4.5"),
        ("claude-opus-4.6", "anthropic/claude-opus-4.6"),
        ("anthropic/claude-3.7-sonnet:thinking", "anthropic/claude-3.7-sonnet:thinking"),
        ("gpt-5", "openai/gpt-5"),
        ("mini", "openai/gpt-5-mini"),
        ("qwen", "qwen/qwen3-coder:free"),
    ],
)
def test_a_word_means_the_newest_model_of_its_family(word, meant):
    assert models_meant(LISTED, word) == (meant,)


@pytest.mark.parametrize("word", ["gpt-4", "opus-6", "gpt-5-4-6"])
def test_a_version_that_is_not_listed_means_no_other_one(word):
    assert models_meant(LISTED, word) == ()


def test_the_parts_of_a_version_can_be_written_with_hyphens():
    assert models_meant(LISTED, "gpt-5-4") == ("openai/gpt-5.4",)
    assert models_meant(LISTED, "gemini-flash") == ("google/gemini-3-flash-preview",)


@pytest.mark.parametrize(("word", "rest"), [("gpt-4", "gpt"), ("opus", "opus"), ("4.1", "")])
def test_a_word_can_be_taken_without_its_version(word, rest):
    assert without_version(word) == rest


def test_a_word_that_several_families_share_is_asked_about():
    assert models_meant(LISTED, "gpt") == (
        "openai/gpt-5.4", "openai/gpt-5-mini", "openai/gpt-oss-120b",
    )  # fmt: skip
    assert len(models_meant(LISTED, "gemini")) == 2


def test_a_word_that_no_model_has_means_none():
    assert models_meant(LISTED, "llama") == ()
    assert models_meant((), "opus") == ()
