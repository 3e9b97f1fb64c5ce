"""The commands of `activity`."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn, cast

import click

from bot import __version__
from bot.config import (
    ConfigError,
    Need,
    Settings,
    database_address,
    ensure_home,
    environment,
    load,
)

if TYPE_CHECKING:
    from datetime import datetime

    from bot.answers.visibility import Asker
    from bot.answers.write_file import Format, Job
    from bot.clickhouse import ClickHouse
    from bot.store import Store
    from reports.analysis.document import AnalysisDocument
    from reports.analysis.own_month import OwnMonth
    from reports.commands import Command
    from reports.natural.names import KnownNames
    from reports.questions.grammar import CommandError, QuestionCommand
    from reports.questions.query import Query
    from reports.questions.summary import Summary
    from reports.questions.topics import BalanceAsked, BudgetAsked
    from reports.usage.limits import Limit

FAILED, WRONG_USAGE = 1, 2
_EXCLUSION = re.compile(r"^-(\w+:)")
NO_PERSON_IN_TERMINAL = (
    "The terminal doesn't know who you are; add your address at OpenRouter: --as ada@example.com"
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="activity")
def cli() -> None:
    """OpenRouter's Activity page in Slack: spend, tokens and requests by model, key or creator."""


@cli.command(short_help="Try the bot on a sample organization; no account needed.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=3000,
    show_default=True,
    metavar="PORT",
    help="Port of the page; if it is taken, the next free one.",
)
def demo(port: int) -> None:
    """Try the bot on a sample organization: no account needed, and nothing leaves the machine."""
    from bot.demo.run import run_demo  # noqa: PLC0415

    run_demo(port)


@cli.command(short_help="Run the whole bot in one process.")
def run() -> None:
    """Run the whole bot in one process: Slack, sync, schedules and alerts."""
    _serve(web=True, worker=True)


@cli.command(short_help="Run only the part that talks to Slack.")
def web() -> None:
    """Run only the part that talks to Slack; run `activity worker` in another process."""
    _serve(web=True, worker=False)


@cli.command()
def worker() -> None:
    """Run only sync, schedules and alerts, next to `activity web`."""
    _serve(web=False, worker=True)


@cli.command()
def sync() -> None:
    """Fetch missing usage from OpenRouter, once.

    Waits while another process is syncing the same cache.
    """
    from bot.app import make_clickhouse, make_openrouter, open_store, process_name  # noqa: PLC0415
    from bot.sync.sync_once import SyncOnce  # noqa: PLC0415

    settings = _settings(Need.OPENROUTER)
    with (
        closing(open_store(settings)) as store,
        closing(make_openrouter(settings)) as api,
        ExitStack() as stack,
    ):
        traces = make_clickhouse(settings)
        if traces:
            stack.enter_context(closing(traces))
        once = SyncOnce(
            api,
            store,
            store.now,
            process_name(),
            lambda words: click.echo(words, err=True),
            traces=traces,
        )
        if not once.wait():
            click.echo("The cache is up to date.", err=True)
            return
        with click.progressbar(length=1000, label="Syncing", file=sys.stderr) as bar:

            def report(done: float, words: str) -> None:
                bar.label = f"Syncing {words:<48}"
                bar.update(max(0, int(done * 1000) - bar.pos))

            once.run(report)
            bar.update(1000 - bar.pos)
        for words in once.unavailable():
            click.echo(words, err=True)


@cli.command(short_help="Bring the tables of the database up to date.")
def migrate() -> None:
    """Bring the tables of the database up to date; a platform runs it before each release.

    Processes also do that when they start, so running this command is optional.
    """
    from bot.app import open_store  # noqa: PLC0415

    open_store(_settings()).close()
    click.echo("The tables are up to date.", err=True)


