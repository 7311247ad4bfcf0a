"""What every command shares: `--json`, plain one-line errors with exit code 1, tables and progress on a terminal."""

import functools
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from webapp.clients.errors import ApiError, Forbidden, NeedsReconnect, Retryable
from webapp.config import ConfigError
from webapp.store.accounts import UnknownAccount
from webapp.store.settings import BadSetting

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


class Failure(Exception):
    """A command ends with this one line and exit code 1."""


def plain_errors(command: F) -> F:
    """Turn what a person can act on into one line on stderr and exit code 1; with --json also a JSON object."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (Failure, UnknownAccount, BadSetting, ConfigError) as error:
            _end(str(error), bool(kwargs.get("as_json")))
        except ApiError as error:
            _end(_api_message(error), bool(kwargs.get("as_json")))

    return wrapped  # type: ignore[return-value]  # same signature as the command


def print_json(value: Any) -> None:
    """One JSON object on stdout."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table that fits the terminal; plain tab-separated lines when piped."""
    rows = list(rows)
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join("" if cell is None else str(cell) for cell in row))
        return
    view = Table(title=title, title_justify="left")
    for column in columns:
        view.add_column(column)
    for row in rows:
        view.add_row(*("" if cell is None else str(cell) for cell in row))
    Console().print(view)


def _end(message: str, as_json: bool) -> None:
    if as_json:
        print_json({"error": message})
    click.echo(message, err=True)
    sys.exit(1)


def _api_message(error: ApiError) -> str:
    service = "Cliniko" if error.service == "cliniko" else "HubSpot"
    if isinstance(error, NeedsReconnect):
        return f"{service} no longer accepts our access. Connect it again."
    if isinstance(error, Forbidden):
        return f"{service} does not allow this. Ask an administrator of {service}."
    if isinstance(error, Retryable):
        return f"{service} does not answer right now. Try again in a few minutes."
    return f"{service} refused the request ({error})."


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)
