"""Pairs that a person said do not belong together, as HMACs; they survive a purge."""

from collections.abc import Collection, Mapping

from sqlalchemy import delete, select

from webapp.clock import now
from webapp.extensions import db

from .models_ledger import NeverMatch
from .sql import chunks, upsert


def remember(hub_id: int, cliniko_hmac: bytes, hubspot_hmac: bytes) -> None:
    """Never match these two again; the caller commits."""
    row = {"hub_id": hub_id, "cliniko_hmac": cliniko_hmac, "hubspot_hmac": hubspot_hmac, "created_at": now()}
    upsert(NeverMatch, [row], keys=["hub_id", "cliniko_hmac", "hubspot_hmac"], update=[])


def forget(hub_id: int, cliniko_hmac: bytes, hubspot_hmac: bytes) -> None:
    """A person took it back; the caller commits."""
    db.session.execute(
        delete(NeverMatch).where(
            NeverMatch.hub_id == hub_id,
            NeverMatch.cliniko_hmac == cliniko_hmac,
            NeverMatch.hubspot_hmac == hubspot_hmac,
        )
    )


def known(hub_id: int, hubspot_hmacs: Collection[bytes]) -> set[bytes]:
    """Those of these contacts that are in a pair."""
    found: set[bytes] = set()
    for part in chunks(sorted(set(hubspot_hmacs))):
        rows = db.session.scalars(
            select(NeverMatch.hubspot_hmac).where(NeverMatch.hub_id == hub_id, NeverMatch.hubspot_hmac.in_(part))
        )
        found.update(bytes(mark) for mark in rows)
    return found


def follow_merge(hub_id: int, old: Collection[bytes], new: bytes) -> None:
    """HubSpot merged contacts: what was never to match one of them is never to match what came out. The caller commits.

    The old pairs stay: an id that was merged away never comes back as another contact."""
    rows: dict[bytes, Mapping[str, object]] = {}
    for part in chunks(sorted(set(old))):
        found = db.session.scalars(
            select(NeverMatch.cliniko_hmac).where(NeverMatch.hub_id == hub_id, NeverMatch.hubspot_hmac.in_(part))
        )
        for mark in found:
            rows[bytes(mark)] = {
                "hub_id": hub_id,
                "cliniko_hmac": bytes(mark),
                "hubspot_hmac": new,
                "created_at": now(),
            }
    upsert(NeverMatch, [dict(row) for row in rows.values()], keys=["hub_id", "cliniko_hmac", "hubspot_hmac"], update=[])
