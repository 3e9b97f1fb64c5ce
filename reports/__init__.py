"""The pure core: questions, figures, messages and files, without any I/O.

Not only scheduled reports (those are `reports/schedules/`): functions here take values and return
values or bytes. `bot/` does all input and output.
"""
