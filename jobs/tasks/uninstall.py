"""Asks HubSpot whether an account still has the app, and removes it from our side."""

import structlog

from jobs.context import in_app_context
from jobs.queues import LOW, PUSH, enqueue_once
from jobs.sync import uninstalling
from webapp.clients.errors import ApiError
from webapp.store import accounts

log = structlog.get_logger()


def enqueue_check(hub_id: int) -> None:
    """One job per account, so that one that takes long holds up nobody."""
    enqueue_once(LOW, "jobs.tasks.uninstall.check_install", hub_id, job_id=f"install-{hub_id}")


def enqueue_disconnect(hub_id: int) -> None:
    """A person wants the app removed from HubSpot."""
    enqueue_once(PUSH, "jobs.tasks.uninstall.disconnect", hub_id, job_id=f"disconnect-{hub_id}")


@in_app_context
def check_install(hub_id: int) -> None:
    """Safe to repeat."""
    uninstalling.check_install(hub_id)


@in_app_context
def disconnect(hub_id: int) -> None:
    """Safe to repeat: an account that has left already stays as it is."""
    uninstalling.disconnect(hub_id)


@in_app_context
def erase(hub_id: int) -> None:
    """Leave HubSpot, then delete all that is stored of an account. Safe to repeat. What a person wants deleted goes
    also while HubSpot does not answer; the app then has to be removed there by hand."""
    try:
        uninstalling.disconnect(hub_id)
    except ApiError as error:
        log.warning("erased_without_uninstall", hub_id=hub_id, error=str(error))
    accounts.purge_account(hub_id)
    log.info("account_erased", hub_id=hub_id)
