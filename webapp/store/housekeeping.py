"""What is forgotten by itself: old run history, keys that somebody entered and left behind, links that nobody used."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from webapp.extensions import db

from .models_account import Account, ConnectionAttempt, SigninLink
from .models_sync import Run
from .settings import get_settings

KEEP_RUNS = timedelta(days=180)
KEEP_ATTEMPTS = timedelta(days=1)
KEEP_LINKS = timedelta(days=1)


def prune(moment: datetime) -> dict[str, int]:
    """Delete ended runs, connection attempts and sign-in links that are past their time; rows deleted per table."""
    runs = db.session.execute(delete(Run).where(Run.finished_at < moment - KEEP_RUNS))
    attempts = db.session.execute(
        delete(ConnectionAttempt).where(ConnectionAttempt.created_at < moment - KEEP_ATTEMPTS)
    )
    links = db.session.execute(delete(SigninLink).where(SigninLink.expires_at < moment - KEEP_LINKS))
    db.session.commit()
    return {
        "run": runs.rowcount,  # type: ignore[attr-defined]  # DELETE returns a CursorResult
        "connection_attempt": attempts.rowcount,  # type: ignore[attr-defined]  # DELETE returns a CursorResult
        "signin_link": links.rowcount,  # type: ignore[attr-defined]  # DELETE returns a CursorResult
    }


def accounts_to_purge(moment: datetime) -> list[int]:
    """hub_ids of accounts that left longer ago than their `retention_days` and have not been purged yet."""
    left = db.session.scalars(
        select(Account).where(
            Account.status == "uninstalled",
            Account.uninstalled_at.is_not(None),
            func.coalesce(Account.status_reason, "") != "purged",
        )
    )
    unpurged = [(account.hub_id, account.uninstalled_at) for account in left]
    return [
        hub_id
        for hub_id, since in unpurged
        if since is not None and since + timedelta(days=get_settings(hub_id).retention_days) <= moment
    ]
