"""Requests about one contact (push, unlink, sync), and intents to create records in Cliniko. Always within one
account."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from webapp.clock import now
from webapp.extensions import db

from . import hooks
from .models_hooks import PushIntent, PushRequest
from .sql import insert_new, upsert

# An intent older than this has certainly arrived in Cliniko or never will.
INTENT_LIFE = timedelta(days=7)


def ask(
    hub_id: int,
    what: str,
    hubspot_id: str,
    asked_at: datetime,
    asked_by: str = "property",
    options: Mapping[str, Any] | None = None,
) -> None:
    """Remember a request; the same contact and time ask once. The caller commits."""
    row = _new(hub_id, what, hubspot_id, asked_at, asked_by, options)
    upsert(PushRequest, [row], keys=["hub_id", "what", "hubspot_id", "asked_at"], update=[])


def ask_once(
    hub_id: int,
    what: str,
    hubspot_id: str,
    key: str,
    digest: bytes,
    asked_by: str,
    options: Mapping[str, Any] | None = None,
) -> PushRequest:
    """Remember a click. The same key again, also at the same moment, gives the request that it made. Commits."""
    asked_at = now()
    while True:
        row = _new(hub_id, what, hubspot_id, asked_at, asked_by, options)
        insert_new(PushRequest, {**row, "key": key, "digest": digest})
        db.session.commit()
        found = by_key(hub_id, key)
        if found is not None:
            return found
        # Another click about this contact has this very microsecond.
        asked_at += timedelta(microseconds=1)


def by_key(hub_id: int, key: str) -> PushRequest | None:
    """The request that this click made."""
    return db.session.scalar(
        select(PushRequest)
        .where(PushRequest.hub_id == hub_id, PushRequest.key == key)
        .execution_options(populate_existing=True)
    )


def due(hub_id: int, limit: int = 50) -> list[PushRequest]:
    """Open requests whose time has come, oldest first."""
    query = select(PushRequest).where(
        PushRequest.hub_id == hub_id, PushRequest.state == "open", PushRequest.retry_at <= now()
    )
    return list(db.session.scalars(query.order_by(PushRequest.asked_at, PushRequest.id).limit(limit)))


def accounts_with_due(moment: datetime) -> list[int]:
    """Active and connected accounts with open requests whose time has come."""
    query = select(PushRequest.hub_id).where(
        PushRequest.state == "open", PushRequest.retry_at <= moment, PushRequest.hub_id.in_(hooks.at_work())
    )
    return list(db.session.scalars(query.distinct()))


def begin(request_id: int, hub_id: int, retry_at: datetime) -> None:
    """Somebody works on it now. Should they die over it, it is due again at `retry_at`. The caller commits."""
    request = _get(request_id, hub_id)
    if request is not None:
        request.attempts += 1
        request.started_at = request.started_at or now()
        request.retry_at, request.held_by = retry_at, None


def finish(
    request_id: int,
    hub_id: int,
    result: str,
    message: str,
    outcome: Mapping[str, Any] | None = None,
    seen: datetime | None = None,
) -> None:
    """The request has ended; `outcome` is what the card tells of it, `seen` when the switch had last been set, by
    HubSpot's clock, as far as this run could see. The caller commits."""
    request = _get(request_id, hub_id)
    if request is not None:
        if seen is not None:
            request.options = {**(request.options or {}), "seen": seen.isoformat()}
        request.state, request.result, request.message, request.finished_at = "done", result, message, now()
        request.outcome, request.held_by = (dict(outcome) if outcome is not None else None), None


def again(request_id: int, hub_id: int, retry_at: datetime, held_by: str | None = None) -> None:
    """Try it once more later; the caller commits."""
    request = _get(request_id, hub_id)
    if request is not None:
        request.retry_at, request.held_by = retry_at, held_by


def is_open(hub_id: int, what: str, hubspot_id: str) -> bool:
    """Is such a request waiting already?"""
    query = select(PushRequest.id).where(
        PushRequest.hub_id == hub_id,
        PushRequest.what == what,
        PushRequest.hubspot_id == hubspot_id,
        PushRequest.state == "open",
    )
    return db.session.scalar(query.limit(1)) is not None


