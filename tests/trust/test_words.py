"""The bounded part of the fuzzing that `make trust` does with a million inputs."""

from .words import fuzz, texts


def test_random_words_are_an_answer_or_a_sentence_and_never_a_crash() -> None:
    found = fuzz(700, seed=1)
    assert found.crashed == []
    assert found.understood > 35


def test_the_same_seed_gives_the_same_words() -> None:
    assert list(texts(50, 3)) == list(texts(50, 3)) != list(texts(50, 4))
