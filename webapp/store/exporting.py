"""Every link of an account, page by page, for a file that a person takes home."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from webapp.extensions import db

from .models_ledger import Link


class LinkLine(NamedTuple):
    """One link. No value of a person is in it."""

    kind: str
    cliniko_id: str
    hubspot_id: str | None
    state: str
    rule: str | None
    cliniko_status: str
    synced_at: datetime | None
    connection_id: int


def all_links(hub_id: int, page: int = 1000) -> Iterator[LinkLine]:
    """In the order in which they were made, without loading all of them. No transaction stays open while the reader
    takes their time."""
    after = 0
    while True:
        query = select(Link.id, *(getattr(Link, name) for name in LinkLine._fields))
        rows = list(
            db.session.execute(query.where(Link.hub_id == hub_id, Link.id > after).order_by(Link.id).limit(page))
        )
        db.session.rollback()
        for row in rows:
            yield LinkLine(*row[1:])
        if len(rows) < page:
            return
        after = rows[-1][0]
