"""Reading words from left to right, looking ahead, and putting words back."""

from reports.wording.token_cursor import TokenCursor


def test_words_are_read_from_left_to_right() -> None:
    words = TokenCursor(["last", "3", "days"])
    assert [words.take(), words.take(), words.take()] == ["last", "3", "days"]
    assert not words


def test_after_the_last_word_everything_is_empty() -> None:
    words = TokenCursor(["spend"])
    assert (words.peek(1), words.take_many(0)) == ("", [])
    assert words.take_many(3) == ["spend"]
    assert (words.take(), words.peek(), words.upcoming(2), words.take_many(2)) == ("", "", [], [])


def test_looking_ahead_reads_nothing() -> None:
    words = TokenCursor(["0", "9", "*"])
    assert (words.peek(), words.peek(2), words.upcoming(2), words.upcoming(9)) == (
        "0", "*", ["0", "9"], ["0", "9", "*"],
    )  # fmt: skip
    assert len(words) == 3


def test_words_put_back_come_next_in_their_order() -> None:
    words = TokenCursor(["spend"])
    words.put_back("9", "am")
    assert words.take_many(3) == ["9", "am", "spend"]
