"""The end of an install: found out by asking HubSpot daily, or brought about from our side."""

import structlog

from jobs.sync import causes
from jobs.sync.wiring import hubspot_client_for
from webapp.clients.errors import ApiError, NeedsReconnect
from webapp.clients.hubspot import account as hubspot_account
from webapp.clients.hubspot import oauth
from webapp.config import current_settings
from webapp.extensions import db
from webapp.store import accounts, streams

log = structlog.get_logger()

DISCONNECTED = "disconnected"


def check_install(hub_id: int) -> bool:
    """Ask HubSpot whether our grant still lives; a dead one stops the account at once. False when it is gone.

    A failure of the way to HubSpot, or of our own configuration, says nothing about the account."""
    account = accounts.find_account(hub_id)
    if account is None or account.status == "uninstalled" or not account.refresh_token:
        return False
    token = account.refresh_token
    db.session.commit()
    try:
        answer = oauth.introspect(current_settings(), token, "refresh_token")
    except NeedsReconnect:
        answer = {"active": False}
    except ApiError as error:
        log.warning("install_not_checked", hub_id=hub_id, error=str(error))
        return True
    if answer.get("active") is not False:
        return True
    newer = accounts.get_account(hub_id)
    db.session.refresh(newer)
    if newer.refresh_token != token:
        # Refreshed or installed again meanwhile: it was an old token that is dead.
        return True
    stop(hub_id, causes.UNINSTALLED)
    log.info("account_uninstalled", hub_id=hub_id)
    return False


def disconnect(hub_id: int) -> None:
    """Have HubSpot remove our app from the account, then stop here. Its data is kept for `retention_days`.

    Raises what HubSpot's client raises, and then nothing has changed; an app that is gone already is no error."""
    try:
        with hubspot_client_for(hub_id, for_person=True) as client:
            hubspot_account.uninstall(client)
    except NeedsReconnect:
        log.info("account_was_uninstalled", hub_id=hub_id)
    stop(hub_id, DISCONNECTED)


def stop(hub_id: int, reason: str) -> None:
    """Nothing is read or written for this account any more; its tokens are forgotten and the retention begins."""
    accounts.set_status(hub_id, "uninstalled", reason)
    streams.stop(hub_id, None, causes.UNINSTALLED)
