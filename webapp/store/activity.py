"""The activity list: one line for every write. Names of fields, never values."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select

from webapp.clock import now
from webapp.extensions import db

from .models_hooks import Activity
from .sql import chunks, table_of


@dataclass(frozen=True)
class Line:
    """One write. `target` is where it went: hubspot, cliniko or only our ledger."""

    action: str
    kind: str
    cliniko_id: str | None = None
    hubspot_id: str | None = None
    fields: Sequence[str] = field(default=())
    target: str = "hubspot"
    result: str = "ok"


def note(hub_id: int, actor: str, lines: Sequence[Line]) -> None:
    """Write these lines; the caller commits, together with what they are about."""
    if not lines:
        return
    moment = now()
    rows = [
        {
            "hub_id": hub_id,
            "at": moment,
            "actor": actor[:100],
            "target": line.target,
            "action": line.action,
            "kind": line.kind,
            "cliniko_id": line.cliniko_id,
            "hubspot_id": line.hubspot_id,
            "fields": sorted(line.fields),
            "result": line.result[:40],
        }
        for line in lines
    ]
    for part in chunks(rows):
        db.session.execute(insert(table_of(Activity)), list(part))


def search(
    hub_id: int,
    *,
    record: str | None = None,
    records: Collection[str] = (),
    actions: Collection[str] = (),
    kinds: Collection[str] = (),
    since: datetime | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> list[Activity]:
    """Newest first. `record` is an id of either side, `records` several of them; `before_id` goes on where a page
    ended."""
    query = select(Activity).where(Activity.hub_id == hub_id)
    wanted = [*records, *([record] if record else [])]
    if wanted:
        query = query.where(or_(Activity.cliniko_id.in_(wanted), Activity.hubspot_id.in_(wanted)))
    if actions:
        query = query.where(Activity.action.in_(list(actions)))
    if kinds:
        query = query.where(Activity.kind.in_(list(kinds)))
    if since is not None:
        query = query.where(Activity.at >= since)
    if before_id is not None:
        query = query.where(Activity.id < before_id)
    return list(db.session.scalars(query.order_by(Activity.id.desc()).limit(limit)))


def export(
    hub_id: int,
    page: int = 1000,
    *,
    record: str | None = None,
    actions: Collection[str] = (),
    kinds: Collection[str] = (),
    since: datetime | None = None,
) -> Iterator[Mapping[str, Any]]:
    """Every line, or those that `search` would find, newest first, without loading all of them. No transaction stays
    open while the reader takes their time."""
    before: int | None = None
    while True:
        rows = search(hub_id, record=record, actions=actions, kinds=kinds, since=since, before_id=before, limit=page)
        lines = [_plain(row) for row in rows]
        before = rows[-1].id if rows else None
        db.session.rollback()
        db.session.expunge_all()
        yield from lines
        if len(lines) < page:
            return


def _plain(row: Activity) -> dict[str, Any]:
    return {
        "at": row.at,
        "actor": row.actor,
        "target": row.target,
        "action": row.action,
        "kind": row.kind,
        "cliniko_id": row.cliniko_id,
        "hubspot_id": row.hubspot_id,
        "fields": ", ".join(row.fields),
        "result": row.result,
    }
