"""Gathers what an execution, a push or an unlink needs to know of its account before it begins."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from jobs.sync import causes
from jobs.sync.context import SyncContext
from jobs.sync.keeper import Keeper, owner_name
from jobs.sync.wiring import cliniko_client_for, hubspot_client_for
from webapp.clients.errors import NeedsReconnect
from webapp.extensions import db, get_redis
from webapp.store import accounts, connections, leases, settings, streams
from webapp.store.leases import HeldLease

log = structlog.get_logger()


class NotRunning(Exception):
    """The account is paused, uninstalled, not connected or not provisioned. `cause` is a word of causes.py."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class SomebodyElse(Exception):
    """Another process holds this lease."""


def make_context(
    hub_id: int,
    stream: str,
    keeper: Keeper,
    *,
    cycle_no: int = 0,
    last_success_at: datetime | None = None,
    for_person: bool = False,
) -> SyncContext:
    """`for_person` may use the part of both API budgets that is kept for what a person waits for.

    Raises NotRunning, NeedsReconnect."""
    account = accounts.get_account(hub_id)
    connection = connections.find_connection(hub_id)
    if connection is None:
        raise NotRunning(causes.NOT_CONNECTED)
    report = account.provision_report or {}
    return SyncContext(
        hub_id=hub_id,
        stream=stream,
        connection_id=connection.id,
        cliniko_account_id=connection.cliniko_account_id,
        shard=connection.shard,
        subdomain=connection.subdomain,
        country_code=connection.country_code,
        currency=account.currency,
        digest_key=accounts.digest_key(account),
        replaced_cliniko_ids=frozenset(account.replaced_cliniko_ids),
        access=dict(connection.access),
        settings=settings.get_settings(hub_id),
        writable=frozenset(report.get("contact_properties", ())),
        cliniko_client=cliniko_client_for(connection, for_person=for_person),
        hubspot_client=hubspot_client_for(hub_id, for_person=for_person),
        redis=get_redis(),
        keeper=keeper,
        cycle_no=cycle_no,
        last_success_at=last_success_at,
        writable_deals=frozenset(report.get("deal_properties", ())),
        pipelines={
            item["stream"]: (item["pipeline_id"], item["stages"])
            for item in report.get("pipelines", ())
            if item["pipeline_id"]
        },
    )


@contextmanager
def running(hub_id: int, name: str, *, for_person: bool = True, patience: float = 0) -> Iterator[SyncContext]:
    """Work outside of a stream's cycle, under a lease of its own (`name`, ≤ 20 characters).

    Raises SomebodyElse when another process holds the lease for longer than `patience` seconds, NotRunning, and what
    happens inside."""
    account = accounts.find_account(hub_id)
    if account is None or account.status != "active":
        raise NotRunning(causes.UNINSTALLED if account is None else account.status)
    connection = connections.find_connection(hub_id)
    if connection is None or connection.status != "active":
        raise NotRunning(causes.NOT_CONNECTED if connection is None else causes.KEY_REVOKED)
    if account.provisioned_at is None:
        raise NotRunning(causes.NOT_PROVISIONED)
    with whatever(hub_id, name, for_person=for_person, patience=patience) as ctx:
        yield ctx


@contextmanager
def whatever(hub_id: int, name: str, *, for_person: bool = True, patience: float = 0) -> Iterator[SyncContext]:
    """The same in whatever state the account is: for what a pause or a lost key must not hold up. Either service may
    refuse us."""
    lease = _acquire(hub_id, name, patience)
    with Keeper(lease) as keeper:
        ctx = make_context(hub_id, name, keeper, for_person=for_person)
        try:
            yield ctx
        finally:
            ctx.cliniko_client.close()
            ctx.hubspot_client.close()


def _acquire(hub_id: int, name: str, patience: float) -> HeldLease:
    """Whoever holds it may be about to let go, having looked for work for the last time: wait a moment."""
    owner, until = owner_name(), time.monotonic() + patience
    while True:
        lease = leases.acquire(hub_id, name, owner)
        if lease is not None:
            return lease
        if time.monotonic() >= until:
            raise SomebodyElse
        time.sleep(0.05)


def disconnected(hub_id: int, error: NeedsReconnect) -> str:
    """Access was taken away: stop every stream at once; the owner has to act. Returns the cause."""
    db.session.rollback()
    if error.service == "cliniko":
        connections.mark_key_revoked(hub_id)
        cause = causes.KEY_REVOKED
    else:
        accounts.set_status(hub_id, "uninstalled", error.reason)
        cause = causes.UNINSTALLED
    streams.stop(hub_id, None, cause)
    log.warning("stream_stopped", hub_id=hub_id, cause=cause)
    return cause
