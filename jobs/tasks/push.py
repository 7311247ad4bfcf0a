"""Carries out what people asked for: pushes to Cliniko and unlinks, in the order in which they asked."""

from datetime import timedelta

import structlog

from jobs.context import in_app_context
from jobs.queues import PUSH, enqueue_again
from jobs.sync import requests
from jobs.sync.contexts import NotRunning, SomebodyElse, disconnected, running
from webapp.clients.errors import NeedsReconnect
from webapp.clock import now
from webapp.store import pushes

log = structlog.get_logger()

CARRY_OUT = "jobs.tasks.push.carry_out"


def enqueue_requests(hub_id: int) -> None:
    """Have open requests carried out now, if there are any."""
    if pushes.due(hub_id, limit=1):
        enqueue_again(PUSH, CARRY_OUT, hub_id, job_id=f"push-{hub_id}")


@in_app_context
def carry_out(hub_id: int) -> None:
    """Safe to run twice at once and to kill anywhere: a request stays open until it has ended."""
    try:
        with running(hub_id, "push") as ctx:
            requests.carry_out(ctx)
    except SomebodyElse:
        return
    except NotRunning as reason:
        # Asked for while the account is paused or away: it is done when the account goes on.
        log.info("requests_wait", hub_id=hub_id, cause=reason.cause)
        pushes.postpone_all(hub_id, now() + timedelta(minutes=1))
    except NeedsReconnect as error:
        disconnected(hub_id, error)
