"""How far `sync run` is: one line with a bar on a terminal, one line a minute elsewhere, nothing with --json."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from webapp.cli.sync_loop import StreamRun
from webapp.cli.sync_words import wait_text

EVERY = 60.0
Show = Callable[[StreamRun], None]


@contextmanager
def progress(silent: bool) -> Iterator[Show]:
    """A function to call after every execution. Writes to stderr, so that stdout holds the result alone."""
    if silent:
        yield lambda run: None
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _Lines().show


@contextmanager
def _bar() -> Iterator[Show]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[numbers]}"),
        TimeRemainingColumn(compact=True),
    )
    # Removed at the end: the result follows.
    with Progress(*columns, console=Console(stderr=True), transient=True) as view:
        tasks: dict[str, TaskID] = {}

        def show(run: StreamRun) -> None:
            if run.stream not in tasks:
                tasks[run.stream] = view.add_task(run.stream.capitalize(), total=None, numbers="")
            view.update(
                tasks[run.stream],
                total=total(run),
                completed=run.counts.get("read", 0),
                numbers=numbers(run),
                visible=run.outcome == "working",
            )

        yield show


class _Lines:
    def __init__(self) -> None:
        self._last = time.monotonic()

    def show(self, run: StreamRun) -> None:
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            click.echo(f"{time.strftime('%H:%M')} {run.stream.capitalize()}: {numbers(run)}", err=True)


def total(run: StreamRun) -> int | None:
    """How many records the cycle reads, where that is known: after a first look at all of them."""
    known, read = run.counts.get("indexed", 0), run.counts.get("read", 0)
    return known if known >= read > 0 else None


def numbers(run: StreamRun) -> str:
    """`1,204 of 4,431 read, 1,190 written, 45 a second`, or what it waits for."""
    if run.sleeps:
        return wait_text(run)
    read, known, expected = run.counts.get("read", 0), run.counts.get("indexed", 0), total(run)
    if not read and known:
        return f"{known:,} known{_rate(known, run.seconds)}"
    of = f" of {expected:,}" if expected else ""
    written = sum(run.counts.get(name, 0) for name in ("created", "linked", "updated"))
    return f"{read:,}{of} read, {written:,} written{_rate(read + known, run.seconds)}"


def _rate(records: int, seconds: float) -> str:
    return f", {records / seconds:,.0f} a second" if records and seconds > 1 else ""
