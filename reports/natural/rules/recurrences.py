"""Reads when a question should be repeated: `every monday at 9:00`."""

from __future__ import annotations

from reports.natural import vocabulary
from reports.natural.rules.periods import is_time
from reports.natural.text_reader import TextReader


def read_recurrence(reader: TextReader) -> int:
    """`every monday at 9:00`, `weekly to me`."""
    word, following = reader.word(), reader.word(1)
    if word in vocabulary.RECURRENCES and vocabulary.AVERAGE & {following, reader.word(-1)}:
        reader.ignored.append(reader.words[reader.at])
        return 1
    days = vocabulary.WEEKDAYS | {"day", "weekday", "week", "month"}
    if word in vocabulary.EVERY and following in days:
        count = 2
    elif word in vocabulary.RECURRENCES:
        count = 2 if word == "monthly" and (following.isdigit() or following == "last") else 1
    elif word in vocabulary.EVERY and following == vocabulary.MORNING:
        reader.schedule_words += ["daily", "9:00"]
        return 2
    elif reader.schedule_words and (word in vocabulary.WEEKDAYS or is_time(word)):
        count = 1
    elif reader.schedule_words and word == "at" and following.isdigit() and len(following) < 3:
        reader.schedule_words.append(f"{following}:00")
        return 2
    elif reader.schedule_words and (word, following) in {("to", "me"), ("to", "creators")}:
        count = 2
    elif reader.schedule_words and (word == "here" or word.startswith("<#")):
        reader.schedule_words += ["in"] if word.startswith("<#") else []
        count = 1
    else:
        return 0
    reader.schedule_words += reader.words[reader.at : reader.at + count]
    return count
