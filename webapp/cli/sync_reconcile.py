"""`sync reconcile`: compare both sides record by record, have repaired what differs, and show the proof.

The command belongs to the group of `sync run`; importing this module adds it there.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import click
from flask.cli import with_appcontext

from jobs.sync import engine, reconcile
from jobs.sync import reconcile_report as kinds
from webapp.cli.in_process import in_process
from webapp.cli.output import Failure, json_option, plain_errors, print_json, table
from webapp.cli.sync import sync
from webapp.cli.sync_loop import BUSY_PATIENCE, Show, StreamRun, run_streams
from webapp.cli.sync_progress import progress
from webapp.cli.sync_words import explain
from webapp.clock import now
from webapp.extensions import db
from webapp.store import proofs, streams
from webapp.store.accounts import get_account

# What each kind of difference means; the number goes before it.
DIFFERENCES: Mapping[str, str] = {
    kinds.UNKNOWN: "in Cliniko, and not known here",
    kinds.CHANGED: "changed in Cliniko",
    kinds.STATUS: "archived, cancelled, arrived or merged in Cliniko, or no longer so",
    kinds.UNFINISHED: "begun and not finished",
    kinds.NOT_LINKED: "in scope, and without a deal",
    kinds.GONE: "not in Cliniko any more",
    kinds.LOST_VALUES: "with values that HubSpot does not hold as written",
    kinds.LOST_RECORD: "never created in HubSpot, whatever it answered",
    kinds.DELETED: "deleted in HubSpot",
    kinds.MERGED: "merged into another record in HubSpot",
    kinds.RESTORED: "restored in HubSpot",
    kinds.STAGE: "in another stage than in Cliniko",
    kinds.ASSOCIATION: "not with their patient's contact",
    kinds.KEY: "in HubSpot with a key of ours, and not known here",
    kinds.DOUBLED: "whose key another HubSpot record carries",
    kinds.INCOMPLETE: "lists that Cliniko did not send whole",
    kinds.NUMBERS: "sums that differ although no record does",
}
EXPLAINED: Mapping[str, str] = {
    kinds.EDITED: "changed by people in HubSpot",
    kinds.MOVED: "moved to another stage by people in HubSpot",
    kinds.KEPT_DELETED: "deleted in HubSpot earlier",
    kinds.NOT_IN_CLINIKO: "not in Cliniko any more",
    kinds.WAITING: "waiting for their patient's contact",
    kinds.HELD: "waiting for a decision",
    kinds.UNLINKED: "unlinked by a person",
    kinds.LEFT_OUT: "left out, such as archived patients",
    kinds.MOVING: "changing at this moment",
    kinds.UNREADABLE: "unreadable in Cliniko",
    kinds.STORED: "kept by HubSpot in a form of its own",
}
_PAUSE = 0.2


@sync.command("reconcile")
@click.argument("hub_id", type=int)
@json_option
@with_appcontext
@plain_errors
def reconcile_command(hub_id: int, as_json: bool) -> None:
    """Compare every record on both sides, repair what differs, and show the proof.

    Works in this process, beside running workers, and may be stopped at any time. Ends with 0 only when nothing is
    left.
    """
    get_account(hub_id)
    started = time.monotonic()
    with in_process(), progress(silent=as_json) as show:
        report = prove(hub_id, show)
    seconds = time.monotonic() - started
    if as_json:
        print_json({"hub_id": hub_id, "seconds": round(seconds, 1), **report})
    else:
        _show(report, seconds)
    if not report["agree"]:
        sys.exit(1)


def prove(hub_id: int, show: Show) -> dict[str, Any]:
    """Run the reconcile to its end, with the repairs of the streams in between; returns the report."""
    streams.ensure_streams(hub_id, [reconcile.STREAM])
    before = proofs.last(hub_id)
    run = StreamRun(reconcile.STREAM)
    while True:
        result = engine.run_execution(hub_id, reconcile.STREAM)
        run.counts = {name: run.counts.get(name, 0) + result.counts.get(name, 0) for name in run.counts | result.counts}
        run.cause, run.until = result.cause, result.until
        if result.outcome == "busy":
            _share(run)
        elif result.outcome == "stopped":
            run.outcome = "stopped"
            raise Failure(f"Not compared. {explain(hub_id, run)}")
        elif result.outcome == "waiting":
            _wait(hub_id, run, show)
        else:
            run.busy_since = None
        show(run)
        proof = proofs.last(hub_id)
        db.session.commit()
        if proof is not None and (before is None or proof.id != before.id):
            run.outcome = "done"
            show(run)
            return proof.report


def _share(run: StreamRun) -> None:
    """A worker makes the same proof: take turns with it."""
    run.busy_since = time.monotonic() if run.busy_since is None else run.busy_since
    if time.monotonic() - run.busy_since > BUSY_PATIENCE:
        raise Failure("Another process is comparing this account. Nothing needs doing: that one goes on by itself.")
    time.sleep(_PAUSE)


def _wait(hub_id: int, run: StreamRun, show: Show) -> None:
    """Carry out the repairs that it waits for, or wait as long as an API asked for."""
    wanted = reconcile.wait_for(hub_id)
    db.session.commit()
    if wanted:
        run_streams(hub_id, wanted, True, show)
        run.until = now() + timedelta(seconds=_PAUSE)
    while run.sleeps:
        show(run)
        time.sleep(_PAUSE)


def _show(report: Mapping[str, Any], seconds: float) -> None:
    rows: list[Sequence[object]] = []
    for stream, numbers in report["streams"].items():
        rows.append((stream.capitalize(), *_sides(numbers), ""))
        for label, found in report["stages"].get(stream, {}).items():
            rows.append((f"  {label}", *_sides(found), _edited(f"{found['edited']:+,}" if found["edited"] else "")))
        if stream in report["totals"]:
            found = report["totals"][stream]
            edited = Decimal(found["edited"])
            amounts = (f"{Decimal(found[side]):,.2f}" for side in ("cliniko", "hubspot"))
            rows.append(("  total", *amounts, _edited(f"{edited:+,.2f}" if edited else "")))
    table("Both sides", ("", "Cliniko", "HubSpot", ""), rows)
    for kind, number in report["found"].items():
        click.echo(f"Found {number:,}: {DIFFERENCES.get(kind, kind)}.")
    if report["found"]:
        click.echo(f"Repaired {report['fixed']:,}.")
    for kind, number in report["kept"].items():
        click.echo(f"Left as they are {number:,}: {EXPLAINED.get(kind, kind)}.")
    for name in report["not_read"]:
        click.echo(f"The Cliniko user of the API key may not read {name.replace('_', ' ')}; they were not compared.")
    for kind, number in report["left"].items():
        click.echo(f"Still different {number:,}: {DIFFERENCES.get(kind, kind)}.", err=True)
    calls = report["calls"]
    end = f"{calls['cliniko']:,} calls to Cliniko, {calls['hubspot']:,} to HubSpot, {seconds:,.1f} seconds."
    if report["agree"]:
        click.echo(f"Both sides agree. {end}")
    else:
        click.echo(f"Both sides differ. What is left is tried again by itself. {end}", err=True)


def _sides(numbers: Mapping[str, int]) -> tuple[str, str]:
    return f"{numbers['cliniko']:,}", f"{numbers['hubspot']:,}"


def _edited(difference: str) -> str:
    return f"{difference} by people in HubSpot" if difference else ""
