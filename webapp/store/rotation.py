"""Walks every encrypted column and puts its values under the first key, in batches that can be stopped and repeated."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import LargeBinary, Table, and_, func, or_, select, type_coerce, update

from webapp.extensions import db
from webapp.security.crypto import current_cipher

from .base import Base, EncryptedText

BATCH = 200
PAUSE = 0.02


@dataclass(frozen=True)
class EncryptedColumn:
    table: Table
    name: str

    @property
    def label(self) -> str:
        return f"{self.table.name}.{self.name}"


def encrypted_columns() -> list[EncryptedColumn]:
    """Every column of every table that holds ciphertext."""
    return [
        EncryptedColumn(table, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, EncryptedText)
    ]


def count(column: EncryptedColumn) -> int:
    """Rows with a value."""
    value = column.table.c[column.name]
    return int(db.session.scalar(select(func.count()).select_from(column.table).where(value.is_not(None))) or 0)


def rotate(column: EncryptedColumn) -> Iterator[tuple[int, int]]:
    """Yield (seen, changed) per committed batch. A value that changed meanwhile is left to its writer."""
    cipher = current_cipher()
    keys = list(column.table.primary_key.columns)
    raw = type_coerce(column.table.c[column.name], LargeBinary)
    last: tuple[Any, ...] | None = None
    while True:
        query = select(*keys, raw).where(raw.is_not(None)).order_by(*keys).limit(BATCH)
        if last is not None:
            query = query.where(_after(keys, last))
        rows = db.session.execute(query).all()
        if not rows:
            db.session.rollback()
            return
        changed = 0
        for row in rows:
            *key, token = row
            if cipher.is_current(bytes(token)):
                continue
            same = and_(*(column_ == value for column_, value in zip(keys, key, strict=True)), raw == bytes(token))
            fresh = type_coerce(cipher.rotate(bytes(token)), LargeBinary)
            result = db.session.execute(update(column.table).where(same).values({column.name: fresh}))
            changed += result.rowcount  # type: ignore[attr-defined]  # UPDATE returns a CursorResult
        db.session.commit()
        if db.engine.dialect.name == "sqlite":
            # One writer at a time: without a pause, others would hardly ever find the file free.
            time.sleep(PAUSE)
        last = tuple(rows[-1][:-1])
        yield len(rows), changed


def _after(keys: list[Any], last: tuple[Any, ...]) -> Any:
    """Row-wise `>` that both engines understand."""
    clauses = []
    for place, key in enumerate(keys):
        equal = [keys[i] == last[i] for i in range(place)]
        clauses.append(and_(*equal, key > last[place]))
    return or_(*clauses)
