"""The Cliniko connection of an account, and keys that wait to be checked."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update

from webapp.clock import now
from webapp.extensions import db

from .accounts import lock_account
from .leases import break_all
from .models_account import Connection, ConnectionAttempt
from .models_hooks import PushIntent
from .models_ledger import Link, Person, PersonTerm, Referral
from .models_sync import Cursor, Issue, Review, StreamState, WorkItem
from .models_visits import Bill, Visit, VisitSummary
from .proofs import RECONCILE


class OtherClinikoAccount(Exception):
    """The key belongs to another Cliniko account than the one connected, and nobody confirmed the replacement."""

    def __init__(self, connected: str | None, offered: str | None) -> None:
        super().__init__("this key belongs to another Cliniko account than the connected one")
        self.connected, self.offered = connected, offered


def find_connection(hub_id: int) -> Connection | None:
    """The account's present connection (active or with a revoked key), if any."""
    return db.session.scalar(
        select(Connection)
        .where(Connection.hub_id == hub_id, Connection.status != "replaced")
        .order_by(Connection.id.desc())
    )


def save_connection(
    hub_id: int,
    *,
    api_key: str,
    shard: str,
    cliniko_account_id: str,
    cliniko_user_id: str,
    role: str | None,
    account_name: str | None,
    subdomain: str | None,
    country_code: str | None,
    access: Mapping[str, str],
    replace: bool = False,
) -> Connection:
    """Store a checked key. The same Cliniko account keeps every link; another one raises OtherClinikoAccount unless
    `replace`, which drops the links of the account it replaces."""
    account = lock_account(hub_id)
    present = find_connection(hub_id)
    moment = now()
    if present is not None and present.cliniko_account_id != cliniko_account_id:
        if not replace:
            raise OtherClinikoAccount(present.account_name, account_name)
        present.status, present.api_key, present.updated_at = "replaced", None, moment
        account.replaced_cliniko_ids = sorted({*account.replaced_cliniko_ids, present.cliniko_account_id})
        break_all(hub_id)
        _forget_records(present.id)
        _begin_again(hub_id)
    connection = db.session.scalar(
        select(Connection).where(Connection.hub_id == hub_id, Connection.cliniko_account_id == cliniko_account_id)
    )
    if connection is None:
        connection = Connection(hub_id=hub_id, cliniko_account_id=cliniko_account_id, created_at=moment)
        db.session.add(connection)
    account.replaced_cliniko_ids = [i for i in account.replaced_cliniko_ids if i != cliniko_account_id]
    connection.status, connection.api_key, connection.shard = "active", api_key, shard
    connection.cliniko_user_id, connection.role, connection.account_name = cliniko_user_id, role, account_name
    connection.subdomain, connection.country_code, connection.access = subdomain, country_code, dict(access)
    connection.updated_at = moment
    for state in db.session.scalars(select(StreamState).where(StreamState.hub_id == hub_id)):
        if state.state == "stopped" and state.cause in ("key_revoked", "list_forbidden"):
            state.state, state.cause, state.next_run_at = "idle", None, moment
    db.session.commit()
    return connection


def _forget_records(connection_id: int) -> None:
    """What is known of a replaced Cliniko account's records goes: nothing of it is counted, tried again or shown.
    Should the account come back, its first cycle finds its contacts by the keys that they carry."""
    for model in (
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
        PushIntent,
    ):
        db.session.execute(delete(model).where(model.connection_id == connection_id))


def _begin_again(hub_id: int) -> None:
    """Every stream starts as on the first day. One that is off stays off; the reconcile waits for its night."""
    started = {"started_at": None, "finished_at": None, "last_success_at": None, "wait_until": None}
    query = update(StreamState).where(StreamState.hub_id == hub_id)
    db.session.execute(query.values(**started, cause=None, failures=0, requested=False, reread=False, counts={}))
    on = query.where(StreamState.state != "off")
    db.session.execute(on.values(state="idle"))
    db.session.execute(on.where(StreamState.stream != RECONCILE).values(next_run_at=now()))


def mark_key_revoked(hub_id: int) -> None:
    connection = find_connection(hub_id)
    if connection is not None:
        connection.status, connection.updated_at = "key_revoked", now()
        db.session.commit()


def save_access(connection_id: int, access: Mapping[str, str]) -> None:
    """What the key may read, as last seen; the caller commits."""
    db.session.execute(update(Connection).where(Connection.id == connection_id).values(access=dict(access)))


def start_attempt(hub_id: int, api_key: str, replace: bool = False) -> ConnectionAttempt:
    """Keep a key, encrypted, until a job has checked it."""
    moment = now()
    attempt = ConnectionAttempt(
        id=str(uuid.uuid4()), hub_id=hub_id, api_key=api_key, replace=replace, created_at=moment, updated_at=moment
    )
    db.session.add(attempt)
    db.session.commit()
    return attempt


def get_attempt(hub_id: int, attempt_id: str) -> ConnectionAttempt | None:
    """An attempt of this account; one of another account is as good as none."""
    return db.session.scalar(
        select(ConnectionAttempt).where(ConnectionAttempt.id == attempt_id, ConnectionAttempt.hub_id == hub_id)
    )


def finish_attempt(
    hub_id: int, attempt_id: str, state: str, message: str | None, report: dict[str, Any] | None
) -> None:
    """Record how the check ended. The key is forgotten, except while a replacement waits to be confirmed."""
    attempt = get_attempt(hub_id, attempt_id)
    if attempt is None:
        return
    attempt.state, attempt.message, attempt.report, attempt.updated_at = state, message, report, now()
    if state != "needs_confirmation":
        attempt.api_key = None
    db.session.commit()
