"""Handles the stored events of one account."""

import structlog

from jobs.context import in_app_context
from jobs.sync import hooks
from jobs.sync.contexts import NotRunning, SomebodyElse, disconnected, running
from jobs.tasks.push import enqueue_requests
from webapp.clients.errors import NeedsReconnect, Retryable

log = structlog.get_logger()


@in_app_context
def handle_events(hub_id: int) -> None:
    """Safe to run twice at once and to kill anywhere: what is not done stays stored, and is taken up again."""
    try:
        with running(hub_id, "hooks") as ctx:
            hooks.handle(ctx)
    except (SomebodyElse, NotRunning):
        return
    except NeedsReconnect as error:
        disconnected(hub_id, error)
        return
    except Retryable as error:
        log.warning("events_wait", hub_id=hub_id, error=str(error))
        return
    finally:
        enqueue_requests(hub_id)