def is_known(hub_id: int, what: str, hubspot_id: str, asked_at: datetime) -> bool:
    """Was this asked for at this very time, whatever became of it?"""
    query = select(PushRequest.id).where(
        PushRequest.hub_id == hub_id,
        PushRequest.what == what,
        PushRequest.hubspot_id == hubspot_id,
        PushRequest.asked_at == asked_at,
    )
    return db.session.scalar(query) is not None


def seen_switch(hub_id: int, what: str, hubspot_ids: Collection[str]) -> datetime | None:
    """When the switch of these contacts had last been set, as far as any ended request could see."""
    rows = db.session.scalars(
        select(PushRequest.options).where(
            PushRequest.hub_id == hub_id,
            PushRequest.what == what,
            PushRequest.hubspot_id.in_(list(hubspot_ids)),
            PushRequest.state == "done",
        )
    )
    times = [datetime.fromisoformat(options["seen"]) for options in rows if options and options.get("seen")]
    return max(times, default=None)


def reopen(hub_id: int, hubspot_ids: Collection[str]) -> int:
    """A person wants the newest request about each of these contacts, which was given up, tried again. The caller
    commits. Returns how many are."""
    again = 0
    for hubspot_id in hubspot_ids:
        request = last_for(hub_id, hubspot_id)
        if request is not None and request.state == "done":
            request.state, request.attempts, request.retry_at = "open", 0, now()
            # The switch is off by now; a person asked instead.
            request.asked_by = "dashboard" if request.asked_by == "property" else request.asked_by
            request.finished_at = None
            again += 1
    return again


def last_for(hub_id: int, hubspot_id: str) -> PushRequest | None:
    """The newest request about this contact."""
    return db.session.scalar(
        select(PushRequest)
        .where(PushRequest.hub_id == hub_id, PushRequest.hubspot_id == hubspot_id)
        .order_by(PushRequest.id.desc())
        .limit(1)
    )


def find_intent(connection_id: int, kind: str, hubspot_id: str) -> PushIntent | None:
    """What we set out to create from this contact."""
    return db.session.scalar(
        select(PushIntent)
        .where(PushIntent.connection_id == connection_id, PushIntent.kind == kind, PushIntent.hubspot_id == hubspot_id)
        .execution_options(populate_existing=True)
    )


def open_intent(hub_id: int, connection_id: int, kind: str, hubspot_id: str, person_hmac: bytes) -> None:
    """Remember the intent before the record is created. Commits."""
    row = {
        "hub_id": hub_id,
        "connection_id": connection_id,
        "kind": kind,
        "hubspot_id": hubspot_id,
        "person_hmac": person_hmac,
        "cliniko_id": None,
        "state": "open",
        "created_at": now(),
    }
    upsert(PushIntent, [row], keys=["connection_id", "kind", "hubspot_id"])
    db.session.commit()


def close_intent(connection_id: int, kind: str, hubspot_id: str, cliniko_id: str | None) -> None:
    """The record exists, or certainly does not; the caller commits."""
    db.session.execute(
        update(PushIntent)
        .where(PushIntent.connection_id == connection_id, PushIntent.kind == kind, PushIntent.hubspot_id == hubspot_id)
        .values(state="done", cliniko_id=cliniko_id)
    )


def intended(connection_id: int, kind: str, person_hmacs: list[bytes]) -> set[bytes]:
    """Those of these persons that a push is creating right now: the streams leave them to it."""
    if not person_hmacs:
        return set()
    query = select(PushIntent.person_hmac).where(
        PushIntent.connection_id == connection_id,
        PushIntent.kind == kind,
        PushIntent.state == "open",
        PushIntent.created_at > now() - INTENT_LIFE,
        or_(*(PushIntent.person_hmac == mark for mark in person_hmacs)),
    )
    return {bytes(mark) for mark in db.session.scalars(query)}


def _new(
    hub_id: int,
    what: str,
    hubspot_id: str,
    asked_at: datetime,
    asked_by: str,
    options: Mapping[str, Any] | None,
) -> dict[str, Any]:
    moment = now()
    return {
        "hub_id": hub_id,
        "what": what,
        "hubspot_id": hubspot_id,
        "asked_at": asked_at,
        "asked_by": asked_by[:80],
        "options": dict(options or {}),
        "state": "open",
        "attempts": 0,
        "retry_at": moment,
        "created_at": moment,
    }


def _get(request_id: int, hub_id: int) -> PushRequest | None:
    return db.session.scalar(select(PushRequest).where(PushRequest.id == request_id, PushRequest.hub_id == hub_id))
