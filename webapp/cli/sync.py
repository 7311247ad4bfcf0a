"""`sync run`: bring HubSpot up to date in this process."""

import sys
import time
from datetime import date, timedelta
from typing import Any

import click
from flask.cli import with_appcontext

from jobs.sync.streams import AVAILABLE, switched_on
from webapp.cli.in_process import in_process
from webapp.cli.output import Failure, json_option, plain_errors, print_json
from webapp.cli.sync_loop import StreamRun, is_finished, run_streams
from webapp.cli.sync_progress import progress
from webapp.cli.sync_words import explain, outcome_line
from webapp.clients.counter import CallCounter
from webapp.clock import now
from webapp.extensions import get_redis
from webapp.store.accounts import get_account
from webapp.store.settings import get_settings


@click.group("sync")
def sync() -> None:
    """Bring HubSpot up to date with Cliniko, here and now."""


@sync.command("run")
@click.argument("hub_id", type=int)
@click.option("--stream", type=click.Choice(AVAILABLE), help="Only this stream. Default: all that are switched on.")
@click.option("--until-idle", is_flag=True, help="Go on through waits and retries until nothing is due.")
@json_option
@with_appcontext
@plain_errors
def run_command(hub_id: int, stream: str | None, until_idle: bool, as_json: bool) -> None:
    """Sync an account in this process, stream by stream. Safe beside running workers, and to stop at any time.

    Ends with 0 only when every stream ended well. API calls are logged with LOG_LEVEL=DEBUG only.
    """
    get_account(hub_id)
    names = _names(hub_id, stream, until_idle)
    started, counter = time.monotonic(), CallCounter(get_redis(), hub_id)
    first_day = now().date()
    before = _calls(counter, first_day)
    with in_process(), progress(silent=as_json) as show:
        runs = run_streams(hub_id, names, until_idle, show)
    after = _calls(counter, first_day)
    _report(hub_id, runs, {name: after[name] - before[name] for name in after}, time.monotonic() - started, as_json)
    if not all(run.well for run in runs):
        sys.exit(1)


def _names(hub_id: int, stream: str | None, until_idle: bool) -> list[str]:
    """The streams to run; what the account has switched off stays off. What is learned in the background belongs to
    being idle."""
    running = switched_on(get_settings(hub_id))
    on = [name for name in running if name in AVAILABLE]
    if stream is not None and stream not in on:
        raise Failure(
            f"The stream {stream} is switched off for this account. "
            f"Switch it on with: settings set {hub_id} sync_{stream} on"
        )
    if not on:
        raise Failure(
            "Every stream is switched off for this account. "
            f"Switch one on, for example with: settings set {hub_id} sync_{AVAILABLE[0]} on"
        )
    if stream is not None:
        return [stream]
    return [name for name in running if not is_finished(hub_id, name)] if until_idle else on


def _report(hub_id: int, runs: list[StreamRun], calls: dict[str, int], seconds: float, as_json: bool) -> None:
    well = all(run.well for run in runs)
    if as_json:
        print_json(
            {
                "hub_id": hub_id,
                "outcome": "done" if well else next(run.outcome for run in runs if not run.well),
                "seconds": round(seconds, 1),
                "calls": calls,
                "streams": {run.stream: _as_dict(hub_id, run) for run in runs},
            }
        )
        return
    for run in runs:
        click.echo(outcome_line(hub_id, run), err=not run.well)
    click.echo(
        f"{calls['cliniko']:,} calls to Cliniko, {calls['hubspot']:,} to HubSpot, {seconds:,.1f} seconds.", err=not well
    )


def _as_dict(hub_id: int, run: StreamRun) -> dict[str, Any]:
    return {
        "outcome": run.outcome,
        "cause": run.cause,
        "until": run.until,
        "message": None if run.well else explain(hub_id, run),
        "cycles": run.cycles,
        "seconds": round(run.seconds, 1),
        "counts": run.counts,
    }


def _calls(counter: CallCounter, first_day: date) -> dict[str, int]:
    """Calls of the account since the beginning of `first_day`, by service; the counter is kept per day."""
    days = [first_day + timedelta(days=number) for number in range((now().date() - first_day).days + 1)]
    return {
        "cliniko": sum(counter.read("cliniko", day) for day in days),
        "hubspot": sum(counter.read("hubspot", day) for day in days),
    }


COMMANDS = (sync,)
