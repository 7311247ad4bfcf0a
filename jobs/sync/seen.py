"""Remembers for an hour which calendar records were taken care of as they are.

A change is read again through the overlap of the next walk, through each time column it moved, and through the record
it belongs to. What reads exactly as it did then needs nothing more. Losing this memory costs calls, never a change.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from jobs.sync.context import SyncContext
from webapp.clock import now

KEEP_SECONDS = 3600
# What changed longer ago is in no overlap any more and is not worth remembering.
RECENT = timedelta(minutes=45)
_TIMES = ("updated_at", "archived_at", "cancelled_at", "deleted_at")


def unseen(ctx: SyncContext, kind: str, records: Sequence[Any]) -> list[Any]:
    """Those of these records that differ from what was taken care of last."""
    if not records:
        return []
    marks = ctx.redis.mget([_key(ctx, kind, record.id) for record in records])
    return [record for record, mark in zip(records, marks, strict=True) if mark != _mark(ctx, record)]


def forget(ctx: SyncContext, kind: str, ids: Collection[str]) -> None:
    """Before records are taken care of: should that be cut short, what was remembered of them no longer counts."""
    if ids:
        ctx.redis.delete(*(_key(ctx, kind, cliniko_id) for cliniko_id in ids))


def remember(ctx: SyncContext, kind: str, records: Sequence[Any]) -> None:
    """After everything these records caused has been committed."""
    since = now() - RECENT
    fresh = [r for r in records if (changed := changed_at(r)) is not None and changed >= since]
    if fresh:
        pipe = ctx.redis.pipeline(transaction=False)
        for record in fresh:
            pipe.set(_key(ctx, kind, record.id), _mark(ctx, record), ex=KEEP_SECONDS)
        pipe.execute()


def changed_at(*records: Any) -> Any:
    """The latest of the times at which any of these records changed; None when none says."""
    moments = [getattr(record, name, None) for record in records if record is not None for name in _TIMES]
    return max((moment for moment in moments if moment is not None), default=None)


def _mark(ctx: SyncContext, record: Any) -> bytes:
    return hashlib.blake2b(msgspec.msgpack.encode(record), key=ctx.digest_key[:64], digest_size=12).digest()


def _key(ctx: SyncContext, kind: str, cliniko_id: str) -> str:
    return f"crmconnect:seen:{ctx.connection_id}:{kind}:{cliniko_id}"