@cli.command(short_help="Copy everything into another database.")
@click.option("--from", "source", metavar="URL", required=True, help="The database to copy.")
@click.option("--to", "target", metavar="URL", help="An empty database. Default: DATABASE_URL.")
def copy(source: str, target: str | None) -> None:
    """Copy everything into another database, for example from a file to a server.

    Stop the bot first. If a copy was interrupted, run the same command again to continue it. At the
    end, both databases are compared. All users of this machine can see command-line arguments: put
    a URL that contains a password into DATABASE_URL, and omit --to.
    """
    from bot.store import Database  # noqa: PLC0415
    from bot.store.copying import CopyProgress  # noqa: PLC0415
    from bot.store.copying import copy as copy_all  # noqa: PLC0415

    to = _address("--to", target) if target else _settings().database_address
    with (
        closing(Database(_address("--from", source), must_exist=True)) as old,
        closing(Database(to)) as new,
        click.progressbar(length=1000, label="Copying", file=sys.stderr) as bar,
    ):

        def report(progress: CopyProgress) -> None:
            bar.label = f"Copying {progress.table:<16}"
            bar.update(max(0, progress.done * 1000 // max(1, progress.rows) - bar.pos))

        rows = copy_all(old, new, report)
        bar.update(1000 - bar.pos)
    click.echo(f"Copied {rows:,} rows into {new.name}; both have the same totals.", err=True)


def _address(option: str, url: str) -> Path | str:
    """Parse the database URL of an option. Raises click.UsageError."""
    try:
        found = database_address(url)
    except ConfigError as error:
        raise click.UsageError(f"{option} {error}") from None
    return found if isinstance(found, Path) else found.value


class _QuestionCommand(click.Command):
    """A command whose words may begin with a minus: `-model:claude*` isn't an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments, with a filter's minus replaced by a typographic one (same meaning)."""
        return super().parse_args(ctx, [_EXCLUSION.sub("\N{MINUS SIGN}\\1", one) for one in args])


@cli.command(cls=_QuestionCommand, short_help="Answer a question from the cache.")
@click.argument("words", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer as JSON.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write the rows as CSV; - is stdout.")
@click.option("--pdf", "pdf_file", metavar="FILE", help="Write a PDF; - is stdout.")
@click.option("--png", "png_file", metavar="FILE", help="Write the chart; - is stdout.")
@click.option(
    "--as", "email", metavar="EMAIL", help="The e-mail address that `me` and `my` refer to."
)
def ask(
    words: tuple[str, ...],
    *,
    as_json: bool,
    csv_file: str | None,
    pdf_file: str | None,
    png_file: str | None,
    email: str | None,
) -> None:
    """Answer a question from the cache, with the same words as in Slack."""
    from bot.analysis.own_month import MY_MONTH  # noqa: PLC0415
    from bot.answers.known_names import known  # noqa: PLC0415
    from bot.answers.visibility import ANYONE, ME, Asker  # noqa: PLC0415
    from bot.answers.write_file import Format  # noqa: PLC0415
    from bot.app import open_store, utc_now  # noqa: PLC0415
    from reports.commands import parse_command  # noqa: PLC0415
    from reports.questions.grammar import CommandError, HelpCommand, QuestionCommand  # noqa: PLC0415
    from reports.questions.topics import MeAsked  # noqa: PLC0415
    from reports.reader import Clock, read  # noqa: PLC0415
    from reports.schedules.grammar import EXAMPLE, is_schedule  # noqa: PLC0415
    from reports.wording.typed_text import unmarked  # noqa: PLC0415

    settings = _settings(Need.DATABASE)
    if is_schedule(_one_line(words)):
        said = f"Set up schedules in Slack: {settings.command} {EXAMPLE}"
        raise click.UsageError(said)
    now = utc_now()
    store: Store | None = None

    def names() -> KnownNames:
        nonlocal store
        store = open_store(settings, must_exist=True)
        return known(store, ANYONE, now, settings.zone)

    line = _one_line(_with_summary(words) if pdf_file else words)
    line = unmarked(line, settings.command)  # so that commands copied from Slack work here
    clock, end_users = Clock(now, settings.zone, settings.zone), bool(settings.clickhouse_url)
    parsed_text = read(line, names, clock, end_users=end_users)
    if isinstance(parsed_text, CommandError):
        _exit_with_problem(parsed_text, line)
    parsed = parse_command(parsed_text.words) if parsed_text else HelpCommand()
    own_month = isinstance(parsed, MeAsked)
    if isinstance(parsed, MeAsked):
        parsed = QuestionCommand(replace(MY_MONTH, period=parsed.period))
    if not isinstance(parsed, QuestionCommand):
        opened = store or partial(open_store, settings, must_exist=True)
        if parsed_text and (how := parsed_text.note("activity ask")):
            click.echo(how, err=True)
        if csv_file or pdf_file or png_file:
            _refuse_files(parsed)
        _answer_other(parsed, words[0] if words else "", opened, now, settings, as_json=as_json)
        return
    if not email and (ME in parsed.query.filters or ME.pattern in parsed.query.extra):
        raise click.ClickException(NO_PERSON_IN_TERMINAL)
    store = store or open_store(settings, must_exist=True)
    if parsed_text and (note := parsed_text.note("activity ask")):
        click.echo(note, err=True)
    wanted = _files(parsed, {Format.CSV: csv_file, Format.PDF: pdf_file, Format.PNG: png_file})
    if len([file for file in wanted.values() if file == "-"]) + as_json > 1:
        raise click.UsageError("Only one of --json and the files can go to stdout.")
    _answer_question(
        store, parsed, line, Asker(email), now, settings, wanted,
        as_json=as_json, own_month=own_month,
    )  # fmt: skip
    store.close()


def _answer_question(
    store: Store,
    parsed: QuestionCommand,
    line: str,
    asker: Asker,
    now: datetime,
    settings: Settings,
    wanted: Mapping[Format, str],
    *,
    as_json: bool,
    own_month: bool,
) -> None:
    """Print the answer to a question and write its files; `line` is what was typed."""
    from bot.analysis.registry import answer_any  # noqa: PLC0415
    from bot.answers.write_file import Format, Job  # noqa: PLC0415
    from bot.app import make_live_clickhouse  # noqa: PLC0415
    from reports.questions.grammar import CommandError  # noqa: PLC0415

    query = parsed.query
    with ExitStack() as stack:
        traces = make_live_clickhouse(settings) if query.live else None
        if traces:
            stack.enter_context(closing(traces))
        found = answer_any(store, query, now, settings.zone, asker, whole=True, traces=traces)
        if isinstance(found, CommandError):
            _exit_with_problem(found, line, understood=query.live)
        job = Job(query.words(), now, settings.zone, Format.CSV, asker)
        _write_files(store, job, parsed, wanted, traces)
    if as_json or not wanted:
        own = _own_month(store, query, now, settings.zone, asker) if own_month else None
        _print(found, settings, own, as_json=as_json)


def _refuse_files(parsed: Command | CommandError) -> None:
    """Refuse to write files of an answer that has none."""
    from reports.questions.topics import (  # noqa: PLC0415
        BALANCE,
        BUDGET,
        BalanceAsked,
        BudgetAsked,
        not_taken,
    )

    if isinstance(parsed, BalanceAsked | BudgetAsked):
        command = BALANCE if isinstance(parsed, BalanceAsked) else BUDGET
        raise click.ClickException(not_taken(command, "file").replace("`", ""))


def _files(parsed: QuestionCommand, options: Mapping[Format, str | None]) -> dict[Format, str]:
    """The files to write according to options, by format; `pdf summary` if the words say so."""
    from bot.answers.write_file import Format  # noqa: PLC0415
    from reports.questions.query import FileFormat  # noqa: PLC0415

    short = FileFormat.SUMMARY in parsed.query.files
    formats = {Format.PDF: Format.SUMMARY} if short else {}
    return {formats.get(one, one): file for one, file in options.items() if file}


def _write_files(
    store: Store,
    job: Job,
    parsed: QuestionCommand,
    wanted: Mapping[Format, str],
    traces: ClickHouse | None,
) -> None:
    """Write the files that the question asks for, and those that options ask for (by format)."""
    from bot.answers.write_file import Format, file_name  # noqa: PLC0415

    asked = {
        Format(one): file_name(parsed.query, job.at, job.zone, Format(one))
        for one in parsed.query.files
    }
    for format_, file in (asked | dict(wanted)).items():
        _write(store, replace(job, format=format_), file, traces)


def _answer_other(
    parsed: Command | CommandError,
    first: str,
    opened: Store | Callable[[], Store],
    now: datetime,
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    """Answer commands other than questions; `first` is the first word of the command."""
    from reports.admin.grammar import HelpRequest  # noqa: PLC0415
    from reports.questions.grammar import CommandError, HelpCommand  # noqa: PLC0415
    from reports.questions.topics import (  # noqa: PLC0415
        BalanceAsked,
        BudgetAsked,
        TopicAsked,
        not_yet,
    )

    match parsed:
        case CommandError():
            _exit_with_problem(parsed)
        case HelpCommand() | HelpRequest():
            _print_help()
        case TopicAsked():
            raise click.ClickException(not_yet(parsed.topic).replace("`", ""))
        case BalanceAsked() | BudgetAsked():
            store = opened() if callable(opened) else opened
            _print_money(store, parsed, now, settings, as_json=as_json)
            store.close()
        case _:
            raise click.UsageError(f"`{first}` only works in Slack: {settings.command} {first}")


def _with_summary(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words with `summary` replaced by `pdf summary`, because `--pdf FILE` implies `pdf`."""
    said = [word.lower() for word in words]
    if "pdf" in said:
        return words
    return tuple("pdf summary" if word == "summary" else words[i] for i, word in enumerate(said))


def _write(store: Store, job: Job, file: str, traces: ClickHouse | None) -> None:
    """Write a file; errors become ClickExceptions with the file's name."""
    from bot.answers.write_file import UnanswerableError, write_file  # noqa: PLC0415

    try:
        if file == "-":
            write_file(store, job, sys.stdout.buffer, traces)
            return
        with _atomic_file(Path(file)) as out:
            write_file(store, job, out, traces)
    except UnanswerableError as error:
        raise click.ClickException(str(error)) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"{file} can't be written: {error.strerror}.") from error
    click.echo(f"Wrote {file}", err=True)


@contextmanager
def _atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file atomically: it replaces the old one only when it is complete.

    The target of a symbolic link is replaced; pipes and devices are written to directly.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as out:
            yield out
        return
    path = path.resolve()
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as temporary:
        try:
            yield cast("BinaryIO", temporary)
            temporary.flush()
            os.fsync(temporary.fileno())
            Path(temporary.name).replace(path)
        finally:  # already renamed, or incomplete
            Path(temporary.name).unlink(missing_ok=True)


@cli.command("import", short_help="Import OpenRouter's Activity or Logs CSV.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--granularity",
    type=click.Choice(["minute", "hour", "day", "month"]),
    help="Granularity of the dates; detected by default.",
)
def import_(files: tuple[str, ...], granularity: str | None) -> None:
    """Import OpenRouter's Activity or Logs CSV, for history older than OpenRouter keeps.

    Only fills gaps in the cache: a file that is imported twice counts once.
    """
    from bot.app import open_store, utc_now  # noqa: PLC0415
    from bot.imports.import_csv import import_files  # noqa: PLC0415
    from bot.imports.summary_text import summary  # noqa: PLC0415
    from reports.time.time_range import Granularity  # noqa: PLC0415

    store = open_store(_settings(Need.DATABASE))
    chosen = Granularity(granularity) if granularity else None
    for done in import_files(store, files, utc_now(), chosen):
        click.echo(summary(done))
    store.close()


@cli.command(short_help="Export schedules and alerts to a JSON file.")
@click.argument("file", metavar="FILE")
def export(file: str) -> None:
    """Export all schedules and alerts to a JSON file; - is stdout.

    It contains Slack IDs, e-mail addresses, and names of keys and people, but no usage.
    """
    from bot.admin.transfer import export as exported  # noqa: PLC0415
    from bot.app import utc_now  # noqa: PLC0415
    from bot.store import Database  # noqa: PLC0415
    from bot.store.alerts.rules import AlertRules  # noqa: PLC0415
    from bot.store.schedules.schedules import Schedules  # noqa: PLC0415

    address = _settings(Need.DATABASE).database_address
    with closing(Database(address, must_exist=True)) as database:
        text = exported(Schedules(database, utc_now), AlertRules(database, utc_now), utc_now())
    if file == "-":
        sys.stdout.buffer.write(text.encode())
        return
    try:
        with _atomic_file(Path(file)) as out:
            out.write(text.encode())
    except OSError as error:
        raise click.ClickException(f"{file} can't be written: {error.strerror}.") from error
    click.echo(f"Wrote {file}", err=True)


@cli.command(short_help="Import schedules and alerts from such a file.")
@click.argument("file", metavar="FILE")
def restore(file: str) -> None:
    """Add the schedules and alerts that `activity export` wrote to a file.

    Existing and deleted ones aren't changed, so a file can be restored more than once, even while
    the bot runs. Schedules continue with their next run.
    """
    from bot.admin.transfer import LARGEST_FILE, NotAnExportError  # noqa: PLC0415
    from bot.admin.transfer import restore as restored  # noqa: PLC0415
    from bot.app import utc_now  # noqa: PLC0415
    from bot.store import Database  # noqa: PLC0415
    from bot.store.alerts.rules import AlertRules  # noqa: PLC0415
    from bot.store.schedules.schedules import Schedules  # noqa: PLC0415

    with sys.stdin.buffer if file == "-" else Path(file).open("rb") as source:
        raw = source.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise click.ClickException(f"{file} is larger than {LARGEST_FILE // 2**20} MiB.")
    with closing(Database(_settings(Need.DATABASE).database_address)) as database:
        try:
            found = restored(
                raw.decode("utf-8", "replace"),
                Schedules(database, utc_now),
                AlertRules(database, utc_now),
            )
        except NotAnExportError as error:
            raise click.ClickException(f"{file}: {error}") from error
    for line in found.left_out:
        click.echo(line, err=True)
    added = f"Added schedules: {found.schedules}, alerts: {found.alerts}."
    click.echo(f"{added} Already there: {found.known}.", err=True)
    if found.left_out:
        sys.exit(FAILED)


@cli.command(short_help="Check settings, tokens, the key, the database, the clock.")
def doctor() -> None:
    """Check settings, tokens, scopes, the OpenRouter key, the database and the clock."""
    from bot.doctor import examine  # noqa: PLC0415

    if not examine(environment()):
        sys.exit(FAILED)


def _own_month(
    store: Store, query: Query, now: datetime, zone: str, asker: Asker
) -> tuple[OwnMonth, tuple[Limit, ...]] | None:
    """The asker's usual month, and their limits."""
    from bot.analysis.budgets import own_limits  # noqa: PLC0415
    from bot.analysis.own_month import gather_own_month  # noqa: PLC0415
    from reports.questions.grammar import CommandError  # noqa: PLC0415

    found = gather_own_month(store, query, now, zone, asker)
    return None if isinstance(found, CommandError) else (found, own_limits(store, now, asker))


def _print(
    found: Summary | AnalysisDocument,
    settings: Settings,
    own: tuple[OwnMonth, tuple[Limit, ...]] | None = None,
    *,
    as_json: bool,
) -> None:
    from reports.analysis.document import AnalysisDocument  # noqa: PLC0415

    if isinstance(found, AnalysisDocument):
        from reports.analysis.text import analysis_json, as_terminal  # noqa: PLC0415

        if as_json:
            shown = json.dumps(analysis_json(found, settings.command), ensure_ascii=False)
        else:
            shown = as_terminal(found)
        click.echo(shown)
    elif as_json:
        from reports.render.json import as_json as plain  # noqa: PLC0415

        shown_json = plain(found, settings.command)
        if own:
            from reports.analysis.own_month import own_month_json  # noqa: PLC0415
            from reports.questions.slack.balance import budgets_json  # noqa: PLC0415

            shown_json |= {"usual": own_month_json(own[0]), "budgets": budgets_json(own[1])}
        click.echo(json.dumps(shown_json, ensure_ascii=False))
    else:
        from reports.render.terminal import as_text  # noqa: PLC0415

        click.echo(as_text(found))
        if own:
            from reports.analysis.own_month import usual_sentence  # noqa: PLC0415
            from reports.questions.slack.balance import limits_text  # noqa: PLC0415

            limits = f"\nYour limits:\n{limits_text(own[1])}" if own[1] else ""
            click.echo(f"\n{usual_sentence(own[0])}{limits}")


def _print_money(
    store: Store,
    asked: BalanceAsked | BudgetAsked,
    now: datetime,
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    """Print the balance, or the limits and budgets."""
    from bot.analysis.balance import balance  # noqa: PLC0415
    from bot.analysis.budgets import limits  # noqa: PLC0415
    from bot.answers.openrouter_limits import are_known  # noqa: PLC0415
    from bot.answers.visibility import ANYONE  # noqa: PLC0415
    from reports.questions.slack import balance as render  # noqa: PLC0415
    from reports.questions.topics import BalanceAsked  # noqa: PLC0415

    command, as_of = settings.command, max(store.state().synced.values(), default=None)
    if isinstance(asked, BalanceAsked):
        zone = asked.zone or settings.zone
        left = balance(store, now, asked.until, zone)
        plain = render.balance_json(left, command, as_of, asked)
        text = render.balance_text(left, zone)
    else:
        found = limits(store, now, ANYONE)
        plain = render.limits_json(found, command, as_of)
        text = render.limits_text(found, known=are_known(store))
    click.echo(json.dumps(plain, ensure_ascii=False) if as_json else text)


def _print_help() -> None:
    from reports.admin.slack.help import help_text  # noqa: PLC0415

    click.echo(help_text("activity ask"))


def _exit_with_problem(
    wrong: CommandError, line: str = "", *, understood: bool = False
) -> NoReturn:
    """Print a problem with the command and exit.

    `line` is the typed command: if it starts with a kind of question, the exit code is FAILED,
    because scripts use these; also if the question was `understood`, but ClickHouse has no answer.
    """
    from reports.questions.grammar import tokens  # noqa: PLC0415
    from reports.questions.kinds import kind_of  # noqa: PLC0415
    from reports.questions.topics import PERSONAL  # noqa: PLC0415

    meant = [f"activity ask {shlex.join(tokens(one))}" for one in wrong.candidates]
    first = line.partition(" ")[0].lower()
    if understood or kind_of(first) or first in PERSONAL:
        like = f" Try: {' or '.join(meant)}" if meant else ""
        raise click.ClickException(wrong.problem.replace("`", "") + like)

    lines = [wrong.problem]
    lines += [f"Did you mean: {one}" for one in meant]
    if not wrong.candidates:
        lines.append("`activity ask help` shows what you can ask.")
    click.echo("\n".join(lines), err=True)
    sys.exit(WRONG_USAGE)


def _one_line(words: tuple[str, ...]) -> str:
    """The words as one line, with quotes restored that the shell removed from names."""
    return " ".join(_quoted(word) if _lost_quotes(word) else word for word in words)


def _lost_quotes(word: str) -> bool:
    kind, colon, _ = word.partition(":")
    return bool(colon) and " " in word and '"' not in word and " " not in kind


def _quoted(word: str) -> str:
    kind, _, name = word.partition(":")
    return f'{kind}:"{name}"'


def _settings(*needs: Need) -> Settings:
    from bot.runtime import logs  # noqa: PLC0415

    values = environment()
    settings = load(values, *needs)
    logs.set_up(settings.log_level, settings.secrets, as_json=settings.log_json)
    return settings


def _serve(*, web: bool, worker: bool) -> None:
    needs = (Need.SLACK,) * web + (Need.OPENROUTER, Need.POSTING) * worker
    settings = _settings(*needs)
    from bot.app import Parts, serve  # noqa: PLC0415

    serve(settings, Parts(web, worker))


def main(arguments: list[str] | None = None) -> None:
    """Run a command; an error is one plain line on stderr and an exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if os.getpid() == 1:
        # the first process of a container ignores this signal unless there is a handler
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    ensure_home()
    words = ["→" if word == "->" else word for word in given]  # click would parse it as an option
    try:
        cli.main(words, prog_name="activity", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except ConfigError as error:
        click.echo(f"Settings are missing or wrong:\n{error}", err=True)
        sys.exit(WRONG_USAGE)
    except BrokenPipeError:
        sys.exit(0)
    except _expected() as error:
        click.echo(_error_text(error), err=True)
        sys.exit(FAILED)
    except sqlite3.Error as error:
        click.echo(f"The database can't be used ({error}); `activity doctor` checks it.", err=True)
        sys.exit(FAILED)
    except Exception as error:  # the outermost entry point: no traceback unless LOG_LEVEL is DEBUG
        logging.getLogger(__name__).debug("The command failed", exc_info=True)
        name = type(error).__name__
        click.echo(f"Something went wrong ({name}). Set LOG_LEVEL=DEBUG to see where.", err=True)
        sys.exit(FAILED)


def _error_text(error: Exception) -> str:
    """The text of an expected error; system errors with the file's name."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    what = f" ({error.filename})" if error.filename else ""
    return (
        f"{error.strerror}{what}: couldn't be read or written. Check its permissions and try again."
    )


def _expected() -> tuple[type[Exception], ...]:
    """Error classes whose text is written for users; imported only after an error was raised."""
    from bot.clickhouse import ClickHouseError  # noqa: PLC0415
    from bot.imports.import_csv import FileRefusedError  # noqa: PLC0415
    from bot.openrouter import OpenRouterError  # noqa: PLC0415
    from bot.slack.types import DeliveryError  # noqa: PLC0415
    from bot.store import StoreError  # noqa: PLC0415

    return (
        OpenRouterError, ClickHouseError, StoreError, DeliveryError, FileRefusedError, OSError
    )  # fmt: skip


if __name__ == "__main__":
    main()
