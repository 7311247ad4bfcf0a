"""`keys rotate`: put every stored secret under the first of ENCRYPTION_KEYS."""

from dataclasses import dataclass

import click
from flask.cli import with_appcontext
from rich.progress import Progress

from webapp.cli.output import json_option, plain_errors, print_json
from webapp.store import rotation


@click.group("keys")
def keys() -> None:
    """Encryption keys."""


@keys.command("rotate")
@json_option
@with_appcontext
@plain_errors
def rotate(as_json: bool) -> None:
    """Re-encrypt all stored secrets under the first key of ENCRYPTION_KEYS.

    Safe while the service runs and safe to repeat. Afterwards the older keys can be removed from ENCRYPTION_KEYS.
    """
    totals = _Totals()
    with Progress(disable=as_json, transient=True) as progress:
        for column in rotation.encrypted_columns():
            task = progress.add_task(column.label, total=rotation.count(column))
            for seen, changed in rotation.rotate(column):
                totals.seen += seen
                totals.changed += changed
                progress.advance(task, seen)
    if as_json:
        print_json({"seen": totals.seen, "changed": totals.changed})
    else:
        click.echo(f"{totals.seen} values checked, {totals.changed} re-encrypted under the first key.")


@dataclass
class _Totals:
    seen: int = 0
    changed: int = 0


COMMANDS = (keys,)
