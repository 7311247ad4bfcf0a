"""`accounts activity`: every write in either direction, newest first.

The command belongs to the group of `accounts list`; importing this module adds it there.
"""

import sys
from itertools import islice

import click
from flask.cli import with_appcontext

from webapp.cli.accounts import accounts
from webapp.cli.output import Failure, json_option, plain_errors, print_json, table
from webapp.csv_lines import csv_chunks
from webapp.store import activity
from webapp.store.accounts import get_account

COLUMNS = ("at", "actor", "target", "action", "kind", "cliniko_id", "hubspot_id", "fields", "result")
# What fits on a screen or two.
SHOWN = 100


@accounts.command("activity")
@click.argument("hub_id", type=int)
@click.option("--record", help="Only lines about this record, by its id in Cliniko or HubSpot.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help=f"At most this many lines. Default: {SHOWN} in the table, all of them otherwise.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print a CSV file, safe to open in a spreadsheet.")
@json_option
@with_appcontext
@plain_errors
def activity_command(hub_id: int, record: str | None, limit: int | None, as_csv: bool, as_json: bool) -> None:
    """Show what was written in HubSpot and Cliniko, by whom and which fields; never a value."""
    get_account(hub_id)
    if as_csv and as_json:
        raise Failure("Choose --csv or --json, not both.")
    lines = activity.export(hub_id, record=record)
    if as_json:
        print_json({"hub_id": hub_id, "activity": [dict(line) for line in islice(lines, limit)]})
    elif as_csv:
        rows = ([line[column] for column in COLUMNS] for line in islice(lines, limit))
        for piece in csv_chunks(COLUMNS, rows):
            sys.stdout.write(piece)
    else:
        table("Activity", COLUMNS, [[line[column] for column in COLUMNS] for line in islice(lines, limit or SHOWN)])
