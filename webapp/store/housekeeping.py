"""What is forgotten by itself: old run history, keys that somebody entered and left behind, links that nobody used, and
after an account's `retention_days` what happened to it: events, requests, intents, activity."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select

from webapp.extensions import db

from .models_account import Account, AccountSetting, ConnectionAttempt, SigninLink
from .models_hooks import Activity, HookEvent, PushIntent, PushRequest
from .models_sync import Run
from .settings import AccountSettings, get_settings

KEEP_RUNS = timedelta(days=180)
KEEP_ATTEMPTS = timedelta(days=1)
KEEP_LINKS = timedelta(days=1)
# Rows deleted in one transaction, so that nobody waits long for the tables.
AT_ONCE = 5000
# What happened to an account: the table, when it happened, and whether it is over. A request that still waits, for an
# account that is paused, is not.
_HAPPENED: tuple[tuple[Any, Any, Any], ...] = (
    (HookEvent, HookEvent.received_at, True),
    (PushRequest, PushRequest.created_at, PushRequest.state == "done"),
    (PushIntent, PushIntent.created_at, True),
    (Activity, Activity.at, True),
)


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
        **{model.__tablename__: _forget(model, at, over, moment) for model, at, over in _HAPPENED},
    }


def _forget(model: Any, at: Any, over: Any, moment: datetime) -> int:
    """Delete what is older than its account's `retention_days`; commits piece by piece."""
    own = _retention_days()
    usual = moment - timedelta(days=AccountSettings().retention_days)
    deleted = _in_pieces(model, (at < usual, over, model.hub_id.not_in(list(own))))
    by_days: dict[int, list[int]] = {}
    for hub_id, days in own.items():
        by_days.setdefault(days, []).append(hub_id)
    for days, hub_ids in by_days.items():
        deleted += _in_pieces(model, (at < moment - timedelta(days=days), over, model.hub_id.in_(hub_ids)))
    return deleted


def _retention_days() -> dict[int, int]:
    """{account: days} of those that chose another number than the usual one."""
    rows = db.session.execute(
        select(AccountSetting.hub_id, AccountSetting.value).where(AccountSetting.name == "retention_days")
    )
    return {hub_id: int(value) for hub_id, value in rows}


def _in_pieces(model: Any, conditions: tuple[Any, ...]) -> int:
    deleted = 0
    while True:
        ids = list(db.session.scalars(select(model.id).where(*conditions).limit(AT_ONCE)))
        db.session.execute(delete(model).where(model.id.in_(ids)))
        db.session.commit()
        deleted += len(ids)
        if len(ids) < AT_ONCE:
            return deleted


def installed_accounts() -> list[int]:
    """hub_ids of all accounts that have the app, as far as we know."""
    return list(db.session.scalars(select(Account.hub_id).where(Account.status != "uninstalled")))


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
