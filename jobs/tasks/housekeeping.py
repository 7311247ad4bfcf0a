"""Daily: purge accounts that left, forget old history, ask HubSpot whether the others are still there, and see that
each of them has a reconcile to come."""

import structlog

from jobs.context import in_app_context
from jobs.tasks.uninstall import enqueue_check
from webapp.clock import now
from webapp.store import housekeeping as store
from webapp.store import proofs
from webapp.store.accounts import purge_account

_log = structlog.get_logger(__name__)


@in_app_context
def housekeeping() -> None:
    """Safe to repeat."""
    moment = now()
    pruned = {**store.prune(moment), "proof": proofs.prune()}
    purged = 0
    for hub_id in store.accounts_to_purge(moment):
        purge_account(hub_id)
        purged += 1
        _log.info("account_purged", hub_id=hub_id)
    for hub_id in proofs.unplanned():
        proofs.plan(hub_id)
    for hub_id in store.installed_accounts():
        enqueue_check(hub_id)
    _log.info("housekeeping", accounts_purged=purged, **{f"{table}_rows": count for table, count in pruned.items()})
