"""`provision run` and `provision check`: what we create in an account's HubSpot."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import with_appcontext

from jobs.sync.provisioning_account import check_account, provision_account
from jobs.sync.provisioning_types import Progress
from webapp.clients.errors import ApiError, Forbidden, NeedsReconnect, Retryable
from webapp.config import ConfigError
from webapp.store.accounts import UnknownAccount


@click.group("provision")
def provision() -> None:
    """Create, check and repair our properties and pipelines in HubSpot."""


@provision.command("run")
@click.argument("hub_id", type=int)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@with_appcontext
def run_command(hub_id: int, as_json: bool) -> None:
    """Create what is missing and repair what differs. Safe to repeat."""
    with _plain_errors(as_json), _progress(as_json) as progress:
        report = provision_account(hub_id, progress=progress)
    if as_json:
        _print_json({"hub_id": hub_id, **report.as_dict()})
    else:
        click.echo(f"Created {len(report.created)}, repaired {len(report.repaired)}.")
        for outcome in report.pipelines:
            where = f"pipeline {outcome.pipeline_id}" if outcome.pipeline_id else "no deals"
            click.echo(f"{outcome.stream.capitalize()}: {where}")
        for message in report.messages:
            click.echo(message)
        for difference in report.drift.differences:
            click.echo(difference.message)
    if not report.ok:
        sys.exit(1)


@provision.command("check")
@click.argument("hub_id", type=int)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@with_appcontext
def check_command(hub_id: int, as_json: bool) -> None:
    """Print what differs from what we provisioned; exit 1 when something does."""
    with _plain_errors(as_json):
        drift = check_account(hub_id)
    if as_json:
        _print_json({"hub_id": hub_id, **drift.as_dict()})
    elif drift.clean:
        click.echo("Everything is as provisioned.")
    else:
        for difference in drift.differences:
            click.echo(difference.message)
    if not drift.clean:
        sys.exit(1)


@contextmanager
def _progress(as_json: bool) -> Iterator[Progress | None]:
    """A progress bar on a terminal, nothing elsewhere."""
    if as_json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=None)

        def show(text: str, done: int, total: int) -> None:
            bar.update(task, description=text, completed=done, total=total)

        yield show


@contextmanager
def _plain_errors(as_json: bool) -> Iterator[None]:
    """One plain line and exit 1 instead of a traceback, for everything that a person can do something about."""
    try:
        yield
    except (UnknownAccount, ConfigError, ApiError) as error:
        text = _explain(error)
        if as_json:
            _print_json({"error": text})
            sys.exit(1)
        raise click.ClickException(text) from error


def _explain(error: Exception) -> str:
    if isinstance(error, NeedsReconnect):
        return "HubSpot no longer accepts this account's access. Install the app again from HubSpot."
    if isinstance(error, Forbidden):
        scopes = ", ".join(error.missing_scopes)
        return f"HubSpot does not allow this{': missing ' + scopes if scopes else ''}. Install the app again to agree."
    if isinstance(error, Retryable):
        return "HubSpot did not answer as expected. Nothing is lost: run the command again in a minute."
    return str(error)


def _print_json(data: dict[str, Any]) -> None:
    click.echo(json.dumps(data, ensure_ascii=False))


COMMANDS = (provision,)
