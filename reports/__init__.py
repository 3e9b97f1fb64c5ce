"""The pure core: questions, figures, messages and files, without any I/O.

The name doesn't mean scheduled reports (those are in `reports/schedules/`). Functions here take
values and return values or bytes; `bot/` does all I/O.
"""
