"""Handles the stored events of one account."""

import structlog

from jobs.context import in_app_context
from jobs.queues import PUSH, enqueue_again
from jobs.sync import hooks
from jobs.sync.contexts import NotRunning, SomebodyElse, disconnected, running, whatever
from jobs.sync.keeper import IdentityBusy
from jobs.tasks.push import PATIENCE, carry_out_here
from webapp.clients.errors import NeedsReconnect, Retryable
from webapp.store import hooks as store
from webapp.store import pushes
from webapp.store.leases import LeaseLost

log = structlog.get_logger()

HANDLE = "jobs.tasks.hooks.handle_events"


@in_app_context
def handle_events(hub_id: int) -> None:
    """Safe to run twice at once and to kill anywhere: what is not done stays stored, and is taken up again."""
    try:
        with running(hub_id, "hooks", patience=PATIENCE) as ctx:
            hooks.handle(ctx)
        if store.new_events(hub_id, limit=1):
            enqueue_again(PUSH, HANDLE, hub_id, job_id=f"hooks-{hub_id}")
    except SomebodyElse:
        log.info("events_with_another", hub_id=hub_id)
    except NotRunning:
        _erase_all_the_same(hub_id)
    except NeedsReconnect as error:
        disconnected(hub_id, error)
        _erase_all_the_same(hub_id)
    except (Retryable, IdentityBusy, LeaseLost) as error:
        log.warning("events_wait", hub_id=hub_id, error=str(error) or type(error).__name__)
    if pushes.due(hub_id, limit=1):
        # At once: a job of its own would only start later.
        carry_out_here(hub_id)


def _erase_all_the_same(hub_id: int) -> None:
    """A pause or a lost key is no reason to keep what somebody asked to have deleted."""
    if not store.waiting_erasures(hub_id):
        return
    try:
        with whatever(hub_id, "hooks") as ctx:
            hooks.erase_only(ctx)
    except (SomebodyElse, NotRunning, NeedsReconnect, Retryable, IdentityBusy, LeaseLost) as error:
        log.warning("erasures_wait", hub_id=hub_id, error=str(error) or type(error).__name__)
