"""Accounts: installing, tokens, status, purge. Every function takes the account's `hub_id`."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from webapp.clock import now
from webapp.extensions import db

from .models_account import Account, AccountSetting, Connection, ConnectionAttempt, SigninLink
from .models_hooks import Activity, HookEvent, Proof, PushIntent, PushRequest
from .models_ledger import Link, Person, PersonTerm, Referral
from .models_sync import Cursor, Issue, Lease, Review, Run, StreamState, WorkItem
from .models_visits import Bill, Visit, VisitSummary
from .sql import upsert


class UnknownAccount(LookupError):
    """No account with this HubSpot id is installed here."""

    def __init__(self, hub_id: int) -> None:
        super().__init__(f"No account with the HubSpot id {hub_id} is installed here.")
        self.hub_id = hub_id


def find_account(hub_id: int) -> Account | None:
    return db.session.get(Account, hub_id)


def get_account(hub_id: int) -> Account:
    """The account, or UnknownAccount."""
    account = find_account(hub_id)
    if account is None:
        raise UnknownAccount(hub_id)
    return account


def lock_account(hub_id: int) -> Account:
    """The account as it is now, which nobody else changes until the commit. Raises UnknownAccount."""
    account = db.session.get(Account, hub_id, populate_existing=True, with_for_update={"key_share": True})
    if account is None:
        raise UnknownAccount(hub_id)
    return account


def list_accounts() -> list[Account]:
    return list(db.session.scalars(select(Account).order_by(Account.hub_id)))


def save_install(
    hub_id: int,
    *,
    access_token: str,
    refresh_token: str,
    token_expires_at: datetime,
    scopes: Sequence[str],
    installed_by: str | None = None,
    hub_domain: str | None = None,
    ui_domain: str | None = None,
    time_zone: str | None = None,
    currency: str | None = None,
) -> Account:
    """Save an install or a reinstall. A reinstall keeps the connection, every link and the digest key."""
    moment = now()
    # Two installs at once make one account, with the key of the first.
    new = {
        "hub_id": hub_id,
        "status": "active",
        "digest_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "scopes": [],
        "replaced_cliniko_ids": [],
        "created_at": moment,
        "updated_at": moment,
    }
    upsert(Account, [new], keys=["hub_id"], update=[])
    account = lock_account(hub_id)
    if account.status == "uninstalled":
        account.status = "active"
    account.status_reason = None if account.status == "active" else account.status_reason
    account.uninstalled_at = None
    account.access_token = access_token
    account.refresh_token = refresh_token
    account.token_expires_at = token_expires_at
    account.scopes = list(scopes)
    account.updated_at = moment
    for name, value in (
        ("installed_by", installed_by),
        ("hub_domain", hub_domain),
        ("ui_domain", ui_domain),
        ("time_zone", time_zone),
        ("currency", currency),
    ):
        if value:
            setattr(account, name, value)
    db.session.flush()
    for state in db.session.scalars(select(StreamState).where(StreamState.hub_id == hub_id)):
        if state.state == "stopped":
            state.state, state.cause, state.next_run_at = "idle", None, moment
    db.session.commit()
    return account


def save_tokens(hub_id: int, *, access_token: str, refresh_token: str, token_expires_at: datetime) -> None:
    """Overwrite both tokens with what the last refresh returned. An account that has left meanwhile keeps none."""
    account = lock_account(hub_id)
    if account.status == "uninstalled":
        db.session.rollback()
        return
    account.access_token = access_token
    account.refresh_token = refresh_token
    account.token_expires_at = token_expires_at
    account.updated_at = now()
    db.session.commit()


def set_status(hub_id: int, status: str, reason: str | None = None) -> None:
    """active, paused or uninstalled. Uninstalled forgets the tokens at once and starts the retention clock; only an
    install brings such an account back."""
    account = lock_account(hub_id)
    if account.status == "uninstalled" and status != "uninstalled":
        db.session.rollback()
        return
    account.status, account.status_reason, account.updated_at = status, reason, now()
    if status == "uninstalled":
        account.access_token = account.refresh_token = account.token_expires_at = None
        account.uninstalled_at = account.uninstalled_at or now()
    db.session.commit()


def save_provisioning(hub_id: int, report: dict[str, Any]) -> None:
    account = get_account(hub_id)
    account.provisioned_at, account.provision_report, account.updated_at = now(), report, now()
    db.session.commit()


def digest_key(account: Account) -> bytes:
    """The key of this account's HMACs, 32 bytes."""
    return base64.b64decode(account.digest_key)


def purge_account(hub_id: int) -> dict[str, int]:
    """Delete all that is stored of an account. What stays: the account row without tokens or portal details, its digest
    key, the never-match pairs and the erased persons, all of them HMACs. Returns rows deleted per table."""
    account = get_account(hub_id)
    counts: dict[str, int] = {}
    for model in (
        HookEvent,
        PushRequest,
        PushIntent,
        Activity,
        Proof,
        Link,
        VisitSummary,
        Visit,
        Bill,
        PersonTerm,
        Person,
        Referral,
        Cursor,
        WorkItem,
        Issue,
        Review,
        Run,
        StreamState,
        Lease,
        ConnectionAttempt,
        Connection,
        AccountSetting,
        SigninLink,
    ):
        result = db.session.execute(delete(model).where(model.hub_id == hub_id))
        counts[model.__tablename__] = result.rowcount  # type: ignore[attr-defined]  # DELETE returns a CursorResult
    account.access_token = account.refresh_token = account.token_expires_at = None
    account.hub_domain = account.ui_domain = account.installed_by = account.time_zone = account.currency = None
    account.provisioned_at = account.provision_report = None
    account.scopes, account.replaced_cliniko_ids = [], []
    if account.status != "uninstalled":
        account.status, account.uninstalled_at = "uninstalled", now()
    account.status_reason = "purged"
    account.updated_at = now()
    db.session.commit()
    return counts
