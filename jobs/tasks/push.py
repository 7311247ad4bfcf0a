"""Carries out what people asked for: pushes to Cliniko and unlinks, in the order in which they asked."""

import structlog

from jobs.context import in_app_context
from jobs.queues import PUSH, enqueue_again
from jobs.sync import requests
from jobs.sync.contexts import NotRunning, SomebodyElse, disconnected, running
from webapp.clients.errors import NeedsReconnect
from webapp.store import pushes
from webapp.store.leases import LeaseLost

log = structlog.get_logger()

CARRY_OUT = "jobs.tasks.push.carry_out"
# Whoever works on this account's requests takes new ones along, unless it has just looked for the last time.
PATIENCE = 2.0


def enqueue_requests(hub_id: int) -> None:
    """Have open requests carried out now, if there are any."""
    if pushes.due(hub_id, limit=1):
        enqueue_again(PUSH, CARRY_OUT, hub_id, job_id=f"push-{hub_id}")


@in_app_context
def carry_out(hub_id: int) -> None:
    """Safe to run twice at once and to kill anywhere: a request stays open until it has ended."""
    carry_out_here(hub_id)


def carry_out_here(hub_id: int) -> None:
    """The same inside of a job that runs already."""
    try:
        with running(hub_id, "push", patience=PATIENCE) as ctx:
            requests.carry_out(ctx)
    except (SomebodyElse, LeaseLost):
        return
    except NotRunning as reason:
        # Asked for while the account is paused or away: it is done when the account goes on.
        log.info("requests_wait", hub_id=hub_id, cause=reason.cause)
        return
    except NeedsReconnect as error:
        disconnected(hub_id, error)
        return
    # One job works for a while only; the next goes on.
    enqueue_requests(hub_id)
